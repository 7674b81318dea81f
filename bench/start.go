package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

const howStart = "From fork to the end of `true`, and the most memory (`VmHWM`) that the first process has had by the\n" +
	"time its command has slept for 0.3 s. tini is started with `-s` (subreaper), as it is not PID 1 here."

func measureStart(ctx context.Context, l *lab, runs int) (result, error) {
	r := result{how: howStart, missing: l.missing(tini)}
	err := rounds(runs, l.inits(), func(c contestant) error {
		one, err := l.start(ctx, slices.Concat(c.before, []string{"true"}), nil)
		if err != nil {
			return err
		}
		if err := one.cmd.Wait(); err != nil {
			return one.fail(err)
		}
		r.of(c.name, "time", "ms").add(milliseconds(time.Since(one.begun)))
		return nil
	})
	if err != nil {
		return r, err
	}
	err = rounds(min(runs, 10), l.inits(), func(c contestant) error {
		peak, err := l.peakAsleep(ctx, c)
		r.of(c.name, "peak memory", "MB").add(peak)
		return err
	})
	r.atMost("`gorun exec -- true` over bare `true`", 6, r.median(gorun, "time")-r.median(bare, "time"), "ms")
	r.atMost("memory of `gorun exec`", 12, r.median(gorun, "peak memory"), "MB")
	return r, err
}

func (l *lab) peakAsleep(ctx context.Context, c contestant) (float64, error) {
	one, err := l.start(ctx, slices.Concat(c.before, []string{"sleep", "30"}), nil)
	if err != nil {
		return 0, err
	}
	defer one.stop()
	if err := pause(ctx, 300*time.Millisecond); err != nil {
		return 0, err
	}
	peak, err := peakOf(one.pid())
	if err != nil {
		return 0, fmt.Errorf("%s: %w", c.name, err)
	}
	return peak, nil
}
