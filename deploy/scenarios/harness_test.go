//go:build scenarios

package scenarios_test

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// gorunBinary and workerBinary are built once, statically, unless the variables
// GORUN_SCENARIO_BINARY and GORUN_SCENARIO_WORKER name others.
var gorunBinary, workerBinary string

// buildDir is where other programs are built; everybody may read it. All that the
// tests write is below it.
var buildDir string

func TestMain(m *testing.M) {
	if run := os.Getenv(sweeperVariable); run != "" {
		sweep(run)
		return
	}
	os.Exit(runAll(m))
}

func runAll(m *testing.M) int {
	expectDefaults()
	dir, err := os.MkdirTemp("", "gs") // short: the paths of sockets are below it
	if err != nil {
		panic(err)
	}
	s, err := startSweeper(dir)
	if err != nil {
		panic(err)
	}
	defer s.finish()
	// Other users run the binaries and write here, too.
	if err := os.Chmod(dir, 0o777|os.ModeSticky); err != nil { //nolint:gosec // meant to be open
		panic(err)
	}
	if err := os.Setenv("TMPDIR", dir); err != nil {
		panic(err)
	}
	buildDir = dir
	gorunBinary, workerBinary = filepath.Join(dir, "gorun"), filepath.Join(dir, "worker")
	noteSources("../..")
	build(&workerBinary, "GORUN_SCENARIO_WORKER", "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", workerBinary, "./testdata/worker")
	build(&gorunBinary, "GORUN_SCENARIO_BINARY", "../../.ci/build", gorunBinary) // as it is shipped
	defer stopDocker()
	return m.Run()
}

// long skips a test that takes half a minute where -short asks for that.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("long: left out with -short")
	}
}

// expectDefaults sees to it that gorun does not inherit what the tests' own
// caller ignores, as nohup(1) does: execve(2) sets a signal that is caught to its
// default.
func expectDefaults() {
	for _, sig := range []os.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU} {
		if signal.Ignored(sig) {
			signal.Notify(make(chan os.Signal, 1), sig)
		}
	}
}

// build runs the command that makes the target, unless the variable names another.
func build(target *string, variable string, command ...string) {
	if path := os.Getenv(variable); path != "" {
		*target = path
		return
	}
	c := exec.Command(command[0], command[1:]...)
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		panic(fmt.Sprintf("%q: %v\n%s", command, err, out))
	}
}

// noteSources looks at what gorun is built from, so that `go test` does not take a
// result from its cache when that has changed: it remembers what a test looked at.
func noteSources(root string) {
	built := map[string]bool{".go": true, ".js": true, ".mod": true, ".sum": true, ".s": true}
	_, _ = os.Stat(filepath.Join(root, ".ci/build"))
	_ = filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		if err == nil && built[filepath.Ext(path)] {
			_, _ = os.Stat(path)
		}
		return nil
	})
}

// mode is how gorun stands towards its children.
type mode string

const (
	pid1      mode = "pid1"      // really process 1, in a PID namespace of its own
	subreaper mode = "subreaper" // an ordinary process
)

// inBothModes runs f as PID 1 and as subreaper.
func inBothModes(t *testing.T, f func(t *testing.T, m mode)) {
	t.Helper()
	for _, m := range []mode{pid1, subreaper} {
		t.Run(string(m), func(t *testing.T) {
			requireMode(t, m)
			f(t, m)
		})
	}
}

func requireMode(t *testing.T, m mode) {
	t.Helper()
	if m != pid1 {
		return
	}
	if err := namespaces(); err != nil {
		missing(t, fmt.Sprintf("no PID namespace here: %v", err))
	}
}

// missing skips a test for want of something, except in CI, where it fails.
func missing(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("required in CI: %s", reason)
	}
	t.Skip(reason)
}

// namespaces tells whether this machine lets us make a PID namespace with a
// /proc of its own.
var namespaces = sync.OnceValue(func() error {
	c := exec.Command(workerBinary, "stage", "-ns", "--", workerBinary, "exit", "0")
	c.SysProcAttr = pid1Attributes()
	out, err := c.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
})

func pid1Attributes() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS}
	if uid := os.Getuid(); uid != 0 {
		attr.Cloneflags |= unix.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}}
		// The mount of /proc needs the capability that exec drops for any uid but 0.
		attr.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN}
	}
	return attr
}

// launch describes one start of gorun. The zero value starts it plainly, with
// stdin at its end.
type launch struct {
	mode          mode
	name          string // gorun by another name: a symlink to it
	args          []string
	env           []string // added to this process's environment
	onlyEnv       []string // instead of this process's environment, when not nil
	dir           string
	around        []string // a command that runs gorun, which it gets as arguments
	stage         []string // what to change before exec: see the worker's "stage"
	stdin, stdout *os.File // nil: nothing to read, and collected
	stderr        *os.File // nil: collected
	extra         []*os.File
	attributes    func(*syscall.SysProcAttr)
}

// gorun is a running gorun.
type gorun struct {
	pid      int
	marker   string // in the environment of all that it starts
	out, err *output
	process  *os.Process
	ended    chan struct{}
	code     int // as a shell says it; valid once ended is closed
	endedAt  time.Time
	startAt  time.Time
}

// start runs gorun and sees to it that nothing of it outlives the test.
func start(t *testing.T, l launch) *gorun {
	t.Helper()
	requireMode(t, l.mode)
	g := &gorun{
		marker: fmt.Sprintf("GORUN_SCENARIO=%s-%d-%d", strings.ReplaceAll(t.Name(), "/", "-"), os.Getpid(), time.Now().UnixNano()),
		out:    newOutput(), err: newOutput(), ended: make(chan struct{}),
	}
	c := l.command(g.marker)
	c.Stdout, c.Stderr = l.stdout, l.stderr
	if l.stdout == nil {
		c.Stdout = g.out.pipe(t)
	}
	if l.stderr == nil {
		c.Stderr = g.err.pipe(t)
	}
	g.startAt = time.Now()
	if err := c.Start(); err != nil {
		t.Fatalf("start %q: %v", c.Args, err)
	}
	g.out.started()
	g.err.started()
	g.process, g.pid = c.Process, c.Process.Pid
	go g.collect(c)
	t.Cleanup(func() { g.clean(t) })
	return g
}

func (l launch) command(marker string) *exec.Cmd {
	argv := slices.Concat(l.around, []string{cmp.Or(l.name, gorunBinary)}, l.args)
	stage := l.stage
	attributes := &syscall.SysProcAttr{}
	if l.mode == pid1 {
		stage = append([]string{"-ns"}, stage...)
		attributes = pid1Attributes()
	}
	if len(stage) > 0 {
		argv = slices.Concat([]string{workerBinary, "stage"}, stage, []string{"--"}, argv)
	}
	if l.attributes != nil {
		l.attributes(attributes)
	}
	c := exec.Command(argv[0], argv[1:]...)
	// Many run at once: each has a control socket of its own.
	base := append(os.Environ(), "GORUN_SOCKET=@gorun-scenario-"+rand.Text())
	if l.onlyEnv != nil {
		base = l.onlyEnv
	}
	c.Env = append(slices.Concat(base, l.env), marker)
	c.Dir, c.ExtraFiles, c.SysProcAttr = l.dir, l.extra, attributes
	if l.stdin != nil {
		c.Stdin = l.stdin
	}
	return c
}

func (g *gorun) collect(c *exec.Cmd) {
	err := c.Wait()
	g.endedAt = time.Now()
	var exit *exec.ExitError
	switch {
	case err == nil:
	case errors.As(err, &exit):
		g.code = shellCode(exit.Sys())
	default:
		g.code = -1
	}
	close(g.ended)
}

func shellCode(sys any) int {
	status, ok := sys.(syscall.WaitStatus)
	switch {
	case !ok:
		return -1
	case status.Signaled():
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}

// patience is how long a scenario waits for what must happen: much longer than it
// takes on a machine that has other things to do.
const patience = 3 * time.Minute

// wait returns gorun's exit code. When it has ended, all of its processes must
// have.
func (g *gorun) wait(t *testing.T) int {
	t.Helper()
	select {
	case <-g.ended:
	case <-time.After(patience):
		t.Fatalf("gorun is still running after %v\n%s", patience, g.report())
	}
	if left := processesWith(g.marker); len(left) > 0 {
		t.Errorf("gorun ended and left %v behind", left)
	}
	for _, stream := range []*output{g.out, g.err} {
		if stream.writer != nil {
			stream.all(t)
		}
	}
	return g.code
}

// signal sends a signal to gorun itself.
func (g *gorun) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := g.process.Signal(sig); err != nil {
		t.Fatalf("signal %v to gorun: %v\n%s", sig, err, g.report())
	}
}

func (g *gorun) running() bool {
	select {
	case <-g.ended:
		return false
	default:
		return true
	}
}

// clean ends what a test left running.
func (g *gorun) clean(t *testing.T) {
	t.Helper()
	if t.Failed() {
		t.Log(g.report())
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		_ = g.process.Kill()
		left := processesWith(g.marker)
		for _, p := range left {
			_ = unix.Kill(p.pid, unix.SIGKILL)
		}
		if len(left) == 0 && !g.running() {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("%v cannot be ended", left)
			return
		}
		<-time.After(2 * time.Millisecond)
	}
}

func (g *gorun) report() string {
	return fmt.Sprintf("gorun's processes: %v\nstdout:\n%s\nstderr:\n%s",
		processesWith(g.marker), shorten(g.out.text()), shorten(g.err.text()))
}

func shorten(text string) string {
	const most = 2000
	if len(text) <= most {
		return text
	}
	return text[:most/2] + "\n[…]\n" + text[len(text)-most/2:]
}

// run starts gorun and waits for its end.
func run(t *testing.T, l launch) *gorun {
	t.Helper()
	g := start(t, l)
	g.wait(t)
	return g
}

// execArgs is the command line of `gorun exec` with the worker's sub-command.
func execArgs(worker ...string) []string {
	return slices.Concat([]string{"exec", "--", workerBinary}, worker)
}

// wantCode fails the test unless gorun ended with that code.
func wantCode(t *testing.T, g *gorun, want int) {
	t.Helper()
	if got := g.wait(t); got != want {
		t.Errorf("gorun's exit code is %d, want %d\n%s", got, want, g.report())
	}
}

// eventually polls until the condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.After(patience)
	for !condition() {
		select {
		case <-deadline:
			t.Fatalf("not within %v: %s", patience, what)
		case <-time.After(2 * time.Millisecond):
		}
	}
}
