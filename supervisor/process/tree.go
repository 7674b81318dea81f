package process

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"gorun/signals/reaper"
)

// tree is a set of processes that are ended together.
type tree interface {
	members(table []entry) []entry         // those alive
	signal(c *reaper.Child, s unix.Signal) // each member once
}

// processTree is the tree of one worker.
type processTree struct {
	leader  int
	started uint64 // the leader's start, in the process table's ticks; 0: unknown
	marker  string
	user    *syscall.Credential
	owns    func(pid int) bool // started by gorun itself, so never an orphan
}

// maxScans bounds how often the table is read again. Each time a process has died
// meanwhile.
const maxScans = 10

func (f *processTree) members(table []entry) []entry {
	living, stale := f.scan(table)
	for scan := 0; stale && scan < maxScans; scan++ {
		living, stale = f.scan(processTable())
	}
	return living
}

// scan finds the members in a table. The table is stale when it names as a parent a
// process that has died before its environment was read.
func (f *processTree) scan(table []entry) (living []entry, stale bool) {
	self := os.Getpid()
	reused := f.reused(table)
	living = withDescendants(table, func(e entry) bool {
		switch {
		case e.pid == f.leader, e.session == f.leader, e.group == f.leader:
			return !reused
		case e.ppid != self, e.dead(), f.owns(e.pid):
			return false
		}
		switch carriesMarker(e.pid, f.marker, f.user) {
		case foreign:
			return false
		case own:
			return true
		case died:
			stale = stale || slices.ContainsFunc(table, func(child entry) bool { return child.ppid == e.pid })
		}
		return false
	})
	return living, stale
}

// reused reports whether the leader's number belongs to another process by now. The
// kernel reuses it only once it is no session or group, either.
func (f *processTree) reused(table []entry) bool {
	return f.started != 0 && slices.ContainsFunc(table, func(e entry) bool {
		return e.pid == f.leader && e.started != f.started
	})
}

func (f *processTree) signal(child *reaper.Child, sig unix.Signal) {
	f.signalIn(processTable(), child, sig)
}

// signalIn signals the members in a table: the group in one call, which no fork
// can slip through, and the others one by one.
func (f *processTree) signalIn(table []entry, child *reaper.Child, sig unix.Signal) {
	members := f.members(table)
	grouped := child.SignalGroup(sig) == nil
	for _, e := range members {
		if !grouped || e.group != f.leader {
			signalEntry(e, sig)
		}
	}
}

// descendants is every process that descends from gorun, with or without a marker.
type descendants struct{}

func (descendants) members(table []entry) []entry {
	self := os.Getpid()
	return withDescendants(table, func(e entry) bool { return e.ppid == self })
}

func (w descendants) signal(child *reaper.Child, sig unix.Signal) {
	leader, grouped := 0, false
	if child != nil {
		leader, grouped = child.Pid(), child.SignalGroup(sig) == nil
	}
	for _, e := range w.members(processTable()) {
		if !grouped || e.group != leader {
			signalEntry(e, sig)
		}
	}
}

// programOnly is a program without the rest of its tree.
type programOnly struct{ child *reaper.Child }

func (a programOnly) members(table []entry) []entry {
	select {
	case <-a.child.Exited():
		return nil // the number may be another process's
	default:
	}
	for _, e := range table {
		if e.pid == a.child.Pid() && !e.dead() {
			return []entry{e}
		}
	}
	return nil
}

func (programOnly) signal(child *reaper.Child, sig unix.Signal) {
	_ = child.Signal(sig) // already reaped is as good as signalled
}

// withDescendants returns the living processes that are roots, or descend from one.
// Trees are flat: going over the table again costs less than a map of all children.
func withDescendants(table []entry, root func(entry) bool) []entry {
	members := map[int]bool{}
	for _, e := range table {
		if root(e) {
			members[e.pid] = true
		}
	}
	for grown := len(members) > 0; grown; {
		grown = false
		for _, e := range table {
			if members[e.ppid] && !members[e.pid] {
				members[e.pid], grown = true, true
			}
		}
	}
	var living []entry
	for _, e := range table {
		if members[e.pid] && !e.dead() {
			living = append(living, e)
		}
	}
	return living
}

// signalEntry signals a process that may not be gorun's child. A descriptor of the
// process (pidfd_open(2)) makes sure that the number has not gone to another process
// since the table was read. Without one (an old kernel, a seccomp profile, no
// descriptor left) the moment between the check and the signal remains a risk.
func signalEntry(e entry, sig unix.Signal) {
	fd, err := unix.PidfdOpen(e.pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return
	}
	if err == nil {
		defer unix.Close(fd)
	}
	now, readErr := readEntry(strconv.Itoa(e.pid))
	if readErr != nil || now.started != e.started {
		return
	}
	if err == nil {
		err = unix.PidfdSendSignal(fd, sig, nil, 0)
	}
	if err != nil && !errors.Is(err, unix.ESRCH) {
		_ = unix.Kill(e.pid, sig) // an error: it has ended
	}
}
