package reaper

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gorun/signals"
)

const (
	modeVariable = "GORUN_TEST_WORKER"
	patience     = 60 * time.Second
)

// shared is the one Reaper of this process. TestMain's loop calls its Reap.
var shared *Reaper

func TestMain(m *testing.M) {
	var err error
	if shared, err = New(); err != nil {
		panic(err)
	}
	if os.Getenv(modeVariable) == "parent" {
		parent()
	}
	l := signals.NewListener()
	<-l.Complete()
	go l.Run(context.Background(), signals.Forwarding, signals.Actions{Reap: shared.Reap, Forward: func(unix.Signal) {}})
	os.Exit(m.Run())
}

// parent starts a child that holds descriptor 3, and waits to be killed.
func parent() {
	_, err := shared.Start(Spec{Path: "/bin/sh", Argv: []string{"sh", "-c", "exec sleep 1000"}, Env: []string{"PATH=" + os.Getenv("PATH")}, Files: []uintptr{0, 1, 2, 3}})
	if err != nil {
		panic(err)
	}
	if err := unix.Close(3); err != nil {
		panic(err)
	}
	fmt.Println("ready")
	select {}
}

func script(text string) Spec {
	return Spec{Path: "/bin/sh", Argv: []string{"sh", "-c", text}, Env: []string{"PATH=" + os.Getenv("PATH")}, Files: []uintptr{0, 1, 2}}
}

// begin starts a child that does not outlive the test.
func begin(t *testing.T, spec Spec) *Child {
	t.Helper()
	child, err := shared.Start(spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = child.Signal(unix.SIGKILL)
		wait(t, child.Exited())
	})
	return child
}

func wait(t *testing.T, happened <-chan struct{}) {
	t.Helper()
	select {
	case <-happened:
	case <-time.After(patience):
		t.Fatal("it did not happen in time")
	}
}

func ended(t *testing.T, child *Child) Status {
	t.Helper()
	wait(t, child.Exited())
	return child.Status()
}

func TestExitCodes(t *testing.T) {
	for code := range 256 {
		child := begin(t, script("exit "+strconv.Itoa(code)))
		if got := ended(t, child); got.Code != code || got.Signal != 0 || got.ExitCode() != code {
			t.Errorf("%+v, exit code %d, want %d", got, got.ExitCode(), code)
		}
	}
}

func TestDeathBySignal(t *testing.T) {
	for _, sig := range []unix.Signal{1, 2, 3, 6, 9, 10, 11, 15, 31, 34, 64} {
		spec := script("ulimit -c 0; kill -" + strconv.Itoa(int(sig)) + " $$; exit 77")
		if got := ended(t, begin(t, spec)); got.Signal != sig || got.ExitCode() != 128+int(sig) {
			t.Errorf("%+v, exit code %d, want signal %d", got, got.ExitCode(), int(sig))
		}
	}
}

func TestStoppedChildHasNotExited(t *testing.T) {
	child := begin(t, script("kill -STOP $$; exit 5"))
	stat := "/proc/" + strconv.Itoa(child.Pid()) + "/stat"
	eventually(t, func() bool {
		text, err := os.ReadFile(stat)
		return err == nil && bytes.Contains(text, []byte(") T "))
	})
	shared.Reap()
	select {
	case <-child.Exited():
		t.Fatal("taken for an exit")
	default:
	}
	if err := child.Signal(unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if got := ended(t, child); got.Code != 5 {
		t.Errorf("%+v, want code 5", got)
	}
}

func TestSignalAfterDeath(t *testing.T) {
	child := begin(t, script("exit 0"))
	wait(t, child.Exited())
	for name, err := range map[string]error{"Signal": child.Signal(unix.SIGTERM), "SignalGroup": child.SignalGroup(unix.SIGTERM)} {
		if !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("%s: %v, want os.ErrProcessDone", name, err)
		}
	}
	if shared.Owns(child.Pid()) {
		t.Error("the dead child is still owned")
	}
}

func TestSignalGroupReachesAll(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	spec := script("sleep 1000 & echo ready; wait")
	spec.Files[1] = writer.Fd()
	spec.Sys = syscall.SysProcAttr{Setpgid: true}
	child := begin(t, spec)
	writer.Close()
	lines := bufio.NewReader(reader)
	if _, err := lines.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if err := child.SignalGroup(unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	// The end of file comes when the last holder of the pipe is gone.
	if rest, err := io.ReadAll(lines); err != nil || len(rest) > 0 {
		t.Errorf("read %q, %v", rest, err)
	}
	if got := ended(t, child); got.Signal != unix.SIGTERM {
		t.Errorf("%+v, want SIGTERM", got)
	}
}

func TestCPUTimeIsCounted(t *testing.T) {
	child := begin(t, script("i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"))
	if got := ended(t, child); got.CPU < time.Millisecond || got.CPU > patience {
		t.Errorf("CPU = %v", got.CPU)
	}
}

func TestWhatCannotBeStarted(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("exit 0\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, path, dir string
		want            error
		named           string
	}{
		{"missing", filepath.Join(dir, "missing"), "", fs.ErrNotExist, "missing"},
		{"directory", dir, "", fs.ErrPermission, dir},
		{"not executable", plain, "", fs.ErrPermission, plain},
		{"no interpreter line", text, "", unix.ENOEXEC, text},
		{"missing working directory", "/bin/sh", "/nowhere", fs.ErrNotExist, "/nowhere"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := shared.Start(Spec{Path: test.path, Argv: []string{"x"}, Dir: test.dir, Files: []uintptr{0, 1, 2}})
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.named) {
				t.Errorf("%v, want %v about %s", err, test.want, test.named)
			}
		})
	}
}

// alone waits for the end of what other tests have left behind: it would count.
func alone(t *testing.T) {
	t.Helper()
	eventually(t, Childless)
}

func TestOrphansAreBuried(t *testing.T) {
	alone(t)
	before, orphanReaped, reaped := shared.Orphans(), shared.OrphanReaped(), shared.Reaped()
	child := begin(t, script("(sleep 0.01 &)"))
	wait(t, child.Exited())
	wait(t, orphanReaped)
	wait(t, reaped)
	if got := shared.Orphans() - before; got != 1 {
		t.Errorf("%d orphans, want 1", got)
	}
}

func TestDeathIsNotTakenForAnOrphan(t *testing.T) {
	alone(t)
	before := shared.Orphans()
	for range 100 {
		wait(t, begin(t, script("exit 0")).Exited())
	}
	if got := shared.Orphans() - before; got != 0 {
		t.Errorf("%d orphans, want none", got)
	}
}

// Children die before Start returns, orphans beside them, and Reap is called all
// the time: each status must reach its child.
func TestStormLosesNoStatus(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var reaping sync.WaitGroup
	reaping.Go(func() {
		for ctx.Err() == nil {
			shared.Reap()
		}
	})
	before := shared.Orphans()
	var orphans sync.WaitGroup
	orphans.Go(func() {
		for range stormMakers {
			maker, err := shared.Start(script("i=0; while [ $i -lt 100 ]; do (: &) ; i=$((i+1)); done"))
			if err != nil {
				t.Error(err)
				return
			}
			<-maker.Exited()
		}
	})
	var starting sync.WaitGroup
	for starter := range 4 {
		starting.Go(func() { storm(t, starter, stormChildren/4) })
	}
	starting.Wait()
	orphans.Wait()
	// Not exactly: what other tests have left behind may end now, too.
	eventually(t, func() bool { return shared.Orphans()-before >= stormMakers*100 })
	cancel()
	reaping.Wait()
}

// storm starts children with different exit codes, a few at a time.
func storm(t *testing.T, starter, count int) {
	t.Helper()
	var running []*Child
	for i := range count {
		child, err := shared.Start(script("exit " + strconv.Itoa((starter*7+i)%256)))
		if err != nil {
			t.Error(err)
			return
		}
		running = append(running, child)
		if len(running) < 50 && i < count-1 {
			continue
		}
		for j, child := range running {
			first := i - len(running) + 1
			want := (starter*7 + first + j) % 256
			if got := ended(t, child); got.Code != want || got.Signal != 0 {
				t.Errorf("child %d of starter %d: %+v, want code %d", first+j, starter, got, want)
			}
		}
		running = running[:0]
	}
}

func TestChildrenDieWithTheirParent(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	out, outWriter, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	gorun := begin(t, Spec{
		Path: "/proc/self/exe", Argv: []string{"gorun"}, Env: []string{modeVariable + "=parent", "PATH=" + os.Getenv("PATH")},
		Files: []uintptr{0, outWriter.Fd(), 2, writer.Fd()},
	})
	writer.Close()
	outWriter.Close()
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("%q, %v", line, err)
	}
	if err := gorun.Signal(unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := reader.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(reader); err != nil {
		t.Errorf("the child lives on: %v", err)
	}
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
