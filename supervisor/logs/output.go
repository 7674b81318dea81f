package logs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
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
// written by the goroutine that read them, one at a time per destination;
// gorun's own lines by one goroutine that only the destination can hold up.
type Output struct {
	sinks   [2]*sink // by Stream; one and the same if stdout and stderr are
	format  Format
	color   bool
	now     func() time.Time
	handler slog.Handler
	log     *slog.Logger
	queue   *queue
	buffers *buffers
	width   atomic.Int64 // of the longest label so far
	history history

	closing  chan struct{} // closed: write what is queued, then end
	quit     chan struct{} // closed: give up what cannot be written
	spoken   chan struct{} // closed: the goroutine of gorun's own lines has ended
	giveUp   func()        // closes quit, once
	shutdown func()        // closes closing, once

	mu       sync.Mutex // guards the rest; never held while writing
	captures map[*Capture]struct{}
	files    map[string]*file
	colors   map[string]string
	tidying  sync.WaitGroup
}

// New takes over stdout and stderr: nobody else should write to them.
func New(opt Options) *Output {
	o := &Output{
		format:   opt.Format,
		color:    opt.Color,
		now:      opt.Now,
		queue:    newQueue(),
		buffers:  newBuffers(),
		closing:  make(chan struct{}),
		quit:     make(chan struct{}),
		spoken:   make(chan struct{}),
		captures: make(map[*Capture]struct{}),
		files:    make(map[string]*file),
		colors:   make(map[string]string),
	}
	if o.now == nil {
		o.now = time.Now
	}
	o.giveUp = sync.OnceFunc(func() { close(o.quit) })
	o.shutdown = sync.OnceFunc(func() { close(o.closing) })
	o.handler = newHandler(opt.Format, opt.Level, o.queue)
	o.log = slog.New(o.handler)
	o.sinks = newSinks(opt.Stdout, opt.Stderr, func(err error) {
		o.log.Warn("stdout cannot be written, its lines are lost", "error", err)
	})
	go o.speak()
	return o
}

// Handler is for gorun's own lines. It never waits: while stderr is stalled
// lines are queued, and beyond the queue they are dropped and counted.
func (o *Output) Handler() slog.Handler { return o.handler }

// Worker prepares one worker's output; it serves all runs of its process. A
// file that cannot be opened is warned about and tried again later.
func (o *Output) Worker(id Identity, c Config) *Worker {
	w := &Worker{out: o, id: id, kept: [2]*ring{{id: id, kind: Stdout}, {id: id, kind: Stderr}}}
	o.widen(int64(utf8.RuneCountInString(w.label())))
	if o.color {
		w.color = o.colorOf(id.App)
	}
	w.outlet = o.newOutlet(id, c)
	o.history.join(w)
	return w
}

// Reopen closes and opens every log file, for who has moved them away.
func (o *Output) Reopen() error {
	o.mu.Lock()
	files := make([]*file, 0, len(o.files))
	for _, f := range o.files {
		files = append(files, f)
	}
	o.mu.Unlock()

	var errs []error
	for _, f := range files {
		errs = append(errs, f.reopen())
	}
	return errors.Join(errs...)
}

// Close ends every capture, writes what is queued and ends the goroutines.
// When ctx is over first, what is left is dropped; a goroutine that is stuck in
// a blocking write ends with that write.
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
	o.shutdown()
	if !reached(ctx, o.spoken) {
		errs = append(errs, fmt.Errorf("write gorun's own lines: %w", ctx.Err()))
	}
	o.giveUp()
	errs = append(errs, o.closeFiles(ctx))
	for _, k := range o.sinks {
		k.close()
	}
	return errors.Join(errs...)
}

// speak writes gorun's own lines until Close.
func (o *Output) speak() {
	defer close(o.spoken)
	for {
		select {
		case <-o.queue.wake:
			o.utter()
		case <-o.closing:
			o.utter()
			return
		}
	}
}

func (o *Output) utter() {
	for text := o.queue.take(); len(text) > 0; text = o.queue.take() {
		if !o.sinks[Stderr].write(o.quit, o, text) {
			return
		}
		if n := o.queue.dropped(); n > 0 {
			o.log.Warn("lines of gorun were dropped while stderr was stalled", "count", n)
		}
	}
}

// closeFiles waits for rotation's helpers, which o.quit has told to end.
func (o *Output) closeFiles(ctx context.Context) error {
	tidied := make(chan struct{})
	go func() {
		o.tidying.Wait()
		close(tidied)
	}()
	var errs []error
	if !reached(ctx, tidied) {
		errs = append(errs, fmt.Errorf("compress log files: %w", ctx.Err()))
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for path, f := range o.files {
		errs = append(errs, f.close())
		delete(o.files, path)
	}
	return errors.Join(errs...)
}

// openAll returns the files behind paths, each once; workers that name the same
// path share one.
func (o *Output) openAll(c Config, id Identity, paths ...string) []*file {
	if c.Disabled {
		return nil
	}
	if !c.Merge {
		for i := range paths {
			paths[i] = instancePath(paths[i], id.Instance)
		}
	}
	var files []*file
	for _, path := range slices.Compact(paths) {
		if f := o.open(path, c.Rotation); f != nil {
			files = append(files, f)
		}
	}
	return files
}

// open returns nil for what is no file of its own: nothing, /dev/null, or a name of gorun's stdout or stderr.
func (o *Output) open(path string, r Rotation) *file {
	if isNowhere(path) || o.isOwn(path) {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	f := o.files[path]
	if f == nil {
		f = newFile(path, r, o)
		o.files[path] = f
	}
	f.users++
	return f
}

// release closes a file with its last user.
func (o *Output) release(f *file) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	f.users--
	if f.users > 0 {
		return nil
	}
	delete(o.files, f.path)
	return f.close()
}

// isOwn tells whether path leads to gorun's stdout or stderr, as
// /proc/1/fd/1 does: what is written there already is not written twice.
func (o *Output) isOwn(path string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	for _, k := range o.sinks {
		if k.info != nil && os.SameFile(info, k.info) {
			return true
		}
	}
	return false
}

func (o *Output) widen(width int64) {
	for {
		old := o.width.Load()
		if old >= width || o.width.CompareAndSwap(old, width) {
			return
		}
	}
}

// reached waits for what is to happen; false if ctx was over first.
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
