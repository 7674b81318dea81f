package intercept

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"gorun/deploy/scenarios/freeport"
	"gorun/supervisor/sockets"
)

const (
	stream   = unix.SOCK_STREAM
	nonblock = unix.SOCK_NONBLOCK
	cloexecs = unix.SOCK_CLOEXEC
)

func only(port int) func(sockets.Address) bool {
	return func(a sockets.Address) bool { return a.Port == port }
}

func TestTCPv4SocketBecomesAMember(t *testing.T) {
	require(t)
	port := freeport.Take(t)
	w := spawn{}.startVictim(t, wish{Family: unix.AF_INET, Kind: stream, IP: "127.0.0.1", Port: port})
	o := w.outcome(t)
	if o.Errno != 0 || o.Name != local(port) {
		t.Fatalf("victim saw %+v", o)
	}
	a := w.ready(t)
	m, err := w.groups.Acquire(owners.next, a)
	if err != nil || memberInode(t, m) != o.Inode {
		t.Errorf("victim has inode %d, not the member's (%v)", o.Inode, err)
	}
	if text, err := ask("tcp", local(port), ""); text != strconv.Itoa(w.pid) {
		t.Errorf("answer %q (%v), want pid %d", text, err, w.pid)
	}
	w.quit(t)
}

func TestThreeWorkersShareOnePort(t *testing.T) {
	require(t)
	port := freeport.Take(t)
	groups := sockets.New(sockets.Spread)
	t.Cleanup(groups.Close)
	pids := map[string]bool{}
	for range 3 {
		w := spawn{groups: groups}.startVictim(t, wish{Do: "net", IP: "", Port: port})
		if o := w.outcome(t); o.Errno != 0 || !o.Nonblock || !o.Cloexec {
			t.Fatalf("victim saw %+v", o)
		}
		w.ready(t)
		pids[strconv.Itoa(w.pid)] = true
	}
	answered := map[string]int{}
	for range 300 {
		text, err := ask("tcp", local(port), "")
		if !pids[text] {
			t.Fatalf("answer %q (%v)", text, err)
		}
		answered[text]++
	}
	if len(answered) != 3 {
		t.Errorf("answers came from %v, want all of %v", answered, pids)
	}
}

func TestDescriptorKeepsItsFlags(t *testing.T) {
	require(t)
	for _, flags := range []int{0, nonblock, cloexecs, nonblock | cloexecs} {
		port := freeport.Take(t)
		w := spawn{}.startVictim(t, wish{Family: unix.AF_INET, Kind: stream | flags, IP: "0.0.0.0", Port: port})
		o := w.outcome(t)
		if o.Nonblock != (flags&nonblock != 0) || o.Cloexec != (flags&cloexecs != 0) || o.Errno != 0 {
			t.Errorf("with flags %o victim saw %+v", flags, o)
		}
	}
}

func TestIPv6OnlyIsCopied(t *testing.T) {
	require(t)
	yes, no, unset := 1, 0, 0
	if v6OnlyByDefault() {
		unset = 1
	}
	for _, test := range []struct {
		name string
		set  *int
		want int
	}{{"only", &yes, 1}, {"dual stack", &no, 0}, {"default", nil, unset}} {
		t.Run(test.name, func(t *testing.T) {
			port := freeport.Take(t)
			w := spawn{}.startVictim(t, wish{Family: unix.AF_INET6, Kind: stream, IP: "::", Port: port, V6Only: test.set})
			o := w.outcome(t)
			if o.Errno != 0 || o.V6Only != test.want {
				t.Fatalf("victim saw %+v", o)
			}
			if a := w.ready(t); a.V6Only != (test.want == 1) {
				t.Errorf("address %+v", a)
			}
			if _, err := ask("tcp6", fmt.Sprintf("[::1]:%d", port), ""); err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
				t.Errorf("over IPv6: %v", err)
			}
			if _, err := ask("tcp4", local(port), ""); (err == nil) != (test.want == 0) {
				t.Errorf("over IPv4: %v", err)
			}
		})
	}
}

func TestUDPIsSharedAndReadyAtBind(t *testing.T) {
	require(t)
	port := freeport.Take(t)
	w := spawn{}.startVictim(t, wish{Family: unix.AF_INET, Kind: unix.SOCK_DGRAM | nonblock, IP: "127.0.0.1", Port: port})
	if o := w.outcome(t); o.Errno != 0 || !o.Nonblock {
		t.Fatalf("victim saw %+v", o)
	}
	if a := w.ready(t); a.Kind != sockets.UDP {
		t.Errorf("listening on %+v", a)
	}
	if text, err := ask("udp", local(port), "hello"); text != "hello" {
		t.Errorf("echo %q (%v)", text, err)
	}
}

func TestUnixPathIsShared(t *testing.T) {
	require(t)
	dir := t.TempDir()
	groups := sockets.New(sockets.Spread)
	t.Cleanup(groups.Close)
	for _, path := range []string{filepath.Join(dir, "s"), "s", "./s"} {
		w := spawn{groups: groups, dir: dir}.startVictim(t, wish{Family: unix.AF_UNIX, Kind: stream, Path: path})
		if o := w.outcome(t); o.Errno != 0 {
			t.Fatalf("at %q victim saw %+v", path, o)
		}
		if a := w.ready(t); a.Path != filepath.Join(dir, "s") {
			t.Errorf("listening on %+v", a)
		}
	}
	if _, err := ask("unix", filepath.Join(dir, "s"), ""); err != nil {
		t.Error(err)
	}
}

func TestWhatIsNotSharedIsLeftAlone(t *testing.T) {
	require(t)
	port, other := freeport.Take(t), freeport.Take(t)
	unshared := Options{
		Wanted: only(port),
		Share: func(a sockets.Address) (*sockets.Member, error) {
			t.Errorf("Share(%v)", a)
			return nil, unix.EADDRINUSE
		},
	}
	for _, test := range []struct {
		name string
		wish wish
	}{
		{"port 0", wish{Family: unix.AF_INET, Kind: stream, IP: "127.0.0.1"}},
		{"port that is not the app's", wish{Family: unix.AF_INET, Kind: stream, IP: "127.0.0.1", Port: other}},
		{"abstract name", wish{Family: unix.AF_UNIX, Kind: stream, Path: "@gorun-test-" + strconv.Itoa(other)}},
		{"datagrams at a path", wish{Family: unix.AF_UNIX, Kind: unix.SOCK_DGRAM, Path: filepath.Join(t.TempDir(), "d")}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := spawn{options: unshared}.startVictim(t, test.wish)
			if o := w.outcome(t); o.Errno != 0 {
				t.Errorf("victim saw %+v", o)
			}
			if len(w.listening) != 0 {
				t.Errorf("listening on %v", <-w.listening)
			}
		})
	}
}

func TestListeningIsToldOnce(t *testing.T) {
	require(t)
	port := freeport.Take(t)
	at := wish{Family: unix.AF_INET, Kind: stream, IP: "127.0.0.1", Port: port}
	w := spawn{}.startVictim(t, at, wish{Do: "close"}, at)
	for range 3 {
		if o := w.outcome(t); o.Errno != 0 {
			t.Errorf("victim saw %+v", o)
		}
	}
	w.quit(t)
	if w.ready(t); len(w.listening) != 0 {
		t.Errorf("reported again: %v", <-w.listening)
	}
}

func TestBoundIsNotListening(t *testing.T) {
	require(t)
	port := freeport.Take(t)
	w := spawn{}.startVictim(t, wish{Family: unix.AF_INET, Kind: stream, IP: "127.0.0.1", Port: port, Mute: true})
	w.outcome(t)
	if _, err := ask("tcp", local(port), ""); err == nil {
		t.Error("the port answers though its worker does not listen")
	}
	if w.quit(t); len(w.listening) != 0 {
		t.Errorf("listening on %v", <-w.listening)
	}
}

func TestObservingChangesNothing(t *testing.T) {
	require(t)
	port := freeport.Take(t)
	at := wish{Family: unix.AF_INET, Kind: stream, IP: "127.0.0.1", Port: port}
	beside := wish{Family: unix.AF_INET, Kind: stream, IP: "127.0.0.1", Port: freeport.Take(t)}
	w := spawn{options: Options{Observe: true, Wanted: only(port)}}.startVictim(t, beside, at, at)
	for i, want := range []unix.Errno{0, 0, unix.EADDRINUSE} {
		if o := w.outcome(t); o.Errno != int(want) {
			t.Errorf("step %d: victim saw %+v", i, o)
		}
	}
	if a := w.ready(t); a.Port != port {
		t.Errorf("listening on %v", a)
	}
	if w.quit(t); len(w.listening) != 0 || len(w.groups.Addresses()) != 0 {
		t.Errorf("something else listens, or is shared: %v", w.groups.Addresses())
	}
}

func TestAddressOfTheSameTreeIsInUse(t *testing.T) {
	require(t)
	port := freeport.Take(t)
	at := wish{Family: unix.AF_INET, Kind: stream, IP: "127.0.0.1", Port: port}
	anyone := wish{Family: unix.AF_INET, Kind: stream, IP: "0.0.0.0", Port: port}
	reuse := at
	reuse.Reuse = true
	inUse := int(unix.EADDRINUSE)
	for _, test := range []struct {
		name   string
		wishes []wish
		want   []int
	}{
		{"second socket", []wish{at, at}, []int{0, inUse}},
		{"second socket for any address", []wish{at, anyone}, []int{0, inUse}},
		{"another program", []wish{at, {Do: "child", Argv: []string{steps(at)}}}, []int{0, inUse}},
		{"after it was closed", []wish{at, {Do: "close"}, at}, []int{0, 0, 0}},
		{"another program after it was closed", []wish{at, {Do: "close"}, {Do: "child", Argv: []string{steps(at)}}}, []int{0, 0, 0}},
		{"the bound socket again", []wish{at, withDo(anyone, "rebind")}, []int{0, int(unix.EINVAL)}},
		{"SO_REUSEPORT on both", []wish{reuse, reuse, {Do: "child", Argv: []string{steps(reuse)}}}, []int{0, 0, 0}},
		{"SO_REUSEPORT on one", []wish{at, reuse}, []int{0, inUse}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := spawn{}.startVictim(t, test.wishes...)
			for i, want := range test.want {
				if o := w.outcome(t); o.Errno != want {
					t.Errorf("step %d: victim saw %+v, want %v", i, o, unix.Errno(want))
				}
			}
		})
	}
}

func steps(wishes ...wish) string {
	_, text, _ := strings.Cut(script(wishes), "=")
	return text
}

func withDo(w wish, do string) wish {
	w.Do = do
	return w
}

func TestForeignListenerIsInUse(t *testing.T) {
	require(t)
	port := freeport.Take(t)
	at := wish{Family: unix.AF_INET, Kind: stream, IP: "127.0.0.1", Port: port}
	alone := spawn{options: Options{Wanted: only(-1)}}.startVictim(t, at)
	alone.outcome(t)
	w := spawn{}.startVictim(t, at)
	if o := w.outcome(t); o.Errno != int(unix.EADDRINUSE) {
		t.Errorf("victim saw %+v", o)
	}
}

func TestBadArgumentsGetTheKernelsError(t *testing.T) {
	require(t)
	w := spawn{}.startVictim(t, wish{Do: "bad"})
	for i, want := range []unix.Errno{
		unix.EFAULT, unix.EFAULT, unix.EFAULT, unix.EFAULT, unix.EINVAL, unix.EINVAL, unix.EINVAL, unix.EBADF, unix.ENOTSOCK,
	} {
		if o := w.outcome(t); o.Errno != int(want) {
			t.Errorf("call %d: %v, want %v", i, unix.Errno(o.Errno), want)
		}
	}
}

func TestManyThreadsBindAtOnce(t *testing.T) {
	require(t)
	const many = 200
	w := wish{Do: "threads", Family: unix.AF_INET, Kind: stream | nonblock, IP: "127.0.0.1"}
	for range many {
		w.Ports = append(w.Ports, freeport.Take(t))
	}
	tree := spawn{}.startVictim(t, w)
	for i := range many {
		if o := tree.outcome(t); o.Errno != 0 && int(unix.EADDRINUSE) != o.Errno || o.Errno == 0 && o.Name != local(w.Ports[i]) {
			t.Errorf("thread %d saw %+v", i, o)
		}
	}
	tree.quit(t)
}

func TestKilledCallerIsForgotten(t *testing.T) {
	require(t)
	port := freeport.Take(t)
	groups := sockets.New(sockets.Spread)
	t.Cleanup(groups.Close)
	asked := make(chan int)
	killed := make(chan struct{})
	s := spawn{groups: groups, options: Options{Share: func(a sockets.Address) (*sockets.Member, error) {
		asked <- a.Port
		<-killed
		return groups.Acquire(owners.next, a)
	}}}
	w := s.startVictim(t, wish{Family: unix.AF_INET, Kind: stream, IP: "127.0.0.1", Port: port})
	<-asked
	_ = unix.Kill(w.pid, unix.SIGKILL)
	<-w.ended
	close(killed)
	if err := <-w.served; err != nil {
		t.Errorf("Serve() = %v", err)
	}
	w.served <- nil
}

// TestInterruptedCallerAsksAgain is about kernels without WAIT_KILLABLE_RECV.
func TestInterruptedCallerAsksAgain(t *testing.T) {
	require(t)
	groups := sockets.New(sockets.Spread)
	t.Cleanup(groups.Close)
	owner := owners.new()
	pid := make(chan int, 1)
	victim := 0
	asked := 0
	s := spawn{groups: groups, install: installInterruptible, options: Options{Share: func(a sockets.Address) (*sockets.Member, error) {
		if victim == 0 {
			victim = <-pid
		}
		asked++
		_ = unix.Kill(victim, unix.SIGUSR1)
		return groups.Acquire(owner, a)
	}}}
	var wishes []wish
	for range 100 {
		wishes = append(wishes, wish{Family: unix.AF_INET, Kind: stream, IP: "127.0.0.1", Port: freeport.Take(t), Mute: true}, wish{Do: "close"})
	}
	w := s.startVictim(t, wishes...)
	pid <- w.pid
	for i := range wishes {
		if o := w.outcome(t); o.Errno != 0 {
			t.Errorf("step %d: victim saw %+v", i, o)
		}
	}
	w.quit(t)
	t.Logf("asked %d times for 100 addresses", asked)
}

func installInterruptible() (*os.File, error) {
	program, err := nativeFilter()
	if err != nil {
		return nil, err
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return nil, err
	}
	fd, err := install(program, filterFlags[2:])
	if err != nil {
		return nil, err
	}
	err = unix.SetNonblock(fd, true)
	return os.NewFile(uintptr(fd), "listener"), err
}

func TestSecondListenerIsRefused(t *testing.T) {
	require(t)
	err := onThread(func() error {
		listener, err := Install()
		if err != nil {
			return err
		}
		defer listener.Close()
		_, err = Install()
		if err == nil || !strings.Contains(err.Error(), "outer supervisor") {
			t.Errorf("Install() under a filter = %v", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestWorkersOfAnotherUser runs itself without CAP_SYS_PTRACE, as root is in a
// container: only workers' own rights open their memory.
func TestWorkersOfAnotherUser(t *testing.T) {
	require(t)
	if os.Geteuid() != 0 {
		t.Skip("only root has workers of another user")
	}
	const marker = "GORUN_TEST_WITHOUT_PTRACE"
	if os.Getenv(marker) == "" {
		withoutPtrace(t, marker)
		return
	}
	if mayTrace() {
		t.Fatal("CAP_SYS_PTRACE is still there")
	}
	port := freeport.Take(t)
	dir := openDir(t)
	user := &syscall.Credential{Uid: 1000, Gid: 1000}
	denied := filepath.Join(t.TempDir(), "s") // root's
	if err := os.Chmod(filepath.Dir(denied), 0o700); err != nil {
		t.Fatal(err)
	}
	w := spawn{user: user}.startVictim(
		t,
		wish{Family: unix.AF_INET6, Kind: stream, IP: "::", Port: port},
		wish{Family: unix.AF_UNIX, Kind: stream, Path: filepath.Join(dir, "s")},
		wish{Family: unix.AF_UNIX, Kind: stream, Path: denied},
		wish{Family: unix.AF_INET6, Kind: stream, IP: "::", Port: port},
	)
	for i, want := range []unix.Errno{0, 0, unix.EACCES, unix.EADDRINUSE} {
		if o := w.outcome(t); o.Errno != int(want) {
			t.Errorf("step %d: victim saw %+v, want %v", i, o, want)
		}
	}
	w.ready(t)
	var stat unix.Stat_t
	if err := unix.Stat(filepath.Join(dir, "s"), &stat); err != nil || stat.Uid != 1000 {
		t.Errorf("the socket file belongs to %d (%v)", stat.Uid, err)
	}
	if dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); dumpable != 1 || err != nil {
		t.Errorf("gorun's dumpable attribute is %d (%v)", dumpable, err)
	}
	w.quit(t)
}

// openDir is for all users, unlike t.TempDir, which is below a closed one.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "gorun") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

func withoutPtrace(t *testing.T, marker string) {
	t.Helper()
	// The test binary must be readable and executable for the workers' user.
	path := filepath.Join(openDir(t), "test")
	text, err := os.ReadFile(self(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o755); err != nil {
		t.Fatal(err)
	}
	var pid int
	err = onThread(func() (err error) {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_SYS_PTRACE, 0, 0, 0); err != nil {
			return err
		}
		argv := []string{path, "-test.run=^" + t.Name() + "$", "-test.v"}
		pid, err = syscall.ForkExec(path, argv, &syscall.ProcAttr{
			Env: append(os.Environ(), marker+"=1"), Files: []uintptr{0, 1, 2},
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var status unix.WaitStatus
	if _, err := unix.Wait4(pid, &status, 0, nil); err != nil || status.ExitStatus() != 0 {
		t.Errorf("without CAP_SYS_PTRACE: %v (%v)", status.ExitStatus(), err)
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	require(t)
	port := freeport.Take(t)
	rounds := func(number int) func(*testing.T) {
		return func(t *testing.T) {
			t.Helper()
			for range number {
				w := spawn{}.startVictim(t, wish{Family: unix.AF_INET6, Kind: stream, IP: "::", Port: port})
				w.outcome(t)
				w.quit(t)
				w.groups.Close()
			}
		}
	}
	t.Run("warm up", rounds(1))
	goroutines, files, threads := runtime.NumGoroutine(), count(t, "/proc/self/fd"), count(t, "/proc/self/task")
	t.Run("rounds", rounds(leakRounds))
	eventually(t, "as many goroutines as before", func() bool { return runtime.NumGoroutine() <= goroutines })
	eventually(t, "as many descriptors as before", func() bool { return count(t, "/proc/self/fd") <= files })
	eventually(t, "about as many threads as before", func() bool { return count(t, "/proc/self/task") <= threads+5 })
}

func count(t *testing.T, dir string) int {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestServeEndsWithItsContext(t *testing.T) {
	require(t)
	var listener *os.File
	release := make(chan struct{})
	installed, ended := make(chan error, 1), make(chan error, 1)
	go func() {
		ended <- onThread(func() (err error) {
			listener, err = Install()
			installed <- err
			<-release
			return unix.Bind(-1, &unix.SockaddrUnix{Name: "@never"})
		})
	}()
	if err := <-installed; err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, listener, Options{}) }()
	cancel()
	if err := <-served; !errors.Is(err, context.Canceled) {
		t.Errorf("Serve() = %v", err)
	}
	close(release)
	if err := <-ended; !errors.Is(err, unix.ENOSYS) {
		t.Errorf("bind(2) without a server: %v, want ENOSYS", err)
	}
}

// BenchmarkNote is what a program pays for each IPV6_V6ONLY that it sets.
func BenchmarkNote(b *testing.B) {
	if err := Available(); err != nil {
		b.Skip(err)
	}
	fd, err := unix.Socket(unix.AF_INET6, stream|cloexecs, 0)
	if err != nil {
		b.Skip(err)
	}
	defer unix.Close(fd)
	served := make(chan error, 1)
	err = onThread(func() error {
		listener, err := Install()
		if err != nil {
			return err
		}
		go func() { served <- Serve(context.Background(), listener, Options{}) }()
		for b.Loop() {
			if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(err, <-served); err != nil {
		b.Fatal(err)
	}
}
