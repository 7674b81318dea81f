package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
)

const howBurst = "A process with 10,000 dead children dies, and all of them become init's at once. The clock runs from there\n" +
	"until the last of them is buried, seen every 0.2 ms; the processor time is init's own."

const howStream = "300 processes one after another leave 100 orphans each. The time is mostly that of the forks; the processor\n" +
	"time and the peak memory are init's own."

func measureBurst(ctx context.Context, l *lab, runs int) (result, error) {
	r, err := l.measureOrphans(ctx, runs, "burst", 10000)
	r.how = howBurst
	r.atMost("reaping 10,000 orphans, against tini", 1, r.median(gorun, "time")/r.median(tini, "time"), "×")
	return r, err
}

func measureStream(ctx context.Context, l *lab, runs int) (result, error) {
	r, err := l.measureOrphans(ctx, runs, "stream", 30000)
	r.how = howStream
	return r, err
}

func (l *lab) measureOrphans(ctx context.Context, runs int, mode string, n int) (result, error) {
	r := result{missing: l.missing(tini)}
	err := rounds(runs, l.inits()[1:], func(c contestant) error {
		var out bytes.Buffer
		one, err := l.start(ctx, slices.Concat(c.before, []string{l.worker, mode, strconv.Itoa(n)}), &out)
		if err != nil {
			return err
		}
		if err := one.cmd.Wait(); err != nil {
			return one.fail(err)
		}
		var seconds, used, peak float64
		if _, err := fmt.Sscan(out.String(), &seconds, &used, &peak); err != nil {
			return fmt.Errorf("parse %q: %w", out.String(), err)
		}
		r.of(c.name, "time", "ms").add(seconds * 1e3)
		r.of(c.name, "processor time", "ms").add(used * 1e3)
		r.of(c.name, "peak memory", "MB").add(peak / 1024)
		return nil
	})
	return r, err
}
