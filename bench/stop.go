package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const howStop = "SIGTERM to the first process, and the clock runs until it has ended. Its workers, a static Go program, do what\n" +
	"SIGTERM does to a program that has no handler. \"alone\" is the command itself."

const (
	fewWorkers  = 16
	manyWorkers = 500
)

func measureStop(ctx context.Context, l *lab, runs int) (result, error) {
	r := result{how: howStop, missing: l.missing(tini, pm2)}
	err := rounds(runs, l.inits(), func(c contestant) error {
		return l.stopOnce(ctx, r.of(c.name, "one command", "ms"), 1, func(socket string) ([]string, error) {
			return slices.Concat(c.before, []string{l.worker, "hello", socket}), nil
		})
	})
	if err != nil {
		return r, err
	}
	for _, n := range []int{fewWorkers, manyWorkers} {
		if err := l.stopSupervisors(ctx, &r, n, runs); err != nil {
			return r, err
		}
	}
	r.atMost("SIGTERM with 500 workers that obey", 2000, r.median(gorun, workersOf(manyWorkers)), "ms")
	return r, nil
}

func workersOf(n int) string { return strconv.Itoa(n) + " workers" }

// stopSupervisors stops each supervisor of n workers; pm2 of a few only, for it
// takes minutes to start many.
func (l *lab) stopSupervisors(ctx context.Context, r *result, n, runs int) error {
	all, err := l.supervisors(program(n, l.worker))
	if err != nil {
		return err
	}
	if n == manyWorkers {
		all, runs = all[:1], min(runs, 3)
	}
	for i, c := range all {
		for range runs {
			err := l.stopOnce(ctx, r.of(c.name, workersOf(n), "ms"), n, func(socket string) ([]string, error) {
				fresh, err := l.supervisors(program(n, l.worker, "hello", socket))
				if err != nil {
					return nil, err
				}
				return fresh[i].before, nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// stopOnce starts a program, waits until n workers say that they run, and stops
// it.
func (l *lab) stopOnce(ctx context.Context, s *series, n int, words func(socket string) ([]string, error)) error {
	workers, err := l.greetings()
	if err != nil {
		return err
	}
	defer workers.close()
	argv, err := words(workers.socket)
	if err != nil {
		return err
	}
	one, err := l.start(ctx, argv, nil)
	if err != nil {
		return err
	}
	for range n {
		if _, _, err := workers.next(ctx); err != nil {
			one.stop()
			return one.fail(err)
		}
	}
	if err := pause(ctx, stable); err != nil {
		one.stop()
		return err
	}
	sent := time.Now()
	if err := one.cmd.Process.Signal(unix.SIGTERM); err != nil {
		return fmt.Errorf("send signal: %w", err)
	}
	err = one.cmd.Wait()
	s.add(milliseconds(time.Since(sent)))
	if exit, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		return fmt.Errorf("wait for the end: %w", err)
	} else if ended && exit.ExitCode() == 137 {
		return one.fail(errors.New("it was killed"))
	}
	return nil
}
