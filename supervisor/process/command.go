package process

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"gorun/signals/reaper"
	"gorun/supervisor/usage"
)

// Command is one program under init, as `gorun exec` runs it: with gorun's own
// terminal, descriptors and environment.
type Command struct {
	Argv      []string
	Environ   []string
	Grace     time.Duration // for what the command leaves behind
	Limit     time.Duration // from SIGTERM to SIGKILL for the command itself; 0 = its own time
	ChildOnly bool          // forward signals to the command alone, not to its whole tree
	Log       *slog.Logger

	Rewrite map[unix.Signal]unix.Signal // what is forwarded in place of a signal; 0 = nothing
	Started func()                      // called once the command is running; nil: nothing to do
}

// Run runs the command to its end, forwards the signals it receives, ends what the
// command leaves behind, and returns the exit code.
func (c Command) Run(r *reaper.Reaper, signals <-chan unix.Signal) int {
	path, err := lookUp(c.Argv[0], c.Environ)
	if err != nil {
		c.Log.Error("cannot run command", "command", c.Argv[0], "error", err)
		return CodeOf(err)
	}
	if err := CheckProc(); err != nil {
		c.Log.Warn("cannot see process trees: signals reach the command's process group only, and what it leaves behind is not ended", "error", err)
	}
	inherited := inheritedDescriptors()
	terminal := foreground()
	child, err := c.start(r, path, terminal)
	if err != nil {
		c.Log.Error("cannot run command", "command", c.Argv[0], "error", err)
		return CodeOf(err)
	}
	for _, fd := range inherited {
		unix.Close(fd)
	}
	if c.Started != nil {
		c.Started()
	}
	trimming := time.AfterFunc(trimDelay, c.trimMemory)
	code := c.forwardUntilExit(child, signals)
	trimming.Stop()
	c.endLeftBehind(r, signals)
	terminal.takeBack()
	return code
}

// trimDelay is how long a command must run until gorun takes it for a long one.
const trimDelay = time.Second

// trimMemory gives back the memory that gorun's own start needed. That holds up
// neither a short command nor the signals for a long one.
func (c Command) trimMemory() {
	if err := usage.Trim(); err != nil {
		c.Log.Debug("cannot give back the memory of the start", "error", err)
	}
}

// start gives the command a process group of its own, so that a signal from
// the terminal reaches it once, and the terminal's foreground if gorun has it.
func (c Command) start(r *reaper.Reaper, path string, terminal terminal) (*reaper.Child, error) {
	spec := reaper.Spec{Path: path, Argv: c.Argv, Env: c.Environ, Files: []uintptr{0, 1, 2}}
	spec.Sys = syscall.SysProcAttr{Setpgid: true}
	if !terminal.ours {
		return startOrShell(r, spec)
	}
	spec.Sys.Foreground = true
	child, err := startOrShell(r, spec)
	if err == nil || !refused(err) {
		return child, err
	}
	spec.Sys.Foreground = false
	if child, err = startOrShell(r, spec); err == nil {
		c.Log.Warn("the terminal stays with gorun: it cannot be given to the command")
	}
	return child, err
}

// forwardUntilExit forwards signals until the command has ended.
func (c Command) forwardUntilExit(child *reaper.Child, signals <-chan unix.Signal) int {
	var whole tree = descendants{}
	if c.ChildOnly {
		whole = programOnly{child}
	}
	var limit <-chan time.Time
	for {
		select {
		case <-child.Exited():
			return child.Status().ExitCode()
		case sig := <-signals:
			c.forward(whole, child, sig)
			if sig == unix.SIGTERM && c.Limit > 0 && limit == nil {
				limit = time.After(c.Limit)
			}
		case <-limit:
			limit = nil
			whole.signal(child, unix.SIGKILL)
		}
	}
}

func (c Command) forward(to tree, child *reaper.Child, sig unix.Signal) {
	if other, found := c.Rewrite[sig]; found {
		sig = other
	}
	if sig != 0 {
		to.signal(child, sig)
	}
}

// endLeftBehind ends what the command left behind. A signal to stop cuts the grace
// short.
func (c Command) endLeftBehind(r *reaper.Reaper, signals <-chan unix.Signal) {
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() {
		defer cancel()
		for {
			select {
			case sig := <-signals:
				if sig == unix.SIGTERM || sig == unix.SIGINT {
					cancel() // and go on reading: the sender must not wait
				}
			case <-over:
				return
			}
		}
	}()
	EndAll(ctx, r, Ladder{Signal: unix.SIGTERM, Grace: c.Grace})
	close(over)
	<-ctx.Done()
}

// lookUp finds the command as execvp(3) does: a name without a slash in PATH.
func lookUp(name string, environ []string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	missing := fmt.Errorf("%q is not in PATH: %w", name, fs.ErrNotExist)
	if name == "" {
		return "", missing
	}
	for dir := range strings.SplitSeq(searchPath(environ), ":") {
		path := filepath.Join(dir, name)
		if !strings.Contains(path, "/") {
			path = "./" + path
		}
		err := executable(path)
		if err == nil {
			return path, nil
		}
		if errors.Is(err, fs.ErrPermission) {
			missing = err
		}
	}
	return "", missing
}

// searchPath returns PATH, or the default of C libraries, see execvp(3).
func searchPath(environ []string) string {
	for _, one := range environ {
		if value, found := strings.CutPrefix(one, "PATH="); found {
			return value
		}
	}
	return "/bin:/usr/bin"
}

func executable(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		// A directory of PATH that may not be searched does not hide a command.
		return fmt.Errorf("%s: %w", path, fs.ErrNotExist)
	}
	if info.IsDir() || unix.Access(path, unix.X_OK) != nil {
		return fmt.Errorf("%s: %w", path, fs.ErrPermission)
	}
	return nil
}

// inheritedDescriptors lists those above stderr that gorun was started with and
// that a child inherits. All that gorun opens itself is close-on-exec.
func inheritedDescriptors() []int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil
	}
	var inherited []int
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil || fd <= unix.Stderr {
			continue
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 {
			inherited = append(inherited, fd)
		}
	}
	return inherited
}

// SetCloseOnExec makes sure that no worker inherits the descriptors above stderr
// with which gorun itself was started.
func SetCloseOnExec() {
	for _, fd := range inheritedDescriptors() {
		unix.CloseOnExec(fd)
	}
}
