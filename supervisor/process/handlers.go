package process

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// handles reports whether a process has a handler for a signal: SigCgt of
// proc_pid_status(5). One that cannot be asked counts as one that has.
func handles(e entry, sig unix.Signal) bool {
	caught, err := readCaught(e.pid)
	if err != nil {
		return !errors.Is(err, os.ErrNotExist)
	}
	if sig == unix.SIGINT && caught.has(sig) && !caught.has(unix.SIGTERM) && isBash(e.pid) {
		return false // bash's own: it waits for the command in the foreground, which has to end by itself
	}
	return caught.has(sig)
}

// signalSet is a mask as /proc shows it: bit 0 is signal 1.
type signalSet uint64

func (s signalSet) has(sig unix.Signal) bool { return sig > 0 && s&(1<<(sig-1)) != 0 }

func readCaught(pid int) (signalSet, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0, err //nolint:wrapcheck // for errors.Is
	}
	_, rest, found := bytes.Cut(text, []byte("\nSigCgt:\t"))
	if !found {
		return 0, errors.New("no SigCgt in its status")
	}
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	mask, err := strconv.ParseUint(string(bytes.TrimSpace(line)), 16, 64)
	return signalSet(mask), err //nolint:wrapcheck // the kernel's own text
}

func isBash(pid int) bool {
	path, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/exe")
	return err == nil && filepath.Base(path) == "bash"
}

// recipients finds out who of a tree gets a signal: the topmost process of each branch
// that handles it, for it passes the signal on or ends those below in its own way. A
// branch in which nobody handles the signal gets it as a whole.
type recipients struct {
	handles        func(entry) bool
	signalled      func(entry) bool // it has had the signal: so those below are its business
	maybeForwarded func(entry) bool // somebody who has ended may have passed the signal on to it; nil: nobody has
	below          map[int][]entry  // by the parent
}

// of returns those of the living members. An app that handles the signal and may have
// been told is not among them: a second one often means "now".
func (r recipients) of(members []entry) []entry {
	known := map[int]bool{}
	r.below = map[int][]entry{}
	for _, e := range members {
		known[e.pid] = true
		r.below[e.ppid] = append(r.below[e.ppid], e)
	}
	var all []entry
	for _, e := range members {
		if !known[e.ppid] {
			found, _ := r.branch(e)
			all = append(all, found...)
		}
	}
	return all
}

// branch returns the recipients of a process and those below it, and whether one of
// them handles the signal.
func (r recipients) branch(e entry) (found []entry, handled bool) {
	switch {
	case r.signalled(e):
		return nil, true
	case r.handles(e):
		if r.maybeForwarded != nil && r.maybeForwarded(e) {
			return nil, true
		}
		return []entry{e}, true
	}
	for _, child := range r.below[e.pid] {
		more, by := r.branch(child)
		found, handled = append(found, more...), handled || by
	}
	if !handled {
		found = append(found, e)
	}
	return found, handled
}

// childrenOf returns the members that the others have started: to them a runner passes a
// signal on.
func childrenOf(others, members []entry) []entry {
	parents := map[int]bool{}
	for _, e := range others {
		parents[e.pid] = true
	}
	return slices.DeleteFunc(slices.Clone(members), func(e entry) bool { return !parents[e.ppid] })
}

// SignalAll sends a signal that is no order to stop to those of each tree that handle
// it, from one read of the process table. It returns how many that were: nobody ends of
// a signal that is news.
func SignalAll(all []*Process, sig unix.Signal) int {
	return signalAll(all, sig, processTable)
}

func signalAll(all []*Process, sig unix.Signal, read func() []entry) int {
	if len(all) == 0 {
		return 0
	}
	table, reached := read(), 0
	for _, p := range all {
		members := p.family.members(table)
		switch sig {
		case unix.SIGKILL, unix.SIGSTOP, unix.SIGCONT, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU: // for the tree as a whole
			p.family.signalIn(table, p.child, sig)
			reached += len(members)
			continue
		case unix.SIGTERM, unix.SIGINT, unix.SIGQUIT:
			members = recipients{
				handles: func(e entry) bool { return handles(e, sig) }, signalled: func(entry) bool { return false },
			}.of(members)
		default:
			members = slices.DeleteFunc(members, func(e entry) bool { return !handles(e, sig) })
		}
		for _, e := range members {
			signalEntry(e, sig)
		}
		reached += len(members)
	}
	return reached
}
