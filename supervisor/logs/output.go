package logs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"
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
	color   bool
	now     func() time.Time
	handler slog.Handler
	log     *slog.Logger
	queue   *writeQueue
	buffers *buffers
	width   atomic.Int64 // of the longest label so far
	history history

	stopping     chan struct{} // closed: compress no more files
	closing      chan struct{} // closed: write the queued lines, then end
	quit         chan struct{} // closed: drop what cannot be written
	ownLinesDone chan struct{} // closed: the goroutine of gorun's own lines has ended
	giveUp       func()        // closes quit, once
	stop         func()        // closes stopping, once
	shutdown     func()        // closes closing, once

	openFile func(path string) (*os.File, error) // a test's may hang

	mu       sync.Mutex // guards the rest; never held while waiting for a disk
	captures map[*Capture]struct{}
	files    map[string]*file
	colors   map[string]string
	running  sync.WaitGroup // what background started
	closed   bool           // no more of it
}

// New owns stdout and stderr from now on: nothing else should write to them.
func New(opt Options) *Output {
	o := &Output{
		format:       opt.Format,
		color:        opt.Color,
		now:          opt.Now,
		queue:        newWriteQueue(),
		buffers:      newBuffers(),
		stopping:     make(chan struct{}),
		closing:      make(chan struct{}),
		quit:         make(chan struct{}),
		ownLinesDone: make(chan struct{}),
		captures:     make(map[*Capture]struct{}),
		files:        make(map[string]*file),
		colors:       make(map[string]string),
		openFile:     openFile,
	}
	if o.now == nil {
		o.now = time.Now
	}
	o.giveUp = sync.OnceFunc(func() { close(o.quit) })
	o.stop = sync.OnceFunc(func() { close(o.stopping) })
	o.shutdown = sync.OnceFunc(func() { close(o.closing) })
	o.handler = newHandler(opt.Format, opt.Level, o.queue)
	o.log = slog.New(o.handler)
	o.writers = newWriters(opt.Stdout, opt.Stderr, func(err error) {
		o.log.Warn("cannot write to stdout, its lines are lost", "error", err)
	})
	go o.writeOwnLines()
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
	o.widen(int64(utf8.RuneCountInString(w.label())))
	if o.color {
		w.color = o.colorOf(id.App)
	}
	w.destination = o.newDestination(id, c)
	o.history.add(w)
	return w
}

// Close ends every capture, writes the queued lines and ends the goroutines. When
// ctx is over first, the rest is dropped; a goroutine in a blocking write ends with
// that write.
func (o *Output) Close(ctx context.Context) error {
	o.mu.Lock()
	captures := make([]*Capture, 0, len(o.captures))
	for c := range o.captures {
		captures = append(captures, c)
	}
	o.mu.Unlock()

	var errs []error
	for _, c := range captures {
		errs = append(errs, c.Close(ctx))
	}
	o.stop()
	errs = append(errs, o.closeFiles(ctx)) // before gorun's own lines end: it may add some
	o.shutdown()
	if !reached(ctx, o.ownLinesDone) {
		errs = append(errs, fmt.Errorf("write gorun's own lines: %w", ctx.Err()))
	}
	o.giveUp()
	for _, w := range o.writers {
		w.close()
	}
	return errors.Join(errs...)
}

// writeOwnLines writes gorun's own lines until Close.
func (o *Output) writeOwnLines() {
	defer close(o.ownLinesDone)
	for {
		select {
		case <-o.queue.wake:
			o.writeQueued()
		case <-o.closing:
			o.writeQueued()
			return
		}
	}
}

func (o *Output) writeQueued() {
	for text := o.queue.take(); len(text) > 0; text = o.queue.take() {
		if !o.writers[Stderr].write(o.quit, o, text) {
			return
		}
		if n := o.queue.dropped(); n > 0 {
			o.log.Warn("lines of gorun were dropped while stderr was stalled", "count", n)
		}
	}
}

func (o *Output) widen(width int64) {
	for {
		old := o.width.Load()
		if old >= width || o.width.CompareAndSwap(old, width) {
			return
		}
	}
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
