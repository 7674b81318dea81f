//go:build scenarios

//nolint:thelper // bodies of subtests are no helpers
package scenarios_test

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Case 21.
func TestASigchldIgnoredAtStartDoesNotHangGorun(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		t.Run("exec", func(t *testing.T) {
			wantCode(t, start(t, launch{mode: m, stage: []string{"-ignore", "17"}, args: execArgs("exit", "6")}), 6)
		})
		t.Run("file", func(t *testing.T) {
			l := fileLaunch(t, m, job("job", "exit", "6"))
			l.stage = []string{"-ignore", "17"}
			wantCode(t, start(t, l), 6)
		})
		t.Run("blocked too", func(t *testing.T) {
			stage := []string{"-ignore", "17", "-block", "17"}
			wantCode(t, start(t, launch{mode: m, stage: stage, args: execArgs("exit", "6")}), 6)
		})
	})
}

// Case 21. Go's runtime lets a program preserve these ignored signals only.
func TestIgnoredSignalsAreInheritedByTheChild(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		for _, sig := range []unix.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU} {
			t.Run(unix.SignalName(sig), func(t *testing.T) {
				ignored, _ := setsOf(t, m, "-ignore", fmt.Sprint(int(sig)))
				if ignored != 1<<(sig-1) {
					t.Errorf("the child ignores %#x, want %v alone", ignored, sig)
				}
			})
		}
	})
}

// Case 21. Of the rest (HUP INT QUIT ILL TRAP ABRT BUS FPE SEGV TERM STKFLT CHLD
// URG PROF SYS 34) nobody can tell any more: Go's runtime has unblocked them
// before the first line of a program runs, and keeps the first mask to itself.
func TestBlockedSignalsAreInheritedByTheChild(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		for name, signals := range map[string]string{
			"usual":     "10,12,13,14",
			"terminal":  "18,20,21,22,28",
			"real-time": "35,40,64",
			"others":    "24,25,26,29,30",
		} {
			t.Run(name, func(t *testing.T) {
				var want uint64
				for field := range strings.SplitSeq(signals, ",") {
					var n int
					if _, err := fmt.Sscan(field, &n); err != nil {
						t.Fatal(err)
					}
					want |= 1 << (n - 1)
				}
				if _, blocked := setsOf(t, m, "-block", signals); blocked != want {
					t.Errorf("the child blocks %#x, want %#x", blocked, want)
				}
			})
		}
	})
}

// Case 21: what gorun did not inherit, the child does not get either.
func TestTheChildStartsWithNoSignalIgnoredOrBlocked(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		ignored, blocked := setsOf(t, m)
		if ignored != 0 || blocked != 0 {
			t.Errorf("the child ignores %#x and blocks %#x, want nothing", ignored, blocked)
		}
	})
}

// setsOf starts gorun with the stage's flags and returns the signals that its
// child, which is no Go program, ignores and blocks.
func setsOf(t *testing.T, m mode, stage ...string) (ignored, blocked uint64) {
	t.Helper()
	cat, err := exec.LookPath("cat")
	if err != nil {
		missing(t, err.Error())
	}
	g := run(t, launch{mode: m, stage: stage, args: []string{"exec", "--", cat, "/proc/self/status"}})
	wantCode(t, g, 0)
	status := g.out.all(t)
	for name, set := range map[string]*uint64{"SigIgn": &ignored, "SigBlk": &blocked} {
		match := regexp.MustCompile(name + `:\s+([0-9a-f]+)`).FindStringSubmatch(status)
		if match == nil {
			t.Fatalf("no %s in %q", name, status)
		}
		if _, err := fmt.Sscanf(match[1], "%x", set); err != nil {
			t.Fatal(err)
		}
	}
	return ignored, blocked
}

// Case 22.
func TestTheSoftLimitOfOpenFilesIsTheChildsOwn(t *testing.T) {
	t.Parallel()
	cat, err := exec.LookPath("cat")
	if err != nil {
		missing(t, err.Error())
	}
	inBothModes(t, func(t *testing.T, m mode) {
		args := []string{"exec", "--", cat, "/proc/self/limits"}
		g := start(t, launch{mode: m, stage: []string{"-nofile", "1000"}, args: args})
		g.out.next(t, `^Max open files\s+1000\s+4096`)
		wantCode(t, g, 0)

		l := fileLaunch(t, m, app{"name": "job", "script": cat, "args": []string{"/proc/self/limits"}, "interpreter": "none", "autorestart": false})
		l.stage = []string{"-nofile", "1000"}
		g = start(t, l)
		g.out.next(t, `^Max open files\s+1000\s+4096`)
		wantCode(t, g, 0)
	})
}

// Case 23.
func TestAnInheritedDescriptorIsTheChildsAndNoOtherIs(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = read.Close() }()
		null, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = null.Close() }()
		// The first of the extra files becomes descriptor 3: the fifth is 7.
		extra := []*os.File{null, null, null, null, write}
		bare := exec.Command(workerBinary, "fds")
		bare.ExtraFiles = extra
		listing, err := bare.Output()
		if err != nil {
			t.Fatal(err)
		}
		g := start(t, launch{mode: m, args: execArgs("fds"), extra: extra})
		_ = write.Close()
		wantCode(t, g, 0)
		got, want := descriptors(g.out.all(t)), descriptors(string(listing))
		if !slices.Equal(got, want) || !slices.Contains(got, "7") {
			t.Errorf("the child has the descriptors %v, want %v:\n%s", got, want, g.out.text())
		}
	})
}

// Case 23.
func TestGorunDoesNotHoldAnInheritedDescriptor(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = read.Close() }()
		// The child is a shell that closes its copy and lives on.
		args := []string{"exec", "--", "/bin/sh", "-c", "echo through >&3; exec 3>&-; echo closed; exec sleep 1000"}
		g := start(t, launch{mode: m, args: args, extra: []*os.File{write}})
		_ = write.Close()
		g.out.next(t, "^closed$")
		done := make(chan string, 1)
		go func() {
			content := make([]byte, 64)
			n, _ := read.Read(content)
			m, _ := read.Read(content[n:])
			done <- string(content[:n+m])
		}()
		eventually(t, "the end of descriptor 3", func() bool { return len(done) == 1 })
		if got := <-done; got != "through\n" {
			t.Errorf("descriptor 3 brought %q", got)
		}
	})
}

// Case 23, with a file: neither gorun's descriptors nor inherited ones nor
// those of other workers are in a worker.
func TestAWorkerHasItsStandardStreamsOnly(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		null, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = null.Close() }()
		l := webLaunch(t, m, service("other", "sleep"), service("app", "fds").with("autorestart", false), service("another", "sleep"))
		l.extra = []*os.File{null, null}
		g := start(t, l)
		g.awaitMetric(t, 0, "gorun_worker_last_exit_code", `app="app"`)
		g.out.nth(t, "^fd ", 3)
		if got, want := descriptors(g.out.text()), []string{"0", "1", "2"}; !slices.Equal(got, want) {
			t.Errorf("the worker has the descriptors %v, want %v:\n%s", got, want, g.out.text())
		}
	})
}

// descriptors returns the numbers that the worker's "fds" printed, without the
// descriptors of its own runtime: the event poll, the limits of processor time.
func descriptors(text string) []string {
	var numbers []string
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[0] == "fd" && !strings.HasPrefix(fields[2], "anon_inode:[event") && !strings.HasPrefix(fields[2], "/sys/fs/cgroup/") {
			numbers = append(numbers, fields[1])
		}
	}
	return numbers
}
