package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gorun/signals"
	"gorun/supervisor"
	"gorun/supervisor/logs"
	"gorun/supervisor/restart"
	"gorun/supervisor/spec"
)

func work(what string) {
	switch what {
	case "fail":
		syscall.Exit(3)
	case "stubborn":
		signal.Ignore(unix.SIGTERM)
	case "usr1":
		heard := make(chan os.Signal, 1)
		signal.Notify(heard, unix.SIGUSR1)
		fmt.Println("up")
		<-heard
		syscall.Exit(7)
	}
	fmt.Println("up")
	select {}
}

// transcript collects what gorun prints.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (w *transcript) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *transcript) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// patience is for machines with much else to do.
const patience = 3 * time.Minute

// container is a run of a service, with real signals and real processes.
type container struct {
	*supervisor.Supervisor

	text transcript // all output
	over chan struct{}
	code int

	terminationLog string // its path
}

// start changes the options first, where change is not nil.
func start(t *testing.T, what string, change func(*service, *supervisor.Options, *spec.App)) *container {
	t.Helper()
	c := &container{over: make(chan struct{}), terminationLog: filepath.Join(t.TempDir(), "termination-log")}
	output := logs.New(logs.Options{Stdout: &c.text, Stderr: &c.text})
	listener := signals.NewListener()
	<-listener.Complete()
	app := spec.App{
		Name: "api", Argv: []string{os.Args[0], "worker", what}, Dir: "/", Instances: 1, Autostart: true, TreeKill: true,
		StopSignal: unix.SIGTERM, KillTimeout: time.Minute, Restart: restart.Policy{},
	}
	log := slog.New(output.Handler())
	inner := supervisor.Options{Reaper: theReaper, Output: output, Log: log, StartLimit: 1}
	outer := service{signals: listener, reaper: theReaper, reopen: output.Reopen, log: log, terminationLog: c.terminationLog}
	outer.load = func(string, []string) ([]spec.App, error) { return nil, errors.New("the file is bad") }
	if change != nil {
		change(&outer, &inner, &app)
	}
	s, err := supervisor.New([]spec.App{app}, inner)
	if err != nil {
		t.Fatal(err)
	}
	c.Supervisor = s
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer close(c.over)
		c.code = outer.runApps(ctx, s)
		_ = output.Close(context.Background())
	}()
	t.Cleanup(func() {
		cancel()
		<-c.over
		listener.Close()
	})
	return c
}

func (c *container) says(t *testing.T, part string) {
	t.Helper()
	c.eventually(t, part+" is said", func() bool { return strings.Contains(c.text.String(), part) })
}

func (c *container) eventually(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !happened(); <-time.After(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s; it said:\n%s", what, &c.text)
		}
	}
}

func (c *container) wait(t *testing.T, code int) {
	t.Helper()
	select {
	case <-c.over:
	case <-time.After(patience):
		t.Fatalf("still running; it said:\n%s", &c.text)
	}
	if c.code != code {
		t.Errorf("exit code %d, want %d; it said:\n%s", c.code, code, &c.text)
	}
}

// send signals this process, which is the container's first.
func send(t *testing.T, sig unix.Signal) {
	t.Helper()
	if err := unix.Kill(os.Getpid(), sig); err != nil {
		t.Fatal(err)
	}
}

func TestEachStopSignalEndsWithZero(t *testing.T) {
	for _, sig := range []unix.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGQUIT} {
		c := start(t, "serve", nil)
		c.says(t, "up")
		send(t, sig)
		c.wait(t, 0)
		c.says(t, "stopping signal="+signals.Name(sig))
	}
}

func TestASecondSignalEndsTheGraceWith137(t *testing.T) {
	c := start(t, "stubborn", func(o *service, _ *supervisor.Options, _ *spec.App) { touch(t, o.terminationLog) })
	c.says(t, "up")
	send(t, unix.SIGTERM)
	c.says(t, "stopping")
	for over := false; !over; { // those that come too soon are the first one, repeated
		send(t, unix.SIGINT)
		select {
		case <-c.over:
			over = true
		case <-time.After(time.Millisecond):
		}
	}
	c.wait(t, 137)
	if got := read(t, c.terminationLog); got != "gorun: exit 137: stopped by a second signal\n" {
		t.Errorf("termination log: %q", got)
	}
}

func TestTheEndOfTheContextStopsAsASignalDoes(t *testing.T) {
	var c *container
	t.Run("and waits", func(t *testing.T) { // its clean-up ends the context
		c = start(t, "serve", nil)
		c.says(t, "up")
	})
	c.wait(t, 0)
	if strings.Contains(c.text.String(), "killed") {
		t.Errorf("not in order: %s", &c.text)
	}
}

func TestOtherSignalsGoToTheWorkers(t *testing.T) {
	c := start(t, "usr1", nil)
	c.says(t, "up")
	c.eventually(t, "the worker is known", func() bool { return c.Snapshot().Apps[0].Workers[0].Pid != 0 }) // not to its goroutine alone
	send(t, unix.SIGUSR1)
	c.wait(t, 7)
}

func TestSighupStopsNothing(t *testing.T) {
	c := start(t, "serve", nil)
	c.says(t, "up")
	send(t, unix.SIGHUP)
	c.says(t, "reload failed error=\"the file is bad\"")
	send(t, unix.SIGTERM)
	c.wait(t, 0)
}

func TestSigusr2ReopensTheLogFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.log")
	c := start(t, "serve", func(_ *service, _ *supervisor.Options, a *spec.App) {
		a.Logs = logs.Config{OutFile: path, Merge: true}
	})
	c.says(t, "up")
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	send(t, unix.SIGUSR2)
	c.eventually(t, "there is a new file", func() bool { _, err := os.Stat(path); return err == nil })
}

func TestAStopBeforeTheFirstStartStartsNothing(t *testing.T) {
	c := start(t, "serve", func(o *service, _ *supervisor.Options, _ *spec.App) { o.delay = time.Hour })
	send(t, unix.SIGTERM)
	c.wait(t, 0)
	if strings.Contains(c.text.String(), "up") {
		t.Errorf("started: %s", &c.text)
	}
}

func TestTheTerminationLogTellsOfAFailure(t *testing.T) {
	c := start(t, "fail", func(o *service, _ *supervisor.Options, _ *spec.App) { touch(t, o.terminationLog) })
	c.wait(t, 3)
	if got := read(t, c.terminationLog); got != "gorun: exit 3: app api failed: 3\n" {
		t.Errorf("termination log: %q", got)
	}
}

func TestTheTerminationLogIsNotCreated(t *testing.T) {
	c := start(t, "fail", nil)
	c.wait(t, 3)
	if _, err := os.Stat(c.terminationLog); !os.IsNotExist(err) {
		t.Errorf("there is one: %v", err)
	}
}

func TestTheTerminationLogIsLeftAloneByAGoodEnd(t *testing.T) {
	c := start(t, "serve", func(o *service, _ *supervisor.Options, _ *spec.App) { touch(t, o.terminationLog) })
	c.says(t, "up")
	send(t, unix.SIGTERM)
	c.wait(t, 0)
	if got := read(t, c.terminationLog); got != "old" {
		t.Errorf("termination log: %q", got)
	}
}

func TestTheTerminationLogIsOneShortLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	touch(t, path)
	o := service{terminationLog: path, log: slog.New(slog.DiscardHandler)}
	o.writeTerminationLog(1, "two\nlines and "+strings.Repeat("ä", terminationLogLimit))
	got := read(t, path)
	if len(got) > terminationLogLimit || len(got) < terminationLogLimit-2 || strings.Count(got, "\n") != 1 || !strings.HasSuffix(got, "ä\n") {
		t.Errorf("%d bytes, %d lines, end %q", len(got), strings.Count(got, "\n"), got[len(got)-4:])
	}
}

func TestATerminationLogThatNobodyReadsHoldsNothingUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	service{terminationLog: path, log: slog.New(slog.DiscardHandler)}.writeTerminationLog(1, "x")
}

// touch makes a file with something in it.
func touch(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
