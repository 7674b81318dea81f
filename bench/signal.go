package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

const howSignal = "SIGUSR1 is sent to init (or, alone, to the command itself); the command waits in `sigtimedwait` and notes\n" +
	"when it wakes up. One signal every 2 ms."

// listener is a command that writes a time stamp for each signal it gets.
type listener struct {
	name    string
	process *running
	stamps  *io.PipeReader
}

func measureSignal(ctx context.Context, l *lab, runs int) (result, error) {
	r := result{how: howSignal, missing: l.missing(tini)}
	var listeners []*listener
	for _, c := range l.inits() {
		stamps, out := io.Pipe()
		one, err := l.start(ctx, slices.Concat(c.before, []string{l.worker, "signals"}), out)
		if err != nil {
			return r, err
		}
		defer one.stop()
		defer stamps.Close()
		listeners = append(listeners, &listener{c.name, one, stamps})
		if _, err := listeners[len(listeners)-1].stamp(); err != nil {
			return r, one.fail(err)
		}
	}
	if err := pause(ctx, 100*time.Millisecond); err != nil {
		return r, err
	}
	for range runs {
		for _, one := range listeners {
			took, err := one.send()
			if err != nil {
				return r, err
			}
			r.of(one.name, "latency", "µs").add(took.Seconds() * 1e6)
			if err := pause(ctx, 2*time.Millisecond); err != nil {
				return r, err
			}
		}
	}
	return r, nil
}

func (l *listener) send() (time.Duration, error) {
	var sent unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &sent); err != nil {
		return 0, fmt.Errorf("read clock: %w", err)
	}
	if err := unix.Kill(l.process.pid(), unix.SIGUSR1); err != nil {
		return 0, fmt.Errorf("send signal: %w", err)
	}
	arrived, err := l.stamp()
	if err != nil {
		return 0, l.process.fail(err)
	}
	return time.Duration(arrived - sent.Nano()), nil
}

// stamp waits for the next time stamp.
func (l *listener) stamp() (int64, error) {
	giveUp := time.AfterFunc(patience, func() { l.stamps.CloseWithError(io.ErrNoProgress) })
	defer giveUp.Stop()
	text := make([]byte, 8)
	if _, err := io.ReadFull(l.stamps, text); err != nil {
		return 0, fmt.Errorf("wait for signal: %w", err)
	}
	return int64(binary.LittleEndian.Uint64(text)), nil
}
