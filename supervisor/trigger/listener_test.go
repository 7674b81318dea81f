package trigger

import (
	"errors"
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

	"github.com/fsnotify/fsnotify"
)

func TestEndLeavesNothingBehind(t *testing.T) {
	inotifies := openInotifies(t)
	f := start(t, Watch{Paths: []string{t.TempDir()}})
	if got := openInotifies(t); got != inotifies+1 {
		t.Fatalf("%d inotify descriptors while watching, want %d", got, inotifies+1)
	}
	f.stop()
	if err := f.end(t); err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
	if got := openInotifies(t); got != inotifies {
		t.Errorf("%d inotify descriptors after the end, want %d", got, inotifies)
	}
	eventually(t, "the goroutines end", func() bool {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		return !strings.Contains(string(stacks), "(*listener)") && !strings.Contains(string(stacks), "fsnotify.") &&
			!strings.Contains(string(stacks), "trigger.queued")
	})
}

func TestFailedStartLeavesNothingBehind(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may read everything")
	}
	dir := filepath.Join(t.TempDir(), "closed")
	must(t, os.Mkdir(dir, 0o000))
	inotifies := openInotifies(t)
	_, err := Watch{Paths: []string{dir}}.prepare()
	if !errors.Is(err, os.ErrPermission) || openInotifies(t) != inotifies {
		t.Errorf("prepare = %v, with %d descriptors; want no permission, %d", err, openInotifies(t), inotifies)
	}
}

// fsnotify reports, with its lock held, that a directory it was told has moved
// has gone: promptly, while nothing receives its errors.
func TestADirectoryThatMovesAndGoesHoldsNothingUp(t *testing.T) {
	parent := t.TempDir()
	dir, other := filepath.Join(parent, "dir"), filepath.Join(parent, "other")
	must(t, errors.Join(os.Mkdir(dir, 0o755), os.Mkdir(other, 0o755)))
	l, err := newListener(Watch{Paths: []string{dir}}, rules{})
	must(t, err)
	must(t, os.Mkdir(filepath.Join(dir, "first"), 0o755)) // fsnotify waits until this is heard
	must(t, errors.Join(os.Rename(dir, dir+".old"), os.RemoveAll(dir+".old")))
	<-l.inotify.Events
	done := make(chan error, 1)
	go func() {
		var err error
		for range 100 {
			err = errors.Join(err, l.addWatch(other))
		}
		done <- errors.Join(err, l.inotify.Close())
	}()
	for {
		select {
		case <-l.inotify.Events:
		case err := <-done:
			must(t, err)
			return
		case <-time.After(patience):
			t.Fatal("it hangs")
		}
	}
}

// openInotifies counts this process's inotify descriptors.
func openInotifies(t *testing.T) int {
	t.Helper()
	fds, err := filepath.Glob("/proc/self/fd/*")
	must(t, err)
	count := 0
	for _, fd := range fds {
		if target, err := os.Readlink(fd); err == nil && strings.Contains(target, "inotify") {
			count++
		}
	}
	return count
}

func TestOverflowCountsAndNothingIsMissedAfterIt(t *testing.T) {
	raw, err := os.ReadFile("/proc/sys/fs/inotify/max_queued_events")
	must(t, err)
	limit, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	must(t, err)
	if limit > 100_000 {
		t.Skipf("a queue of %d events takes too long to fill", limit)
	}
	y := newFolder(t)
	l, err := newListener(Watch{Paths: []string{y.dir}}, rules{})
	must(t, err)
	t.Cleanup(func() { must(t, l.inotify.Close()) })
	files := [2]*os.File{}
	for i, name := range []string{"a", "b"} {
		files[i], err = os.Create(y.at(name))
		must(t, err)
		defer files[i].Close()
	}
	for i := range limit + 10_000 { // fsnotify holds some thousand itself; equal neighbours would merge
		_, err := files[i%2].WriteString("x")
		must(t, err)
	}
	y.mkdir("x")
	var changed []location
	for changed == nil {
		select {
		case <-l.inotify.Events: // not handled: as good as lost
		case failure := <-l.failures:
			if !errors.Is(failure, fsnotify.ErrEventOverflow) {
				t.Fatal(failure)
			}
			changed, err = l.recover(failure)
			must(t, err)
		case <-time.After(patience):
			t.Fatal("no overflow")
		}
	}
	if len(changed) != 1 || changed[0].path != y.dir {
		t.Errorf("changed = %v, want the watched path", changed)
	}
	if listed := l.inotify.WatchList(); !slices.Contains(listed, y.at("x")) {
		t.Errorf("watched = %q, want the directory that was made unnoticed", listed)
	}
}

// A root that appeared between resolving and watching was taken for missing.
func TestRootRecreatedAtAnyMomentIsWatched(t *testing.T) {
	for range recreations {
		y := tree(t)
		l, err := newListener(Watch{Paths: []string{y.at("app/src")}}, rules{})
		must(t, err)
		go func() { // at the same time as the events are handled
			y.remove("app")
			y.write("app/src/x")
			y.write("app/src/last")
		}()
		for last := false; !last; {
			select {
			case event := <-l.inotify.Events:
				changed, err := l.handle(event)
				must(t, err)
				last = slices.ContainsFunc(changed, func(p location) bool { return filepath.Base(p.path) == "last" })
			case <-time.After(patience):
				t.Fatalf("targets %v, directories %v: the last file is missed", l.targets, l.dirs)
			}
		}
		must(t, l.inotify.Close())
	}
}

func TestAttributesAloneDoNotFire(t *testing.T) {
	y := newFolder(t)
	file := y.at("a")
	y.write("a")
	l, err := newListener(Watch{Paths: []string{y.dir}}, rules{})
	must(t, err)
	t.Cleanup(func() { must(t, l.inotify.Close()) })
	old := time.Now().Add(-time.Hour)
	must(t, os.Chtimes(file, old, old))
	must(t, os.Chmod(file, 0o400))
	must(t, os.Chtimes(file, time.Now(), time.Time{})) // access time
	must(t, os.Chmod(y.dir, 0o700))
	y.write("end")
	for {
		select {
		case event := <-l.inotify.Events:
			changed, err := l.handle(event)
			must(t, err)
			if len(changed) == 0 {
				continue
			}
			if changed[0].path != y.at("end") {
				t.Errorf("changed = %v, want the new file only", changed)
			}
			return
		case <-time.After(patience):
			t.Fatal("no event")
		}
	}
}

func TestLinksAreNotFollowedUnlessAsked(t *testing.T) {
	y := tree(t)
	l, err := newListener(Watch{Paths: []string{y.at("app")}}, rules{})
	must(t, err)
	t.Cleanup(func() { must(t, l.inotify.Close()) })
	for _, path := range l.inotify.WatchList() {
		if strings.Contains(path, "elsewhere") {
			t.Errorf("watches %s", path)
		}
	}
}

func TestForgottenDirectoriesHoldNoWatch(t *testing.T) {
	y := tree(t)
	f := Watch{Paths: []string{y.at("app")}, FollowSymlinks: true}
	r, err := newRules(f)
	must(t, err)
	l, err := newListener(f, r)
	must(t, err)
	t.Cleanup(func() { must(t, l.inotify.Close()) })
	src := y.at("app/src")
	if !slices.Contains(l.inotify.WatchList(), src) {
		t.Fatalf("watched = %q, want %s", l.inotify.WatchList(), src)
	}
	l.forget(src)
	if listed := l.inotify.WatchList(); slices.Contains(listed, src) {
		t.Errorf("watched = %q, want no %s", listed, src)
	}
}

func TestLimitsAreExplained(t *testing.T) {
	tests := []struct {
		err  error
		want []string
	}{
		{fmt.Errorf("add: %w", syscall.ENOSPC), []string{"/app", "fs.inotify.max_user_watches", "ignore_watch", "usePolling"}},
		{fmt.Errorf("init: %w", syscall.EMFILE), []string{"/app", "fs.inotify.max_user_instances", "usePolling"}},
		{os.ErrPermission, []string{"watch /app: permission denied"}},
	}
	for _, tt := range tests {
		got := explain("/app", tt.err)
		if !errors.Is(got, tt.err) {
			t.Errorf("explain(%v) does not wrap it", tt.err)
		}
		for _, want := range tt.want {
			if !strings.Contains(got.Error(), want) {
				t.Errorf("explain(%v) = %q, want …%s…", tt.err, got, want)
			}
		}
	}
}
