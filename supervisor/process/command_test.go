package process

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// commanded is a command under init, and its output.
type commanded struct {
	signals chan unix.Signal
	code    chan int
	lines   *bufio.Reader
	log     *bytes.Buffer // to be read after code
}

// command runs a shell script as `gorun exec` does. Its output goes to a
// descriptor that it inherits.
func command(t *testing.T, c Command, script string) commanded {
	t.Helper()
	cleanUp(t)
	var fds [2]int
	if err := unix.Pipe2(fds[:], 0); err != nil { // Run closes the second
		t.Fatal(err)
	}
	unix.CloseOnExec(fds[0])
	if err := unix.SetNonblock(fds[0], true); err != nil {
		t.Fatal(err)
	}
	reader := os.NewFile(uintptr(fds[0]), "reader")
	t.Cleanup(func() { reader.Close() })
	if err := reader.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	r := commanded{make(chan unix.Signal), make(chan int, 1), bufio.NewReader(reader), &bytes.Buffer{}}
	c.Argv = []string{"sh", "-c", "exec >/proc/self/fd/" + strconv.Itoa(fds[1]) + "; " + script}
	c.Environ = environ("FIFO="+fifo(t), "TICKS="+ticks(t))
	c.Log = slog.New(slog.NewTextHandler(r.log, nil))
	go func() { r.code <- c.Run(shared, r.signals) }()
	return r
}

func (c commanded) line(t *testing.T) string {
	t.Helper()
	return worker{lines: c.lines}.line(t)
}

func (c commanded) send(t *testing.T, sig unix.Signal) {
	t.Helper()
	select {
	case c.signals <- sig:
	case <-time.After(patience):
		t.Fatal("the signal is not taken")
	}
}

func (c commanded) exit(t *testing.T) int {
	t.Helper()
	select {
	case code := <-c.code:
		return code
	case <-time.After(patience):
		t.Fatal("Run does not return")
		return -1
	}
}

func TestCommandInheritsDescriptorsAndGorunLetsGo(t *testing.T) {
	c := command(t, Command{Grace: never}, `echo hello; exit 9`)
	if got := c.line(t); got != "hello" {
		t.Error(got)
	}
	if code := c.exit(t); code != 9 {
		t.Errorf("code %d, want 9", code)
	}
	if _, err := c.lines.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("the descriptor is still open: %v", err)
	}
}

func TestCommandGetsSignals(t *testing.T) {
	c := command(t, Command{Grace: never}, `trap 'echo hup' HUP; trap 'exit 4' TERM; `+idle)
	c.line(t)
	c.send(t, unix.SIGHUP)
	if got := c.line(t); got != "hup" {
		t.Error(got)
	}
	c.send(t, unix.SIGTERM)
	if code := c.exit(t); code != 4 {
		t.Errorf("code %d, want 4", code)
	}
}

func TestCommandIsKilledAtItsLimit(t *testing.T) {
	c := command(t, Command{Grace: never, Limit: 20 * time.Millisecond}, `trap '' TERM; `+idle)
	c.line(t)
	c.send(t, unix.SIGTERM)
	if code := c.exit(t); code != 137 {
		t.Errorf("code %d, want 137", code)
	}
}

func TestLimitOfTheCommandAloneSparesTheRest(t *testing.T) {
	c := command(t, Command{Grace: never, Limit: 20 * time.Millisecond, ChildOnly: true}, `
		(trap 'echo asked; exit' TERM; `+idle+`) & trap '' TERM; `+idle)
	c.line(t)
	c.line(t)
	c.send(t, unix.SIGTERM)
	if got, code := c.line(t), c.exit(t); got != "asked" || code != 137 {
		t.Errorf("%s, code %d, want asked and 137", got, code)
	}
}

func TestCommandsRestIsEnded(t *testing.T) {
	c := command(t, Command{Grace: never}, `(setsid sh -c 'echo $$; : >$FIFO; exec sleep 1000' &); read -r x <$FIFO; exit 3`)
	pid, err := strconv.Atoi(c.line(t))
	if err != nil {
		t.Fatal(err)
	}
	if code := c.exit(t); code != 3 || lives(pid) {
		t.Errorf("code %d, the rest lives: %v", code, lives(pid))
	}
}

func TestSignalsCutTheGraceOfTheRestAndAreTakenOn(t *testing.T) {
	c := command(t, Command{Grace: never}, `
		setsid sh -c 'trap "echo asked" TERM; `+idle+`' & : >$FIFO; exit 3`)
	// It is asked once it can be: before or after it says that it is up.
	if said := []string{c.line(t), c.line(t)}; !slices.Contains(said, "asked") {
		t.Error(said)
	}
	stop := time.After(patience)
	for sent := 0; ; sent++ {
		select {
		case c.signals <- unix.SIGTERM:
		case code := <-c.code:
			if code != 3 || sent == 0 {
				t.Errorf("code %d after %d signals, want 3", code, sent)
			}
			return
		case <-stop:
			t.Fatal("Run does not return")
		}
	}
}

func TestMissingCommandIsTold(t *testing.T) {
	log := &bytes.Buffer{}
	c := Command{Argv: []string{"no-such-command"}, Environ: environ(), Log: slog.New(slog.NewTextHandler(log, nil))}
	if code := c.Run(shared, nil); code != 127 || !strings.Contains(log.String(), "no-such-command") {
		t.Errorf("code %d, log %s", code, log)
	}
}

func TestLookUp(t *testing.T) {
	dir := t.TempDir()
	for path, mode := range map[string]os.FileMode{"a/tool": 0o755, "b/tool": 0o755, "b/plain": 0o644, "c/plain": 0o755, "b/only": 0o644} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(dir+"/a/dir", 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Join(dir, "a"))
	all := "PATH=" + dir + "/missing:" + dir + "/a/tool:" + dir + "/a:" + dir + "/b:" + dir + "/c"
	tests := []struct {
		name, command string
		environ       []string
		want          string
		err           error
	}{
		{"the first", "tool", []string{all}, dir + "/a/tool", nil},
		{"what may be executed", "plain", []string{all}, dir + "/c/plain", nil},
		{"what may not", "only", []string{all}, "", fs.ErrPermission},
		{"directory", "dir", []string{all}, "", fs.ErrPermission},
		{"missing", "none", []string{all}, "", fs.ErrNotExist},
		{"empty name", "", []string{all}, "", fs.ErrNotExist},
		{"slash", "./x/y", nil, "./x/y", nil},
		{"empty element", "tool", []string{"PATH=:/nowhere"}, "./tool", nil},
		{"dot", "tool", []string{"PATH=."}, "./tool", nil},
		{"empty PATH", "tool", []string{"PATH="}, "./tool", nil},
		{"file in place of a directory", "x", []string{"PATH=" + dir + "/a/tool"}, "", fs.ErrNotExist},
		{"no PATH", "sh", []string{"PATHS=/nowhere"}, "/bin/sh", nil},
		{"the first PATH", "tool", []string{"PATH=" + dir + "/b", "PATH=" + dir + "/a"}, dir + "/b/tool", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := lookUp(test.command, test.environ)
			if got != test.want || !errors.Is(err, test.err) {
				t.Errorf("lookUp(%q) = %q, %v, want %q, %v", test.command, got, err, test.want, test.err)
			}
		})
	}
}

func TestWorkersInheritNothing(t *testing.T) {
	before := inheritedDescriptors()
	fd, err := unix.Dup(0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if got := inheritedDescriptors(); !slices.Contains(got, fd) {
		t.Errorf("%v, want %d among them", got, fd)
	}
	SetCloseOnExec()
	if got := inheritedDescriptors(); len(got) > 0 {
		t.Errorf("%v left of %v", got, before)
	}
	w := begin(t, shellSpec(`echo /proc/self/fd/*`))
	if got := w.line(t); got != "/proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/10 /proc/self/fd/2" && !strings.HasPrefix(got, "/proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2") {
		t.Errorf("descriptors %s", got)
	}
}
