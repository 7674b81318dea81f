package logs

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

// Options says where gorun's output goes and how it looks.
type Options struct {
	Stdout, Stderr io.Writer // *os.File in production; may be the same file
	Format         Format
	Color          bool             // Tagged: a colour per app; for terminals only
	Level          slog.Leveler     // of gorun's own lines; nil = Info
	Now            func() time.Time // nil = time.Now
}

// Output is gorun's stdout and stderr and every log file. Workers' lines are
// written by the goroutine that read them, one at a time per destination; gorun's
// own lines by one goroutine, which only stderr can hold up.
type Output struct {
	writers [2]*writer // by Stream; one and the same if stdout and stderr are
	format  Format
	now     func() time.Time
	handler slog.Handler
	queue   *writeQueue
	buffers *buffers
	labels  labels
	history history
	files   *fileSet

	quit   chan struct{} // closed: drop what cannot be written
	giveUp func()        // closes quit, once

	mu       sync.Mutex // guards the rest, and who uses a destination; never held while waiting for a disk
	captures map[*Capture]struct{}
}

// New owns stdout and stderr from now on: nothing else should write to them.
func New(opt Options) *Output {
	o := &Output{
		format:   opt.Format,
		now:      opt.Now,
		queue:    newWriteQueue(),
		buffers:  new(buffers),
		quit:     make(chan struct{}),
		captures: make(map[*Capture]struct{}),
	}
	if o.now == nil {
		o.now = time.Now
	}
	if opt.Color {
		o.labels.colors = make(map[string]string)
	}
	o.giveUp = sync.OnceFunc(func() { close(o.quit) })
	o.handler = newHandler(opt.Format, opt.Level, o.queue)
	log := slog.New(o.handler)
	o.writers = newWriters(opt.Stdout, opt.Stderr, func(err error) {
		log.Warn("cannot write to stdout, its lines are lost", "error", err)
	})
	o.files = newFileSet(o.writers, o.now, log)
	go o.queue.run(o.writers[Stderr], o.quit, log)
	return o
}

// Handler is for gorun's own lines. It never waits: while stderr is stalled
// lines are queued, and beyond the queue they are dropped and counted.
func (o *Output) Handler() slog.Handler { return o.handler }

// Worker prepares one worker's output; it serves all runs of its process. It never
// waits for a disk: the files are opened in the background. A file that cannot be
// opened is warned about once and tried again later.
func (o *Output) Worker(id Identity, c Config) *Worker {
	w := &Worker{out: o, id: id, rings: [2]*ring{{id: id, kind: Stdout}, {id: id, kind: Stderr}}}
	w.color = o.labels.add(id.App, w.label())
	w.destination = o.newDestination(id, c)
	o.history.add(w)
	return w
}

// Close ends every capture, writes the queued lines and ends the goroutines. When
// ctx is over first, the rest is dropped; a goroutine in a blocking write ends with
// that write.
func (o *Output) Close(ctx context.Context) error {
	o.mu.Lock()
	captures := slices.Collect(maps.Keys(o.captures))
	o.mu.Unlock()

	var errs []error
	for _, c := range captures {
		errs = append(errs, c.Close(ctx))
	}
	errs = append(errs, o.files.close(ctx), o.queue.close(ctx)) // in this order: the files may add to gorun's own lines
	o.giveUp()
	for _, w := range o.writers {
		w.close()
	}
	return errors.Join(errs...)
}

// reached waits until done is closed; false if ctx was over first.
func reached(ctx context.Context, done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	case <-ctx.Done():
		return happened(done)
	}
}

func happened(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}
