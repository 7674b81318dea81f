package logs

import (
	"errors"
	"slices"
)

// outlet is where a worker's lines go, and how they look there. Only its users
// change: a capture keeps the one that it began with.
type outlet struct {
	shown layout // on stdout and stderr
	filed layout
	files [2][]*file // by Stream
	users int        // the worker, and its captures; guarded by Output.mu
}

// newOutlet opens the files. Its one user is the worker.
func (o *Output) newOutlet(id Identity, c Config) *outlet {
	date := compileDate(c.DateFormat)
	out := &outlet{shown: layout{format: o.format, date: date}, filed: layout{format: Raw, date: date}, users: 1}
	if o.format == Raw {
		out.shown.date = nil
	}
	if c.JSONFiles {
		out.filed.format = JSON
	}
	out.files[Stdout] = o.openAll(c, id, c.OutFile, c.File)
	out.files[Stderr] = o.openAll(c, id, c.ErrorFile, c.File)
	return out
}

// outletOf is the worker's present one.
func (o *Output) outletOf(w *Worker) *outlet {
	o.mu.Lock()
	defer o.mu.Unlock()
	return w.outlet
}

// enter makes the worker's present outlet one of a capture, too.
func (o *Output) enter(w *Worker) *outlet {
	o.mu.Lock()
	defer o.mu.Unlock()
	w.outlet.users++
	return w.outlet
}

// leave gives the files back with the last user.
func (o *Output) leave(out *outlet) error {
	o.mu.Lock()
	out.users--
	last := out.users == 0
	o.mu.Unlock()
	if !last {
		return nil
	}
	var errs []error
	for _, f := range slices.Concat(out.files[:]...) {
		errs = append(errs, o.release(f))
	}
	return errors.Join(errs...)
}
