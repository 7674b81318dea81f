package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"
)

// patience bounds every wait for something that takes a second at most.
const patience = 30 * time.Second

// running is a program that was started to be measured.
type running struct {
	cmd    *exec.Cmd
	begun  time.Time // right before the fork
	errors string    // the file with what it wrote to stderr
}

// outlet is where a program's standard output goes; nil is /dev/null.
type outlet = io.Writer

// launch is how a program is started.
type launch struct {
	words []string
	out   outlet
	env   []string
	files []*os.File // the first of them becomes number 3
	apart bool       // in a session of its own
}

// start starts a program with an environment and a PM2_HOME of its own. Its
// stderr is kept for the case that it fails.
func (l *lab) start(ctx context.Context, words []string, out outlet, env ...string) (*running, error) {
	return l.launch(ctx, launch{words: words, out: out, env: env})
}

func (l *lab) launch(ctx context.Context, how launch) (*running, error) {
	home, trouble := l.path("home"), l.path("stderr")
	file, err := os.Create(trouble)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", how.words[0], err)
	}
	defer file.Close()
	cmd := exec.CommandContext(ctx, how.words[0], how.words[1:]...)
	cmd.Env = append(os.Environ(), "PM2_HOME="+home, "PM2_DISABLE_VERSION_CHECK=true")
	cmd.Env = append(cmd.Env, how.env...)
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = how.out, file, how.files
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: how.apart}
	cmd.Cancel = func() error { return cmd.Process.Signal(unix.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", how.words[0], err)
	}
	return &running{cmd, begun, trouble}, nil
}

func (r *running) pid() int { return r.cmd.Process.Pid }

// stop ends the program by SIGTERM, and by SIGKILL if that does not do.
func (r *running) stop() {
	_ = r.cmd.Process.Signal(unix.SIGTERM)
	killer := time.AfterFunc(patience, func() { _ = r.cmd.Process.Kill() })
	defer killer.Stop()
	_ = r.cmd.Wait() // its exit code is no part of any measurement
}

// fail adds to an error the first line that the program wrote to stderr.
func (r *running) fail(err error) error {
	text, _ := os.ReadFile(r.errors)
	return fmt.Errorf("%w; stderr: %q", err, firstLine(text))
}

// pause waits, unless the benchmark is to end.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return fmt.Errorf("pause: %w", ctx.Err())
	}
}

// until tries every step until do succeeds.
func until(ctx context.Context, step time.Duration, do func() error) error {
	limit := time.Now().Add(patience)
	for {
		err := do()
		if err == nil {
			return nil
		}
		if time.Now().After(limit) {
			return fmt.Errorf("not within %v: %w", patience, err)
		}
		if stopped := pause(ctx, step); stopped != nil {
			return errors.Join(stopped, err)
		}
	}
}

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1e3 }
