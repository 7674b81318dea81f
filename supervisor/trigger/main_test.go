package trigger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait of these tests; none takes as long.
const patience = time.Minute

func TestMain(m *testing.M) {
	if dir := os.Getenv("GORUN_TEST_SCRATCH"); dir != "" {
		os.Exit(scratch(dir))
	}
	os.Exit(m.Run())
}

// scratch parses a schedule with a zone in an empty root directory, as in an
// image made from scratch.
func scratch(dir string) int {
	if err := syscall.Chroot(dir); err != nil {
		fmt.Println("no chroot:", err)
		return 3
	}
	if _, err := os.Stat("/usr/share/zoneinfo"); err == nil {
		fmt.Println("zoneinfo is still there")
		return 1
	}
	s, err := ParseSchedule("CRON_TZ=Europe/Berlin 0 3 * * *")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println(s.Next(time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)).Format(time.RFC3339))
	return 0
}

func TestZonesAreKnownInAnEmptyImage(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{"GORUN_TEST_SCRATCH=" + t.TempDir(), "ZONEINFO=/nonexistent"}
	if os.Getuid() != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		}
	}
	out, err := cmd.Output()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() == 3 {
		t.Skipf("cannot change the root directory here: %v %s", err, out)
	}
	if got, want := strings.TrimSpace(string(out)), "2026-07-01T01:00:00Z"; got != want {
		t.Errorf("3 o'clock in Berlin = %q, want %q", got, want)
	}
}

// fires are the calls of one running watch.
type fires struct {
	calls chan []string
	ended chan error
	stop  context.CancelFunc
}

// start runs w once it is watching, so that the next change is seen.
func start(t *testing.T, w Watch) *fires {
	t.Helper()
	changes, err := w.prepare()
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	f := &fires{calls: make(chan []string, 100), ended: make(chan error, 1), stop: stop}
	go func() { f.ended <- w.collect(ctx, changes, func(changed []string) { f.calls <- changed }) }()
	t.Cleanup(func() {
		stop()
		if err := f.end(t); err != nil {
			t.Errorf("Run ended with %v", err)
		}
	})
	return f
}

// next waits for the next fire.
func (f *fires) next(t *testing.T) []string {
	t.Helper()
	select {
	case changed := <-f.calls:
		return changed
	case err := <-f.ended:
		f.ended <- err
		t.Fatalf("watching ended: %v", err)
	case <-time.After(patience):
		t.Fatal("nothing fired")
	}
	return nil
}

// end waits for Run to return.
func (f *fires) end(t *testing.T) error {
	t.Helper()
	select {
	case err := <-f.ended:
		f.ended <- nil
		return err
	case <-time.After(patience):
		t.Fatal("Run does not end")
	}
	return nil
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); <-time.After(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not in %v", what, patience)
		}
	}
}

// folder is a directory where a test makes changes.
type folder struct {
	t   *testing.T
	dir string
}

// newFolder's path is free of links, so that a test knows the names of events.
func newFolder(t *testing.T) folder {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	return folder{t, dir}
}

// tree makes the files that most tests change.
func tree(t *testing.T) folder {
	t.Helper()
	y := newFolder(t)
	for _, path := range []string{"app/src/a.js", "app/src/b.js", "app/node_modules/x/index.js", "elsewhere/file", "elsewhere/dir/x", "release1/src/a", "release2/src/a"} {
		y.write(path)
	}
	for link, target := range map[string]string{
		"app/link-to-file": "../elsewhere/file", "app/link-to-dir": y.at("elsewhere/dir"),
		"app/circle": ".", "app/file": "gone/file", "app/self": "self", "current": "release1",
	} {
		y.link(target, link)
	}
	return y
}

func (y folder) at(path string) string {
	return filepath.Join(y.dir, path)
}

// write makes or lengthens a file.
func (y folder) write(path string) {
	y.t.Helper()
	y.mkdir(filepath.Dir(path))
	f, err := os.OpenFile(y.at(path), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	must(y.t, err)
	_, err = f.WriteString("more")
	must(y.t, errors.Join(err, f.Close()))
}

func (y folder) mkdir(path string) {
	y.t.Helper()
	must(y.t, os.MkdirAll(y.at(path), 0o755))
}

func (y folder) rename(from, to string) {
	y.t.Helper()
	must(y.t, os.Rename(y.at(from), y.at(to)))
}

func (y folder) remove(path string) {
	y.t.Helper()
	must(y.t, os.RemoveAll(y.at(path)))
}

func (y folder) link(target, path string) {
	y.t.Helper()
	must(y.t, os.Symlink(target, y.at(path)))
}

func (y folder) touch(path string) {
	y.t.Helper()
	now := time.Now()
	must(y.t, os.Chtimes(y.at(path), now, now))
}

func (y folder) chmod(path string) {
	y.t.Helper()
	must(y.t, os.Chmod(y.at(path), 0o640))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
