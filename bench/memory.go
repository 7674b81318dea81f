package main

import (
	"context"
	"time"
)

const howMemory = "The supervisor's own memory, 2 s after two workers told that they run (`/proc/PID/smaps_rollup`).\n" +
	"\"Private\" is `Private_Clean` and `Private_Dirty`. It has the pages of the program file in it as long as nobody\n" +
	"else on the host runs the same file; a second container of the image shares them, and the kernel may drop them.\n" +
	"\"Private for good\" is without them (`Anonymous`); the budget is for that."

func measureMemory(ctx context.Context, l *lab, runs int) (result, error) {
	r := result{how: howMemory, missing: l.missing(pm2)}
	workers, err := l.greetings()
	if err != nil {
		return r, err
	}
	defer workers.close()
	all, err := l.supervisors(program(2, l.worker, "hello", workers.socket))
	if err != nil {
		return r, err
	}
	err = rounds(runs, all, func(c contestant) error {
		use, err := l.memoryAtRest(ctx, c, workers)
		r.of(c.name, "resident", "MB").add(use.resident)
		r.of(c.name, "private", "MB").add(use.private)
		r.of(c.name, "private for good", "MB").add(use.anonymous)
		return err
	})
	r.atMost("gorun's memory, 2 workers", 20, r.median(gorun, "resident"), "MB")
	r.atMost("part of it that is private for good", 8, r.median(gorun, "private for good"), "MB")
	return r, err
}

func (l *lab) memoryAtRest(ctx context.Context, c contestant, workers *greetings) (memoryUse, error) {
	one, err := l.start(ctx, c.before, nil)
	if err != nil {
		return memoryUse{}, err
	}
	defer one.stop()
	for range 2 {
		if _, _, err := workers.nextPid(ctx); err != nil {
			return memoryUse{}, one.fail(err)
		}
	}
	if err := pause(ctx, 2*time.Second); err != nil {
		return memoryUse{}, err
	}
	return memoryOf(one.pid())
}
