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

// maxWaiting is how many events wait for one hook of an app; beyond it the oldest
// is dropped.
const maxWaiting = 64

// Options are what a Dispatcher needs.
type Options struct {
	Log       *slog.Logger
	Transport http.RoundTripper // nil: the network
}

// Dispatcher delivers events to hooks. Each hook of an app has a goroutine while
// events wait for it: a hook that hangs holds up only itself, and its events stay
// in order. Safe for concurrent use.
type Dispatcher struct {
	log        *slog.Logger
	transport  http.RoundTripper
	serveQueue func(*queue) // delivers the events of a queue until it is empty
	abort      context.CancelFunc
	running    sync.WaitGroup

	mu          sync.Mutex
	queues      map[string]*queue // none is empty
	closed      bool
	undelivered int // events dropped at the end
}

// queue holds the jobs of one hook. The dispatcher's mu guards it.
type queue struct {
	key     string
	waiting []job
	dropped int // since the last call of next
}

// job is the delivery of one event to one hook.
type job struct {
	hook  Hook
	event Event
	run   Run
}

// New returns a Dispatcher. It starts nothing before the first event.
func New(o Options) *Dispatcher {
	d := &Dispatcher{log: o.Log, transport: o.Transport, queues: map[string]*queue{}}
	if d.transport == nil {
		d.transport = newTransport()
	}
	var ctx context.Context
	ctx, d.abort = context.WithCancel(context.Background())
	d.serveQueue = func(q *queue) { d.serve(ctx, q) }
	return d
}

// Dispatch queues an event for hooks, and never waits. run runs hooks that are a
// command.
func (d *Dispatcher) Dispatch(e Event, to []Hook, run Run) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return
	}
	for _, hook := range to {
		d.enqueue(job{hook, e, run})
	}
}

// enqueue is called with mu held.
func (d *Dispatcher) enqueue(j job) {
	key := j.event.App + "\x00" + j.hook.destination()
	q := d.queues[key]
	if q == nil {
		q = &queue{key: key}
		d.queues[key] = q
		d.running.Go(func() { d.serveQueue(q) })
	}
	q.waiting = append(q.waiting, j)
	if len(q.waiting) > maxWaiting {
		q.waiting = q.waiting[1:]
		q.dropped++
	}
}

// serve runs the jobs of a queue until it is empty.
func (d *Dispatcher) serve(ctx context.Context, q *queue) {
	for {
		j, dropped, found := d.next(ctx, q)
		if !found {
			return
		}
		if dropped > 0 {
			d.log.Warn("hook is too slow: events dropped", "app", j.event.App, "hook", j.hook, "events", dropped)
		}
		if !d.deliver(ctx, j) {
			d.countUndelivered(1)
		}
	}
}

// next removes and returns the first job of a queue. It forgets an empty queue, and
// once ctx has ended it empties any.
func (d *Dispatcher) next(ctx context.Context, q *queue) (j job, dropped int, found bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if ctx.Err() != nil {
		d.undelivered += len(q.waiting) + q.dropped
		q.waiting = nil
	}
	if len(q.waiting) == 0 {
		delete(d.queues, q.key)
		return job{}, 0, false
	}
	j, dropped = q.waiting[0], q.dropped
	q.waiting, q.dropped = q.waiting[1:], 0
	return j, dropped, true
}

func (d *Dispatcher) countUndelivered(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.undelivered += n
}

// deliver tries until the event is delivered, or another try is pointless. It
// returns false when ctx cut it short.
func (d *Dispatcher) deliver(ctx context.Context, j job) bool {
	for try := 1; ; try++ {
		r := d.attempt(ctx, j)
		if r.err != nil && ctx.Err() != nil {
			return false
		}
		verdict, delay := j.hook.next(try, r)
		switch verdict {
		case delivered:
			d.log.Debug("event delivered", "worker", j.event.worker(), "event", j.event.Kind.String(), "hook", j.hook)
			return true
		case failed:
			d.log.Error("hook failed", "worker", j.event.worker(), "event", j.event.Kind.String(), "hook", j.hook,
				"error", r.err, "tries", try, "lines", lastLines(r.lines, maxLines, maxLine))
			return true
		case retry:
			d.log.Debug("hook failed, retrying", "worker", j.event.worker(), "hook", j.hook, "error", r.err, "in", delay)
		}
		if !wait(ctx, delay) {
			return false
		}
	}
}

// attempt runs a job once.
func (d *Dispatcher) attempt(ctx context.Context, j job) (r result) {
	ctx, cancel := context.WithTimeoutCause(ctx, j.hook.Timeout, timeoutError(j.hook.Timeout))
	defer cancel()
	body := j.event.body()
	if j.hook.Webhook != "" {
		r = j.hook.post(ctx, d.transport, body)
	} else {
		r.lines, r.err = j.run(ctx, Command{Argv: j.hook.Exec, Environ: j.event.environ(), Input: body})
		r.final = errors.Is(r.err, fs.ErrNotExist) || errors.Is(r.err, fs.ErrPermission)
	}
	if r.err != nil && ctx.Err() != nil {
		r.err = context.Cause(ctx)
	}
	return r
}

// Close refuses more events and waits until the queued ones are delivered; when ctx
// ends first, they are dropped. Everything that was started has ended then.
func (d *Dispatcher) Close(ctx context.Context) {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	stop := context.AfterFunc(ctx, d.abort)
	d.running.Wait()
	stop()
	d.abort()
	if d.undelivered > 0 { // no goroutine is left to change it
		d.log.Warn("gorun ends: events not delivered to hooks", "events", d.undelivered)
	}
}

// wait returns false when ctx ended first.
func wait(ctx context.Context, delay time.Duration) bool {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// worker names the worker, as logs do.
func (e Event) worker() string { return e.App + "/" + strconv.Itoa(e.Instance) }

// timeoutError is the error of a try that exceeded its time limit.
type timeoutError time.Duration

// Error names the limit.
func (t timeoutError) Error() string {
	return "not done within its timeout of " + time.Duration(t).String()
}
