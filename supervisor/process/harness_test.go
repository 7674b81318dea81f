package process

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gorun/signals"
	"gorun/signals/reaper"
)

const (
	modeVariable = "GORUN_TEST_WORKER"
	patience     = time.Minute
	never        = time.Hour
)

// shared is the one Reaper of this process. TestMain's loop calls its Reap.
var shared *reaper.Reaper

func TestMain(m *testing.M) {
	if IsExecHelper(os.Args) {
		os.Exit(RunExecHelper(os.Args, os.Environ(), os.Stderr))
	}
	if os.Getenv(modeVariable) == "drop-ptrace" {
		dropPtrace()
	}
	var err error
	if shared, err = reaper.New(); err != nil {
		panic(err)
	}
	l := signals.NewListener()
	<-l.Complete()
	go l.Run(context.Background(), signals.Forwarding, signals.Actions{Reap: shared.Reap, Forward: func(unix.Signal) {}})
	switch os.Getenv(modeVariable) {
	case "parent":
		parent()
	case "find-orphan":
		findOrphan()
	case "":
		os.Exit(m.Run())
	}
}

func environ(more ...string) []string {
	return append([]string{"PATH=" + os.Getenv("PATH")}, more...)
}

// parent is a gorun that starts a worker with another user and limits, which
// holds its output open.
func parent() {
	spec := Spec{Argv: []string{"/bin/sh", "-c", "echo ready; exec sleep 1000"}, Env: environ(), Stdout: os.Stdout, Marker: "m"}
	spec.Limits = []Limit{{unix.RLIMIT_CORE, 0, 0}}
	if os.Geteuid() == 0 {
		spec.User = &syscall.Credential{Uid: 65534, Gid: 65534}
	}
	if _, err := Start(shared, spec); err != nil {
		panic(err)
	}
	os.Stdout.Close()
	select {}
}

// dropPtrace becomes a root without CAP_SYS_PTRACE, as containers have it, nor
// what newer kernels take in its place.
func dropPtrace() {
	runtime.LockOSThread()
	for _, capability := range []uintptr{unix.CAP_SYS_PTRACE, unix.CAP_PERFMON, unix.CAP_SYS_ADMIN} {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, capability, 0, 0, 0); err != nil {
			panic(err)
		}
	}
	panic(syscall.Exec("/proc/self/exe", os.Args, environ(modeVariable+"=find-orphan")))
}

// findOrphan tells whether the orphan of another user's worker is found by its
// marker, and whether that could be read without ado.
func findOrphan() {
	p, err := Start(shared, Spec{
		Argv: []string{"/bin/sh", "-c", "(setsid sleep 1000 &)"}, Env: environ(), Marker: "m", User: &syscall.Credential{Uid: 65534, Gid: 65534},
	})
	if err != nil {
		panic(err)
	}
	<-p.Exited()
	members := p.Members()
	_, err = os.ReadFile(fmt.Sprintf("/proc/%d/environ", slices.Concat(members, []int{os.Getpid()})[0]))
	fmt.Println("members", len(members), "denied", os.IsPermission(err))
	EndAll(context.Background(), shared, Ladder{Signal: unix.SIGKILL})
	os.Exit(0)
}

// worker is a started process and the lines that it writes.
type worker struct {
	*Process

	lines *bufio.Reader
}

// begin starts a process. Nothing of it outlives the test.
func begin(t *testing.T, spec Spec) worker {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := reader.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reader.Close() })
	cleanUp(t)
	spec.Stdout, spec.Stderr = writer, writer
	spec.Env = environ(append(spec.Env, "FIFO="+fifo(t), "TICKS="+ticks(t))...)
	if spec.Marker == "" {
		spec.Marker = t.Name()
	}
	p, err := Start(shared, spec)
	writer.Close()
	if err != nil {
		t.Fatal(err)
	}
	return worker{p, bufio.NewReader(reader)}
}

// idle waits without end in a shell, and without a child that signals could hit.
// Now and then it reads a line: a signal that comes between dash's last look for
// one and its read(2) is seen after that. FIFO is for whoever waits for a reader.
const idle = `exec 3<>$TICKS 4<>$FIFO; echo up; while :; do read -r x <&3; done`

// ticks returns a FIFO with a new line for each of several readers now and then.
func ticks(t *testing.T) string {
	t.Helper()
	path := fifo(t)
	writer, err := unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ticker, over, ended := time.NewTicker(20*time.Millisecond), make(chan struct{}), make(chan struct{})
	t.Cleanup(func() {
		close(over)
		<-ended
		ticker.Stop()
		unix.Close(writer)
	})
	go func() {
		defer close(ended)
		for {
			select {
			case <-ticker.C:
				_, _ = unix.Write(writer, []byte("\n\n\n\n")) // full if nobody reads
			case <-over:
				return
			}
		}
	}()
	return path
}

func fifo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(path, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func shellSpec(script string) Spec {
	return Spec{Argv: []string{"/bin/sh", "-c", script}}
}

// cleanUp ends all that a test leaves.
func cleanUp(t *testing.T) {
	t.Helper()
	t.Cleanup(func() {
		EndAll(context.Background(), shared, Ladder{Signal: unix.SIGKILL, Grace: patience})
		if left := (descendants{}).members(processTable()); len(left) > 0 {
			t.Errorf("left over: %+v", left)
		}
	})
}

func (w worker) line(t *testing.T) string {
	t.Helper()
	line, err := w.lines.ReadString('\n')
	if err != nil {
		t.Fatalf("read %q: %v", line, err)
	}
	return strings.TrimSuffix(line, "\n")
}

// number reads a line with a number, such as a pid.
func (w worker) number(t *testing.T) int {
	t.Helper()
	return atoi(t, w.line(t))
}

func atoi(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func wait(t *testing.T, happened <-chan struct{}) {
	t.Helper()
	select {
	case <-happened:
	case <-time.After(patience):
		t.Fatal("it did not happen in time")
	}
}

// lives tells whether a process runs.
func lives(pid int) bool {
	e, err := readEntry(strconv.Itoa(pid))
	return err == nil && !e.dead()
}

func eventually(t *testing.T, happened func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !happened() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("it did not happen in time")
		}
	}
}

// file writes an executable file.
func file(t *testing.T, content string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("takes root")
	}
}
