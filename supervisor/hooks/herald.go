package hooks

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// maxWaiting is how many notes wait for one hook of an app; the oldest goes
// first.
const maxWaiting = 64

// Options is what a herald works with.
type Options struct {
	Log       *slog.Logger
	Transport http.RoundTripper // nil: the network
}

// Herald takes notes to hooks. Each hook of an app has a goroutine while there
// is something to tell it: one that hangs holds up only itself, and what it is
// told stays in order. Safe for concurrent use.
type Dispatcher struct {
	log       *slog.Logger
	transport http.RoundTripper
	attend    func(*line) // sees to the notes of a line until there are none
	cut       context.CancelFunc
	all       sync.WaitGroup

	mu     sync.Mutex
	lines  map[string]*line // those with somebody in it
	closed bool
	lost   int // notes that were cut off
}

// line is what waits for one hook. It is the herald's mu's.
type line struct {
	key     string
	waiting []errand
	dropped int // since the last was taken
}

// errand is one note on its way to one hook.
type errand struct {
	hook Hook
	note Event
	run  Run
}

// New returns a herald. It costs nothing until there is something to tell.
func New(o Options) *Dispatcher {
	h := &Dispatcher{log: o.Log, transport: o.Transport, lines: map[string]*line{}}
	if h.transport == nil {
		h.transport = newTransport()
	}
	var ctx context.Context
	ctx, h.cut = context.WithCancel(context.Background())
	h.attend = func(l *line) { h.serve(ctx, l) }
	return h
}

// Tell tells hooks of something, later. run is for those that are a command.
func (h *Dispatcher) Dispatch(n Event, to []Hook, run Run) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	for _, hook := range to {
		h.queue(errand{hook, n, run})
	}
}

// queue is for who holds mu.
func (h *Dispatcher) queue(e errand) {
	key := e.note.App + "\x00" + e.hook.destination()
	l := h.lines[key]
	if l == nil {
		l = &line{key: key}
		h.lines[key] = l
		h.all.Go(func() { h.attend(l) })
	}
	l.waiting = append(l.waiting, e)
	if len(l.waiting) > maxWaiting {
		l.waiting = l.waiting[1:]
		l.dropped++
	}
}

// serve runs the errands of a line until there are none.
func (h *Dispatcher) serve(ctx context.Context, l *line) {
	for {
		e, dropped, found := h.take(ctx, l)
		if !found {
			return
		}
		if dropped > 0 {
			h.log.Warn("hook is too slow: notes dropped", "app", e.note.App, "hook", e.hook, "notes", dropped)
		}
		if !h.deliver(ctx, e) {
			h.lose(1)
		}
	}
}

// take takes the first of a line. A line without anybody in it is none, and
// the end of ctx sends everybody home.
func (h *Dispatcher) take(ctx context.Context, l *line) (e errand, dropped int, found bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if ctx.Err() != nil {
		h.lost += len(l.waiting) + l.dropped
		l.waiting = nil
	}
	if len(l.waiting) == 0 {
		delete(h.lines, l.key)
		return errand{}, 0, false
	}
	e, dropped = l.waiting[0], l.dropped
	l.waiting, l.dropped = l.waiting[1:], 0
	return e, dropped, true
}

func (h *Dispatcher) lose(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lost += n
}

// deliver tries until the hook is told, or to go on is no use. It returns false
// when ctx cut it short.
func (h *Dispatcher) deliver(ctx context.Context, e errand) bool {
	for try := 1; ; try++ {
		o := h.try(ctx, e)
		if o.err != nil && ctx.Err() != nil {
			return false
		}
		verdict, pause := e.hook.next(try, o)
		switch verdict {
		case told:
			h.log.Debug("hook told", "worker", e.note.worker(), "event", e.note.Kind.String(), "hook", e.hook)
			return true
		case lost:
			h.log.Error("hook failed", "worker", e.note.worker(), "event", e.note.Kind.String(), "hook", e.hook,
				"error", o.err, "tries", try, "lines", bounded(o.lines, maxLines, maxLine))
			return true
		case retry:
			h.log.Debug("hook failed: trying again", "worker", e.note.worker(), "hook", e.hook, "error", o.err, "in", pause)
		}
		if !wait(ctx, pause) {
			return false
		}
	}
}

// try runs an errand once.
func (h *Dispatcher) try(ctx context.Context, e errand) outcome {
	ctx, cancel := context.WithTimeoutCause(ctx, e.hook.Timeout, timeoutError(e.hook.Timeout))
	defer cancel()
	body := e.note.body()
	var o outcome
	if e.hook.Webhook != "" {
		o = e.hook.post(ctx, h.transport, body)
	} else {
		o.lines, o.err = e.run(ctx, Command{Argv: e.hook.Exec, Environ: e.note.environ(), Input: body})
		o.final = errors.Is(o.err, fs.ErrNotExist) || errors.Is(o.err, fs.ErrPermission)
	}
	if o.err != nil && ctx.Err() != nil {
		o.err = context.Cause(ctx)
	}
	return o
}

// Close takes no more notes and waits for those that are on their way, until
// ctx ends and cuts that short. All that was started has ended then.
func (h *Dispatcher) Close(ctx context.Context) {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	stop := context.AfterFunc(ctx, h.cut)
	h.all.Wait()
	stop()
	h.cut()
	if h.lost > 0 { // nobody is left to change it
		h.log.Warn("gorun ends: hooks were not told", "notes", h.lost)
	}
}

// wait returns false when ctx ended first.
func wait(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// worker names whom it is about, as logs do.
func (n Event) worker() string { return n.App + "/" + strconv.Itoa(n.Instance) }

// timeoutError is that of a try that ran out of its time.
type timeoutError time.Duration

// Error names the limit.
func (t timeoutError) Error() string {
	return "not done within its timeout of " + time.Duration(t).String()
}
