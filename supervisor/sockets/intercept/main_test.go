package intercept

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gorun/supervisor/sockets"
)

const victimVariable = "GORUN_TEST_VICTIM"

// patience is how long a test waits for what must come.
const patience = time.Minute

// TestMain becomes the program under the filter where that is asked for. It
// keeps the main thread, which runs TestMain: signals for a process go there.
func TestMain(m *testing.M) {
	runtime.LockOSThread()
	if text := os.Getenv(victimVariable); text != "" {
		os.Exit(victim(text))
	}
	os.Exit(m.Run())
}

func require(t *testing.T) {
	t.Helper()
	err := Available()
	if err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("Available() = %v", err)
	}
	t.Skipf("bind cannot be intercepted here: %v", err)
}

// tree is a program under the filter, with what it started.
type tree struct {
	pid       int
	stdin     io.WriteCloser
	stdout    *bufio.Reader
	served    chan error // what Serve returned
	ended     chan unix.WaitStatus
	listening chan sockets.Address
	groups    *sockets.Groups
}

// spawn is how a tree is started.
type spawn struct {
	argv    []string
	env     []string
	dir     string
	options Options
	groups  *sockets.Groups
	user    *syscall.Credential
	install func() (*os.File, error)
}

type trees struct {
	mu   sync.Mutex
	next sockets.Owner
}

var owners trees

func (o *trees) new() sockets.Owner {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.next++
	return o.next
}

// start forks from a prepared thread, as the reaper will.
func (s spawn) start(t *testing.T) *tree {
	t.Helper()
	in, stdin := pipe(t)
	stdout, out := pipe(t)
	if s.groups == nil {
		s.groups = sockets.New(sockets.Spread)
		t.Cleanup(s.groups.Close)
	}
	if s.install == nil {
		s.install = Install
	}
	w := &tree{
		stdin:     stdin,
		stdout:    bufio.NewReader(stdout),
		served:    make(chan error, 1),
		ended:     make(chan unix.WaitStatus, 1),
		listening: make(chan sockets.Address, 1000),
		groups:    s.groups,
	}
	attr := &syscall.ProcAttr{
		Dir:   s.dir,
		Env:   append(append(os.Environ(), "GORACE=atexit_sleep_ms=0"), s.env...), // else a second per victim
		Files: []uintptr{in.Fd(), out.Fd(), 2},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	}
	if s.user != nil {
		attr.Sys.Credential = &syscall.Credential{Uid: s.user.Uid, Gid: s.user.Gid, Groups: s.user.Groups}
	}
	var listener *os.File
	err := onThread(func() (err error) {
		if listener, err = s.install(); err != nil {
			return err
		}
		w.pid, err = syscall.ForkExec(s.argv[0], s.argv, attr)
		return err
	})
	in.Close()
	out.Close()
	if err != nil {
		t.Fatalf("start %q: %v", s.argv, err)
	}
	s.serve(t, w, listener)
	return w
}

func (s spawn) serve(t *testing.T, w *tree, listener *os.File) {
	t.Helper()
	owner := owners.new()
	options := s.options
	if options.Share == nil {
		options.Share = func(a sockets.Address) (*sockets.Member, error) { return s.groups.Acquire(owner, a) }
	}
	if options.Listening == nil {
		options.Listening = func(a sockets.Address) { w.listening <- a; _ = s.groups.Online(owner) }
	}
	options.Tree = func() []int { return session(w.pid) }
	options.User = s.user
	options.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	ctx, cancel := context.WithCancel(context.Background())
	go func() { w.served <- Serve(ctx, listener, options) }()
	go func() {
		var status unix.WaitStatus
		for {
			if _, err := unix.Wait4(w.pid, &status, 0, nil); !errors.Is(err, unix.EINTR) {
				break
			}
		}
		w.ended <- status
	}()
	t.Cleanup(func() {
		_ = unix.Kill(-w.pid, unix.SIGKILL)
		w.stdin.Close()
		select {
		case err := <-w.served:
			if err != nil {
				t.Errorf("Serve() = %v", err)
			}
		case <-time.After(patience):
			t.Error("Serve did not return though the tree was killed")
		}
		cancel()
	})
}

func pipe(t *testing.T) (read, write *os.File) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { read.Close(); write.Close() })
	return read, write
}

// session lists the processes of a tree that nothing has left.
func session(leader int) []int {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	var found []int
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		if len(fields) > 3 && fields[3] == strconv.Itoa(leader) {
			pid, _ := strconv.Atoi(strings.Split(path, "/")[2])
			found = append(found, pid)
		}
	}
	return found
}

// wish is one step of a victim.
type wish struct {
	Do      string // bind (default), net, exec, bad, close, child, threads, reuse
	Family  int
	Kind    int // of socket(2), with its flags
	IP      string
	Port    int
	Ports   []int
	Path    string
	V6Only  *int
	Reuse   bool // SO_REUSEPORT
	Mute    bool // no listen
	Backlog int
	Argv    []string
	Times   int
}

// outcome is what a victim saw.
type outcome struct {
	Errno    int
	Nonblock bool
	Cloexec  bool
	V6Only   int
	Name     string
	Inode    uint64
	Text     string
}

func script(wishes []wish) string {
	text, err := json.Marshal(wishes)
	if err != nil {
		panic(err)
	}
	return victimVariable + "=" + string(text)
}

// startVictim runs this binary with wishes under the filter.
func (s spawn) startVictim(t *testing.T, wishes ...wish) *tree {
	t.Helper()
	s.argv = []string{self(t), "victim"}
	s.env = append(s.env, script(wishes))
	return s.start(t)
}

func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// outcome reads the next one.
func (w *tree) outcome(t *testing.T) outcome {
	t.Helper()
	line, err := w.stdout.ReadBytes('\n')
	if err != nil {
		t.Fatalf("victim's outcome: %v", err)
	}
	var o outcome
	if err := json.Unmarshal(line, &o); err != nil {
		t.Fatalf("victim's outcome %q: %v", line, err)
	}
	return o
}

// ready waits for an address.
func (w *tree) ready(t *testing.T) sockets.Address {
	t.Helper()
	select {
	case a := <-w.listening:
		return a
	case status := <-w.ended:
		t.Fatalf("ended (%v) before it listened", status)
	case <-time.After(patience):
		t.Fatal("did not listen")
	}
	return sockets.Address{}
}

// quit lets the victim end, and waits for its tree.
func (w *tree) quit(t *testing.T) {
	t.Helper()
	w.stdin.Close()
	if status := <-w.ended; !status.Exited() || status.ExitStatus() != 0 {
		t.Errorf("victim ended with %v", status)
	}
	err := <-w.served
	if err != nil {
		t.Errorf("Serve() = %v, want nil at the end of the tree", err)
	}
	w.served <- err
}

// ask makes a connection and reads all that comes.
func ask(network, address, say string) (string, error) {
	conn, err := net.DialTimeout(network, address, patience)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if say != "" {
		if _, err := io.WriteString(conn, say); err != nil {
			return "", err
		}
	}
	if network == "udp" {
		buffer := make([]byte, 100)
		n, err := conn.Read(buffer)
		return string(buffer[:n]), err
	}
	text, err := io.ReadAll(conn)
	return string(text), err
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.After(patience)
	for !done() {
		select {
		case <-deadline:
			t.Fatalf("never: %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func memberInode(t *testing.T, m *sockets.Member) uint64 {
	t.Helper()
	var stat unix.Stat_t
	if err := unix.Fstat(m.Descriptor(), &stat); err != nil {
		t.Fatal(err)
	}
	return stat.Ino
}

func local(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
