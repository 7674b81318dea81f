// Package process runs one program as one process tree: start, stop ladder,
// exit. Its tree is everything that is in the program's session or process
// group, descends from it, or was re-parented to gorun and carries its marker
// in its environment.
//
// A Process has no goroutine: Start and Stop run on that of their caller, which
// they keep waiting. RunWithInput has two for its pipes, which end with it. Only
// signals/reaper starts and waits for processes. Nothing may signal a bare pid: one
// that may have been freed is looked at again through a pidfd first.
package process

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"gorun/signals/reaper"
)

// MarkerName is the environment variable by which the processes of one tree are
// recognized, wherever they have been re-parented to.
const MarkerName = "GORUN_WORKER"

// Exit codes for programs that cannot be started, as in shells.
const (
	CodeNotExecutable = 126
	CodeNotFound      = 127
)

// Spec describes a process to start.
type Spec struct {
	Argv   []string // Argv[0] is the path of the program
	Env    []string
	Dir    string
	Stdin  *os.File            // nil: /dev/null, or Input
	Input  *Input              // its standard input, without Stdin; its owner closes it
	Stdout *os.File            // nil: /dev/null
	Stderr *os.File            // nil: /dev/null
	Marker string              // value of MarkerName, unique to this run
	User   *syscall.Credential // nil: gorun's own
	Limits []Limit
	Memory int64 // limit for it and gorun together, in bytes; 0: unknown

	Extra       []*os.File   // become descriptors 3, 4, …
	ListenNames []string     // of the first Extra, where they are sockets to accept on: LISTEN_FDNAMES
	Prepare     func() error // see reaper.Spec
}

// Limit is one resource limit, see setrlimit(2).
type Limit struct {
	Resource   int
	Soft, Hard uint64
}

// Ladder is how a process is stopped.
type Ladder struct {
	Signal       unix.Signal
	Grace        time.Duration        // from Signal to SIGKILL
	Extend       <-chan time.Duration // the program asks for so much time, from now; nil: it cannot
	MainOnly     bool                 // stop only the program, not the rest of the tree
	ShutdownSent bool                 // the program was asked to end in another way: Signal is for the processes it leaves behind

	// Clients returns the clients that the tree serves; nil, both: there are none. Signal
	// is then sent between two requests of theirs, if such a moment comes.
	Clients   func() Clients
	Signalled func() // is called once Signal is sent; nil: nobody needs to know. It must not wait
}

// Process is a running program with its tree. Its methods are for one
// goroutine, except Signal, Members and Input.
type Process struct {
	child  *reaper.Child
	reaper *reaper.Reaper
	family processTree
	input  *Input
}

// Start starts the program in a session of its own. It returns once the
// program has been executed; CodeOf returns the exit code for an error.
func Start(r *reaper.Reaper, spec Spec) (*Process, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Argv[0], err)
	}
	defer null.Close()
	request, err := spec.request(null)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Argv[0], err)
	}
	var child *reaper.Child
	if spec.needsExecHelper() {
		child, err = launchVia(r, request, spec)
	} else {
		child, err = startOrShell(r, request)
	}
	runtime.KeepAlive(spec) // its files, of which request has only numbers
	if err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	raiseOOMScore(r, child.Pid(), oomScoreBonus(spec.Memory))
	return &Process{child: child, reaper: r, input: spec.Input, family: processTree{
		leader: child.Pid(), started: startTime(r, child.Pid()), marker: spec.Marker, user: spec.User, owns: r.Owns,
	}}, nil
}

// request is what the reaper starts; without limits, which take a step between fork
// and exec, see Launch.
func (s Spec) request(null *os.File) (reaper.Spec, error) {
	request := reaper.Spec{
		Path: s.Argv[0], Argv: s.Argv, Env: withMarker(s.Env, s.Marker), Dir: s.Dir,
		Sys: syscall.SysProcAttr{Setsid: true}, Prepare: s.Prepare,
	}
	stdin := s.Stdin
	if stdin == nil && s.Input != nil {
		stdin = s.Input.File()
	}
	for _, file := range slices.Concat([]*os.File{stdin, s.Stdout, s.Stderr}, s.Extra) {
		if file == nil {
			file = null
		}
		number, err := descriptor(file)
		if err != nil {
			return reaper.Spec{}, err
		}
		request.Files = append(request.Files, number)
	}
	if !s.needsExecHelper() {
		request.Sys.Credential = s.User
	}
	return request, nil
}

// needsExecHelper reports whether something must be set that only the process can set for
// itself, between fork and exec.
func (s Spec) needsExecHelper() bool { return len(s.Limits) > 0 || len(s.ListenNames) > 0 }

// startTime returns when a child was started, or 0 if it has ended.
func startTime(r *reaper.Reaper, pid int) uint64 {
	e, err := readEntry(strconv.Itoa(pid))
	if err != nil || !r.Owns(pid) {
		return 0
	}
	return e.started
}

// descriptor returns the file's number. Unlike File.Fd it does not change the blocking
// mode, which all processes share that have the file open.
func descriptor(file *os.File) (uintptr, error) {
	raw, err := file.SyscallConn()
	if err != nil {
		return 0, fmt.Errorf("descriptor of %s: %w", file.Name(), err)
	}
	var number uintptr
	if err := raw.Control(func(fd uintptr) { number = fd }); err != nil {
		return 0, fmt.Errorf("descriptor of %s: %w", file.Name(), err)
	}
	return number, nil
}

// CodeOf returns the exit code of a program that could not be started: 127 when it does
// not exist, else 126.
func CodeOf(err error) int {
	if errors.Is(err, fs.ErrNotExist) {
		return CodeNotFound
	}
	return CodeNotExecutable
}

// Limits of what is added to gorun's own oom_score_adj for its children.
const (
	ownSize  = 24 << 20 // bytes: gorun in a small container stays below
	minBonus = 100
	maxBonus = 1000
)

// oomScoreBonus makes a child of any size, with so many bytes of memory for all, the
// OOM killer's choice before its supervisor: each unit of oom_score_adj counts as a
// thousandth of that memory (oom_badness in mm/oom_kill.c). No more than that, for
// it counts against the processes of other containers, too.
func oomScoreBonus(memory int64) int {
	if memory <= 0 {
		return minBonus
	}
	return int(min(max(ownSize*1000/memory+1, minBonus), maxBonus))
}

// raiseOOMScore is best effort: where /proc does not allow it, nothing is lost.
func raiseOOMScore(r *reaper.Reaper, pid, bonus int) {
	own, err := readNumber("/proc/self/oom_score_adj")
	if err != nil || CheckProc() != nil {
		return
	}
	file, err := os.OpenFile("/proc/"+strconv.Itoa(pid)+"/oom_score_adj", os.O_WRONLY, 0)
	if err != nil {
		return
	}
	defer file.Close()
	if r.Owns(pid) { // not reaped: so the file, which was opened before, is the child's
		_, _ = file.WriteString(strconv.Itoa(min(own+bonus, 1000)))
	}
}

// Pid returns the process id of the program itself.
func (p *Process) Pid() int { return p.child.Pid() }

// Exited is closed when the program itself has ended; other processes of its tree may
// live on.
func (p *Process) Exited() <-chan struct{} { return p.child.Exited() }

// Status is how the program ended, once Exited is closed.
func (p *Process) Status() reaper.Status { return p.child.Status() }

// Input is where its standard input is written to; nil: nowhere.
func (p *Process) Input() *Input { return p.input }

// Members returns the process ids of the tree.
func (p *Process) Members() []int {
	return pids(p.family.members(processTable()))
}

// Trees returns the process ids of each tree, from one read of the process table.
func Trees(all []*Process) [][]int {
	if len(all) == 0 {
		return nil
	}
	table := processTable()
	trees := make([][]int, len(all))
	for i, p := range all {
		trees[i] = pids(p.family.members(table))
	}
	return trees
}

// Stop ends the tree: signal, grace, SIGKILL. When ctx ends during the grace, SIGKILL
// follows at once. It returns when no process is left, and whether SIGKILL was needed.
// Once the program itself has ended, Stop ends the processes that it left behind.
func (p *Process) Stop(ctx context.Context, ladder Ladder) (forced bool) {
	var all tree = &p.family
	if ladder.MainOnly {
		all = programOnly{p.child}
	}
	return runLadder(ctx, termination{deaths: p.reaper.OrphanReaped, child: p.child, tree: all}, ladder)
}
