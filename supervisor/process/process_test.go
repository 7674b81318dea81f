package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestWorkerHasItsOwnSessionAndNoTerminal(t *testing.T) {
	w := begin(t, shellSpec(`echo $$; read -r line; echo "end of input: $?"; exec sleep 1000`))
	pid := w.number(t)
	e, err := readEntry(strconv.Itoa(pid))
	if err != nil || w.Pid() != pid || e.session != pid || e.group != pid {
		t.Errorf("pid %d, entry %+v, %v", w.Pid(), e, err)
	}
	if got := w.line(t); got != "end of input: 1" {
		t.Errorf("stdin: %s", got)
	}
}

func TestWorkerDiesBeforeGorun(t *testing.T) {
	spec := shellSpec("exec sleep 1000")
	spec.Memory = 64 << 20
	w := begin(t, spec)
	own, err := readNumber("/proc/self/oom_score_adj")
	if err != nil {
		t.Skip(err)
	}
	got, err := readNumber(fmt.Sprintf("/proc/%d/oom_score_adj", w.Pid()))
	if want := min(own+376, 1000); err != nil || got != want {
		t.Errorf("oom_score_adj = %d, %v, want %d", got, err, want)
	}
}

// In a container of 64 MiB a bonus of 100 counts as 6 MiB: gorun, of 17 MiB, was
// killed in the place of a worker that had just started.
func TestAWorkerOfNoSizeWeighsMoreThanGorun(t *testing.T) {
	for memory, want := range map[int64]int{0: 100, 1 << 40: 100, 512 << 20: 100, 128 << 20: 188, 64 << 20: 376, 16 << 20: 1000, 1: 1000} {
		got := oomScoreBonus(memory)
		if got != want {
			t.Errorf("victimBonus(%d) = %d, want %d", memory, got, want)
		}
		if counts := memory / 1000 * int64(got); memory >= ownSize && counts < ownSize*999/1000 {
			t.Errorf("of %d bytes the bonus counts as %d, want gorun's %d", memory, counts, ownSize)
		}
	}
}

func TestUserAndLimits(t *testing.T) {
	needRoot(t)
	user := &syscall.Credential{Uid: 65534, Gid: 65533, Groups: []uint32{7, 8}}
	limits := []Limit{{unix.RLIMIT_NOFILE, 77, 88}, {unix.RLIMIT_CORE, 0, 0}}
	tests := []struct {
		name   string
		user   *syscall.Credential
		limits []Limit
		want   string
	}{
		{"neither", nil, nil, "0 0 0"},
		{"user", user, nil, "65534 65533 65533 7 8"},
		{"limits", nil, limits, "0 0 0 77 88"},
		{"both", user, limits, "65534 65533 65533 7 8 77 88"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			spec := shellSpec(`echo $(id -u; id -g; id -G)${LIMITS:+ $(ulimit -Sn; ulimit -Hn)}`)
			spec.User, spec.Limits = test.user, test.limits
			if test.limits != nil {
				spec.Env = []string{"LIMITS=yes"}
			}
			if got := begin(t, spec).line(t); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

func TestSoftLimitIsTheOneGorunWasStartedWith(t *testing.T) {
	spec := shellSpec(`ulimit -Sn`)
	want := begin(t, spec).line(t)
	spec.Limits = []Limit{{unix.RLIMIT_CORE, 0, 0}}
	if got := begin(t, spec).line(t); got != want {
		t.Errorf("with other limits set: %s, want %s", got, want)
	}
}

func TestLaunchPassesArgumentsAndEnvironment(t *testing.T) {
	spec := shellSpec(`printf '%s\n' "$0" "$@" "$V"; pwd`)
	spec.Argv = append(spec.Argv, "", "--", "a b", "\xff\n")
	spec.Env = []string{"V=1=2"}
	spec.Dir = "/usr"
	spec.Limits = []Limit{{unix.RLIMIT_CORE, 0, 0}}
	w := begin(t, spec)
	for _, want := range []string{"", "--", "a b", "\xff", "", "1=2", "/usr"} {
		if got := w.line(t); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestWhatCannotBeStarted(t *testing.T) {
	plain := file(t, "", 0o644)
	binary := file(t, "\x7fELF\x00\x00", 0o755)
	limits := []Limit{{unix.RLIMIT_CORE, 0, 0}}
	tests := []struct {
		name  string
		spec  Spec
		code  int
		named string
	}{
		{"missing", Spec{Argv: []string{"/nowhere/\xff"}}, 127, "no such file"},
		{"missing, with limits", Spec{Argv: []string{"/nowhere/\xff"}, Limits: limits}, 127, "no such file"},
		{"not executable", Spec{Argv: []string{plain}}, 126, "permission denied"},
		{"not executable, with limits", Spec{Argv: []string{plain}, Limits: limits}, 126, "permission denied"},
		{"another machine's", Spec{Argv: []string{binary}}, 126, "a program for this machine"},
		{"another machine's, with limits", Spec{Argv: []string{binary}, Limits: limits}, 126, "a program for this machine"},
		{"limits beyond the kernel's", Spec{Argv: []string{"/bin/sh"}, Limits: []Limit{{unix.RLIMIT_NOFILE, 1 << 40, 1 << 40}}}, 126, "set limit 7"},
		{"missing directory", Spec{Argv: []string{"/bin/sh"}, Dir: "/nowhere"}, 127, "working directory"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cleanUp(t)
			_, err := Start(shared, test.spec)
			if err == nil || CodeOf(err) != test.code || !strings.Contains(err.Error(), test.named) {
				t.Errorf("code %d, %v, want %d and %q", CodeOf(err), err, test.code, test.named)
			}
		})
	}
}

func TestScriptWithoutInterpreterLine(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"text": "echo \"$0 $1\"\n", "empty": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	limits := []Limit{{unix.RLIMIT_CORE, 0, 0}}
	tests := []struct {
		name string
		spec Spec
		want string
	}{
		{"text", Spec{Argv: []string{dir + "/text", "a b"}}, dir + "/text a b\n"},
		{"with limits", Spec{Argv: []string{dir + "/text", "a b"}, Limits: limits}, dir + "/text a b\n"},
		{"relative to its directory", Spec{Argv: []string{"./text", "x"}, Dir: dir}, "./text x\n"},
		{"relative, with limits", Spec{Argv: []string{"./text", "x"}, Dir: dir, Limits: limits}, "./text x\n"},
		{"empty", Spec{Argv: []string{dir + "/empty"}}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := begin(t, test.spec)
			got := ""
			if test.want != "" {
				got = w.line(t) + "\n"
			}
			wait(t, w.Exited())
			if got != test.want || w.Status().ExitCode() != 0 {
				t.Errorf("%q and code %d, want %q and 0", got, w.Status().ExitCode(), test.want)
			}
		})
	}
}

func TestWorkerDiesWithGorun(t *testing.T) {
	w := begin(t, Spec{Argv: []string{"/proc/self/exe"}, Env: []string{modeVariable + "=parent"}, Marker: "outer"})
	if got := w.line(t); got != "ready" {
		t.Fatal(got)
	}
	if err := w.child.Signal(unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	// The end of file comes when the last holder of the pipe is gone.
	if rest, err := w.lines.ReadString('\n'); rest != "" || os.IsTimeout(err) {
		t.Errorf("the worker lives on: %q, %v", rest, err)
	}
}

func TestCodeOf(t *testing.T) {
	for _, test := range []struct {
		err  error
		want int
	}{
		{fs.ErrNotExist, 127},
		{&os.PathError{Op: "exec", Path: "x", Err: unix.ENOENT}, 127},
		{fmt.Errorf("start: %w", report{Text: "x", Errno: unix.ENOENT}), 127},
		{unix.EACCES, 126},
		{unix.ENOEXEC, 126},
		{unix.EAGAIN, 126},
		{noShell(unix.ENOEXEC, unix.ENOENT), 126},
		{report{Text: "x"}, 126},
		{errors.New("x"), 126},
	} {
		if got := CodeOf(test.err); got != test.want {
			t.Errorf("CodeOf(%v) = %d, want %d", test.err, got, test.want)
		}
	}
}
