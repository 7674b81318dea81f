// Package reaper is the only place that starts, waits for and frees processes. It
// reaps orphans, too: every process that dies as gorun's child. One goroutine, on a
// thread of its own, forks; Reap runs on the goroutine of the signal loop.
package reaper

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Reaper owns all child processes of this process.
type Reaper struct {
	starts chan startRequest

	// mu covers "fork and register" and "wait4 and look up": no child can be
	// collected before it is known, none signalled after its number was freed.
	mu           sync.Mutex
	children     map[int]*Child
	orphans      uint64        // reaped so far
	orphanReaped chan struct{} // closed and replaced when orphans were reaped
	reaped       chan struct{} // the same for children of any kind
}

// Spec describes a process to start.
type Spec struct {
	Path  string
	Argv  []string // Argv[0] included
	Env   []string
	Dir   string
	Files []uintptr // become descriptors 0, 1, 2, …; owned by the caller
	Sys   syscall.SysProcAttr

	// Prepare is run on a thread of its own, from which the process is then
	// forked: what it sets for that thread alone, the process inherits. The
	// program must have locked its main thread, which cannot end, to its main
	// goroutine.
	Prepare func() error
}

// Status is how a child ended.
type Status struct {
	Code   int           // exit code, when Signal is 0
	Signal unix.Signal   // the signal that ended it, or 0
	CPU    time.Duration // user and system time of it and of all children that it waited for
}

// ExitCode returns what a shell would: the code, or 128+n after signal n.
func (s Status) ExitCode() int {
	if s.Signal != 0 {
		return 128 + int(s.Signal)
	}
	return s.Code
}

// Child is a process that was started here.
type Child struct {
	pid    int
	reaper *Reaper
	exited chan struct{}
	status Status
	reaped bool // under the reaper's mu
}

type startRequest struct {
	spec  Spec
	reply chan startReply
}

type startReply struct {
	child *Child
	err   error
}

// New makes this process the parent of orphans: PID 1 is it anyway, any other
// process becomes a child subreaper (prctl(2), PR_SET_CHILD_SUBREAPER). Where that
// is refused New returns an error and a Reaper that reaps no orphans. A process has
// at most one Reaper.
func New() (*Reaper, error) {
	r := &Reaper{
		starts:       make(chan startRequest),
		children:     map[int]*Child{},
		orphanReaped: make(chan struct{}),
		reaped:       make(chan struct{}),
	}
	reserveThreads()
	go r.fork()
	if os.Getpid() != 1 {
		if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
			return r, fmt.Errorf("become subreaper: %w", err)
		}
	}
	return r, nil
}

// fork starts processes, always from the same thread: the kernel sends a
// child its parent death signal when the *thread* that made it ends, and any
// other thread of a Go program may.
func (r *Reaper) fork() {
	runtime.LockOSThread()
	for request := range r.starts {
		child, err := r.register(request.spec)
		request.reply <- startReply{child, err}
	}
}

// forkPrepared starts one process from a thread of its own. The thread is kept
// until the process has ended, for its end would send the death signal.
func (r *Reaper) forkPrepared(request startRequest) {
	runtime.LockOSThread() // never unlocked: no other goroutine may run on what Prepare has made of the thread
	if err := request.spec.Prepare(); err != nil {
		request.reply <- startReply{nil, fmt.Errorf("prepare %s: %w", request.spec.Path, err)}
		return
	}
	child, err := r.register(request.spec)
	request.reply <- startReply{child, err}
	if err == nil && os.Getpid() != 1 {
		<-child.Exited()
	}
}

func (r *Reaper) register(spec Spec) (*Child, error) {
	if os.Getpid() != 1 {
		spec.Sys.Pdeathsig = unix.SIGKILL
	}
	attr := &syscall.ProcAttr{Dir: spec.Dir, Env: spec.Env, Files: spec.Files, Sys: &spec.Sys}
	r.mu.Lock()
	defer r.mu.Unlock()
	pid, err := syscall.ForkExec(spec.Path, spec.Argv, attr)
	if err != nil {
		return nil, startError(spec, err)
	}
	child := &Child{pid: pid, reaper: r, exited: make(chan struct{})}
	r.children[pid] = child
	return child, nil
}

// startError names the step that failed: ForkExec's error does not.
func startError(spec Spec, err error) error {
	if spec.Dir != "" {
		if _, dirErr := os.Stat(spec.Dir); dirErr != nil {
			return fmt.Errorf("working directory: %w", dirErr)
		}
	}
	return &os.PathError{Op: "exec", Path: spec.Path, Err: err}
}

// Start starts a process. It has executed its program when Start returns; an
// error is the one of fork, of the set-up in the child, or of execve.
func (r *Reaper) Start(spec Spec) (*Child, error) {
	reply := make(chan startReply, 1)
	if spec.Prepare != nil {
		go r.forkPrepared(startRequest{spec, reply})
	} else {
		r.starts <- startRequest{spec, reply}
	}
	result := <-reply
	return result.child, result.err
}

// Reap collects all children that have died. Call it on SIGCHLD: the kernel
// merges pending ones, so one signal may stand for many deaths.
func (r *Reaper) Reap() {
	r.mu.Lock()
	defer r.mu.Unlock()
	all, orphans := 0, r.orphans
	for ; ; all++ {
		var wait unix.WaitStatus
		var used unix.Rusage
		pid, err := unix.Wait4(-1, &wait, unix.WNOHANG, &used)
		if err != nil || pid == 0 {
			break
		}
		if child, ours := r.children[pid]; ours {
			delete(r.children, pid)
			child.finish(wait, used)
		} else {
			r.orphans++
		}
	}
	if r.orphans > orphans {
		close(r.orphanReaped)
		r.orphanReaped = make(chan struct{})
	}
	if all > 0 {
		close(r.reaped)
		r.reaped = make(chan struct{})
	}
}

func (c *Child) finish(wait unix.WaitStatus, used unix.Rusage) {
	c.reaped = true
	c.status = Status{CPU: time.Duration(used.Utime.Nano() + used.Stime.Nano())}
	if wait.Signaled() {
		c.status.Signal = wait.Signal()
	} else {
		c.status.Code = wait.ExitStatus()
	}
	close(c.exited)
}

// Orphans returns how many processes were reaped that were not started here.
func (r *Reaper) Orphans() uint64 {
	r.mu.Lock() // waits for a Reap under way: a caller that sees no orphan in /proc sees it counted
	defer r.mu.Unlock()
	return r.orphans
}

// OrphanReaped returns a channel that is closed when an orphan is reaped after this
// call.
func (r *Reaper) OrphanReaped() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.orphanReaped
}

// Reaped returns a channel that is closed when a child, orphan or not, is
// reaped after this call.
func (r *Reaper) Reaped() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reaped
}

// Childless reports whether this process has no descendants: those that lost their
// parent would be its children.
func Childless() bool {
	err := unix.Waitid(unix.P_ALL, 0, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	return errors.Is(err, unix.ECHILD)
}

// Owns reports whether pid is a child that was started here and is not yet reaped.
func (r *Reaper) Owns(pid int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, found := r.children[pid]
	return found
}

// Pid returns the child's process id.
func (c *Child) Pid() int { return c.pid }

// Exited is closed when the child has been reaped.
func (c *Child) Exited() <-chan struct{} { return c.exited }

// Status returns how the child ended. It may be called once Exited is closed.
func (c *Child) Status() Status { return c.status }

// Signal sends sig to the child. It returns os.ErrProcessDone when the child
// has been reaped.
func (c *Child) Signal(sig unix.Signal) error {
	return c.kill(c.pid, sig)
}

// SignalGroup sends sig to the child's process group, of which it must be the
// leader. It returns os.ErrProcessDone when the child has been reaped: from then on
// the number may be another group's.
func (c *Child) SignalGroup(sig unix.Signal) error {
	return c.kill(-c.pid, sig)
}

func (c *Child) kill(target int, sig unix.Signal) error {
	c.reaper.mu.Lock()
	defer c.reaper.mu.Unlock()
	if c.reaped {
		return os.ErrProcessDone
	}
	if err := unix.Kill(target, sig); err != nil {
		return fmt.Errorf("signal %d to %d: %w", int(sig), target, err)
	}
	return nil
}
