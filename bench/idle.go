package main

import (
	"context"
	"time"
)

const howIdle = "The supervisor's own processor time over 10 s, with 16 workers that sleep, and how often its threads were\n" +
	"put on a processor meanwhile. It starts 3 s after the last worker; nobody asks for health or metrics."

const (
	idleWorkers = 16
	idleTime    = 10 * time.Second
)

func measureIdle(ctx context.Context, l *lab, runs int) (result, error) {
	r := result{how: howIdle, missing: l.missing(pm2)}
	workers, err := l.greetings()
	if err != nil {
		return r, err
	}
	defer workers.close()
	all, err := l.supervisors(program(idleWorkers, l.worker, "hello", workers.socket))
	if err != nil {
		return r, err
	}
	err = rounds(runs, all, func(c contestant) error {
		used, switches, err := l.idle(ctx, c, workers)
		r.of(c.name, "of one processor", "%").add(100 * used / idleTime.Seconds())
		r.of(c.name, "wake-ups a second", "").add(switches / idleTime.Seconds())
		return err
	})
	r.atMost("idle with 16 workers", 0.1, r.median(gorun, "of one processor"), "%")
	return r, err
}

func (l *lab) idle(ctx context.Context, c contestant, workers *greetings) (used, switches float64, err error) {
	one, err := l.start(ctx, c.before, nil)
	if err != nil {
		return 0, 0, err
	}
	defer one.stop()
	for range idleWorkers {
		if _, _, err := workers.nextPid(ctx); err != nil {
			return 0, 0, one.fail(err)
		}
	}
	if err := pause(ctx, 3*time.Second); err != nil {
		return 0, 0, err
	}
	before, err := cpuOf(one.pid())
	if err != nil {
		return 0, 0, err
	}
	woken := switchesOf(one.pid())
	if err := pause(ctx, idleTime); err != nil {
		return 0, 0, err
	}
	after, err := cpuOf(one.pid())
	return after - before, switchesOf(one.pid()) - woken, err
}
