package process

import (
	"context"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"gorun/signals/reaper"
)

// killWait bounds the wait after SIGKILL: a process in an uninterruptible sleep (a dead
// NFS server) may never end.
const killWait = 5 * time.Second

// termination is a tree that is being ended.
type termination struct {
	deaths func() <-chan struct{} // closed when a process of it, or another one, has been reaped
	child  *reaper.Child          // nil when there is no main program
	tree   tree
}

// runLadder takes the steps of the ladder until no process is left.
func runLadder(ctx context.Context, e termination, ladder Ladder) (forced bool) {
	if e.over() {
		return false
	}
	others := func() {}
	if ladder.Asked {
		others = e.leftBehind(ladder.Signal)
	} else {
		e.tree.signal(e.child, ladder.Signal)
	}
	e.resumeStopped()
	grace := newGrace(ladder.Grace, ladder.Extend)
	defer grace.timer.Stop()
	if e.wait(ctx.Done(), grace, others) || e.over() {
		return false
	}
	last := newGrace(killWait, nil)
	defer last.timer.Stop()
	kill := func() { e.tree.signal(e.child, unix.SIGKILL) }
	kill()
	// A process may fork between the read of the table and the signal.
	e.wait(nil, last, kill)
	return true
}

// grace is the remaining time, which the program can extend.
type grace struct {
	timer  *time.Timer
	until  time.Time
	extend <-chan time.Duration
}

func newGrace(limit time.Duration, extend <-chan time.Duration) *grace {
	return &grace{timer: time.NewTimer(limit), until: time.Now().Add(limit), extend: extend}
}

// extendBy never shortens it.
func (g *grace) extendBy(more time.Duration) {
	if until := time.Now().Add(more); until.After(g.until) {
		g.until = until
		g.timer.Reset(more)
	}
}

// leftBehind returns a function that signals the other processes once the main program
// has ended.
func (e termination) leftBehind(sig unix.Signal) func() {
	exited := e.exited()
	return func() {
		select {
		case <-exited:
			exited = nil
			e.tree.signal(e.child, sig)
		default:
		}
	}
}

// wait returns true when no process is left, false when it was cut short. The last of a
// tree is always a child of gorun, started by it or re-parented to it: so reading the
// table after each death suffices.
func (e termination) wait(cut <-chan struct{}, grace *grace, left func()) bool {
	exited := e.exited()
	for {
		death := e.deaths()
		if e.over() {
			return true
		}
		left()
		select {
		case <-exited:
			exited = nil
		case <-death:
		case more := <-grace.extend:
			grace.extendBy(more)
		case <-cut:
			return false
		case <-grace.timer.C:
			return false
		}
	}
}

// over reports whether no process is left. Reading the process table takes time: a read
// during which a process died may have missed an orphan, and does not count.
func (e termination) over() bool {
	for {
		death := e.deaths()
		if !e.empty() {
			return false
		}
		select {
		case <-death:
		default:
			return true
		}
	}
}

// empty reports whether the main program was reaped and no other process is alive. A
// child of gorun that is dead in the table may have started a process after the names
// in /proc were read: it is in the next table.
func (e termination) empty() bool {
	select {
	case <-e.exited():
	default:
		return false
	}
	dead := map[int]bool{}
	for range maxScans {
		table := processTable()
		if len(e.tree.members(table)) > 0 {
			return false
		}
		if !addDead(dead, table) {
			break
		}
	}
	return true
}

// addDead adds the children of gorun that are dead in the table, and reports whether
// one was not in the set yet.
func addDead(dead map[int]bool, table []entry) bool {
	self, before := os.Getpid(), len(dead)
	for _, e := range table {
		if e.ppid == self && e.dead() {
			dead[e.pid] = true
		}
	}
	return len(dead) > before
}

// exited returns a channel that is closed when the main program has ended.
func (e termination) exited() <-chan struct{} {
	if e.child != nil {
		return e.child.Exited()
	}
	closed := make(chan struct{})
	close(closed)
	return closed
}

// resumeStopped continues stopped processes (SIGSTOP), so that they see their signal.
func (e termination) resumeStopped() {
	for _, member := range e.tree.members(processTable()) {
		if member.state == 'T' {
			signalEntry(member, unix.SIGCONT)
		}
	}
}

// EndAll ends all descendants of gorun: signal, grace, SIGKILL. It returns at once when
// there are none.
func EndAll(ctx context.Context, r *reaper.Reaper, ladder Ladder) (forced bool) {
	if reaper.Childless() {
		return false
	}
	return runLadder(ctx, termination{r.Reaped, nil, descendants{}}, ladder)
}
