package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

const howCrash = "A stable worker (a static Go program) gets SIGKILL; the clock runs until its replacement connects to a\n" +
	"socket, which is the first thing that it does. \"alone\" is the time from fork to that connection with no\n" +
	"supervisor: the program's own start is part of every figure. Both supervisors run at the same time and take turns."

// stable is longer than the min_uptime of the measured app.
const stable = 300 * time.Millisecond

// patient is a worker under a supervisor, to be killed again and again.
type patient struct {
	name       string
	supervisor *running
	workers    *greetings
	pid        int
}

func measureCrash(ctx context.Context, l *lab, runs int) (result, error) {
	r := result{how: howCrash, missing: l.missing(pm2)}
	patients, err := l.admit(ctx)
	for _, p := range patients {
		defer p.supervisor.stop()
		defer p.workers.close()
	}
	if err != nil {
		return r, err
	}
	for range runs {
		took, err := l.startToHello(ctx)
		if err != nil {
			return r, err
		}
		r.of(bare, "start to connection", "ms").add(milliseconds(took))
		if err := pause(ctx, stable); err != nil {
			return r, err
		}
		for _, p := range patients {
			took, err := p.crash(ctx)
			if err != nil {
				return r, err
			}
			r.of(p.name, "death to connection", "ms").add(milliseconds(took))
		}
	}
	r.atMost("crash to replacement started", 10, r.median(gorun, "death to connection"), "ms")
	return r, nil
}

// admit starts one supervisor of each kind. What it returns is to be stopped,
// with an error too.
func (l *lab) admit(ctx context.Context) ([]*patient, error) {
	var patients []*patient
	for i := range 1 + 1 - len(l.missing(pm2)) {
		workers, err := l.greetings()
		if err != nil {
			return patients, err
		}
		a := program(1, l.worker, "hello", workers.socket)
		a.MinUptime = int(stable.Milliseconds()) / 2
		all, err := l.supervisors(a)
		if err != nil {
			return patients, err
		}
		supervisor, err := l.start(ctx, all[i].before, nil)
		if err != nil {
			return patients, err
		}
		p := &patient{name: all[i].name, supervisor: supervisor, workers: workers}
		patients = append(patients, p)
		if p.pid, _, err = workers.nextPid(ctx); err != nil {
			return patients, supervisor.fail(err)
		}
	}
	return patients, pause(ctx, time.Second)
}

// crash kills the worker and waits for the next.
func (p *patient) crash(ctx context.Context) (time.Duration, error) {
	died := time.Now()
	if err := unix.Kill(p.pid, unix.SIGKILL); err != nil {
		return 0, fmt.Errorf("kill worker: %w", err)
	}
	pid, now, err := p.workers.nextPid(ctx)
	if err != nil {
		return 0, p.supervisor.fail(err)
	}
	p.pid = pid
	return now.Sub(died), nil
}

func (l *lab) startToHello(ctx context.Context) (time.Duration, error) {
	workers, err := l.greetings()
	if err != nil {
		return 0, err
	}
	defer workers.close()
	one, err := l.start(ctx, []string{l.worker, "hello", workers.socket}, nil)
	if err != nil {
		return 0, err
	}
	defer one.stop()
	_, now, err := workers.next(ctx)
	if err != nil {
		return 0, one.fail(err)
	}
	return now.Sub(one.begun), nil
}
