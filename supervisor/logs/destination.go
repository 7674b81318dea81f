package logs

import "slices"

// destination is where a worker's lines go, and how they look there. It never
// changes but for its count of users: a capture keeps the destination that it
// began with.
type destination struct {
	outputLayout layout // on stdout and stderr
	fileLayout   layout
	files        [2][]*file // by Stream
	users        int        // the worker and its captures; guarded by Output.mu
}

// newDestination opens the files. Its first user is the worker.
func (o *Output) newDestination(id Identity, c Config) *destination {
	date := compileDate(c.DateFormat)
	d := &destination{outputLayout: layout{format: o.format, date: date}, fileLayout: layout{format: Raw, date: date}, users: 1}
	if o.format == Raw {
		d.outputLayout.date = nil
	}
	if c.JSONFiles {
		d.fileLayout.format = JSON
	}
	d.files[Stdout] = o.files.openAll(c, id, c.OutFile, c.File)
	d.files[Stderr] = o.files.openAll(c, id, c.ErrorFile, c.File)
	return d
}

// destinationOf returns the worker's current destination.
func (o *Output) destinationOf(w *Worker) *destination {
	o.mu.Lock()
	defer o.mu.Unlock()
	return w.destination
}

// retain counts a capture as a user of the worker's current destination.
func (o *Output) retain(w *Worker) *destination {
	o.mu.Lock()
	defer o.mu.Unlock()
	w.destination.users++
	return w.destination
}

// releaseDestination releases the files with the last user.
func (o *Output) releaseDestination(d *destination) {
	o.mu.Lock()
	d.users--
	last := d.users == 0
	o.mu.Unlock()
	if !last {
		return
	}
	for _, f := range slices.Concat(d.files[:]...) {
		o.files.release(f)
	}
}
