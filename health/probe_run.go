package health

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"time"
)

// startupInterval is the pause between two checks until the first success.
const startupInterval = time.Second

// Prober reaches one worker. The functions return soon after their context ends.
type Prober struct {
	// Dial connects to exactly this worker, at Check.Port or where it listens.
	Dial func(ctx context.Context) (net.Conn, error)
	// Exec runs a command beside this worker. No error means that it exited 0.
	Exec func(ctx context.Context, argv []string) error
	// Port is the port that Dial connects to, for the Host header; 0: none.
	Port int
}

// Result is what one check found.
type Result struct {
	OK        bool
	Text      string // "503 Service Unavailable", "timeout after 2s", "connection refused"
	At        time.Time
	Duration  time.Duration
	Condition Condition // with all results before
}

// Run checks the worker until ctx ends: at once, then every second until the
// first success, then every interval. The start period begins now. report is
// called from this goroutine, and never for a check that the end of ctx cut short.
func (c Check) Run(ctx context.Context, worker Prober, report func(Result)) {
	c = c.withDefaults()
	thresholds := newThresholds(c, time.Now())
	pause := startupInterval
	for {
		result, err := c.once(ctx, worker)
		if ctx.Err() != nil {
			return
		}
		result.Condition = thresholds.observe(result.At, err)
		report(result)
		if result.OK {
			pause = c.Interval
		}
		select {
		case <-time.After(jitter(pause)):
		case <-ctx.Done():
			return
		}
	}
}

// once checks once. Duration and time come from the same clock.
func (c Check) once(ctx context.Context, worker Prober) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	began := time.Now()
	text, err := c.ask(ctx, worker)
	switch {
	case err == nil:
	case ctx.Err() != nil, errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		text = "timeout after " + c.Timeout.String()
	default:
		text = failureText(err)
	}
	return Result{OK: err == nil, Text: text, At: began, Duration: time.Since(began)}, err
}

// ask checks by HTTP, TCP or a command.
func (c Check) ask(ctx context.Context, worker Prober) (text string, err error) {
	switch {
	case c.HTTP != nil:
		return c.HTTP.ask(ctx, worker)
	case c.TCP != nil:
		return "connected", c.TCP.ask(ctx, worker)
	}
	return "exit 0", worker.Exec(ctx, c.Exec)
}

func (TCPCheck) ask(ctx context.Context, worker Prober) error {
	conn, err := worker.Dial(ctx)
	if err != nil {
		return err
	}
	return conn.Close()
}

// jitter makes the pause up to a tenth shorter: workers that were started
// together are not checked together for ever.
func jitter(pause time.Duration) time.Duration {
	return pause - rand.N(pause/10+1)
}
