package process

import (
	"context"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"gorun/signals/reaper"
)

// lastWait bounds the wait after SIGKILL: a process in an uninterruptible
// sleep (a dead NFS server) may never come back from it.
const lastWait = 5 * time.Second

// ending is a tree on its way out.
type ending struct {
	deaths func() <-chan struct{} // closed when somebody of it has been reaped, or others
	child  *reaper.Child          // nil when there is no main program
	tree   tree
}

// descend takes the steps of the ladder until nothing is left.
func descend(ctx context.Context, e ending, ladder Ladder) (forced bool) {
	if e.over() {
		return false
	}
	others := func() {}
	if ladder.Asked {
		others = e.leftBehind(ladder.Signal)
	} else {
		e.tree.signal(e.child, ladder.Signal)
	}
	e.wake()
	grace := newGrace(ladder.Grace, ladder.Extend)
	defer grace.timer.Stop()
	if e.wait(ctx.Done(), grace, others) || e.over() {
		return false
	}
	last := newGrace(lastWait, nil)
	defer last.timer.Stop()
	kill := func() { e.tree.signal(e.child, unix.SIGKILL) }
	kill()
	// A process may fork between the look at the table and the signal.
	e.wait(nil, last, kill)
	return true
}

// grace is the time that is left, which grows when the program asks for it.
type grace struct {
	timer  *time.Timer
	until  time.Time
	extend <-chan time.Duration
}

func newGrace(limit time.Duration, extend <-chan time.Duration) *grace {
	return &grace{timer: time.NewTimer(limit), until: time.Now().Add(limit), extend: extend}
}

// prolong never shortens it.
func (g *grace) prolong(more time.Duration) {
	if until := time.Now().Add(more); until.After(g.until) {
		g.until = until
		g.timer.Reset(more)
	}
}

// leftBehind returns what signals the others once the main program has ended.
func (e ending) leftBehind(sig unix.Signal) func() {
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

// wait returns true when nothing is left, false when it was cut short. The
// last of a tree is always a child of gorun, by birth or by re-parenting: each
// look at the table follows a death, and finds somebody left or nobody.
func (e ending) wait(cut <-chan struct{}, grace *grace, left func()) bool {
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
			grace.prolong(more)
		case <-cut:
			return false
		case <-grace.timer.C:
			return false
		}
	}
}

// over tells whether nothing is left. A look at the process table takes time:
// one that passed an orphan whose parent died meanwhile does not count.
func (e ending) over() bool {
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

// empty tells whether the main program was reaped and nobody else is alive. A
// child of gorun that is dead in the table may have started somebody after the
// names in /proc were read: whoever that is stands in the next table.
func (e ending) empty() bool {
	select {
	case <-e.exited():
	default:
		return false
	}
	dead := map[int]bool{}
	for range staleLooks {
		table := processTable()
		if len(e.tree.members(table)) > 0 {
			return false
		}
		if !noteDead(dead, table) {
			break
		}
	}
	return true
}

// noteDead adds the children of this process that are dead in the table, and
// tells whether there is one that was not noted yet.
func noteDead(dead map[int]bool, table []entry) bool {
	self, before := os.Getpid(), len(dead)
	for _, e := range table {
		if e.ppid == self && e.dead() {
			dead[e.pid] = true
		}
	}
	return len(dead) > before
}

// exited returns the channel that tells of the main program's end.
func (e ending) exited() <-chan struct{} {
	if e.child != nil {
		return e.child.Exited()
	}
	closed := make(chan struct{})
	close(closed)
	return closed
}

// wake lets stopped processes (SIGSTOP) see their signal.
func (e ending) wake() {
	for _, member := range e.tree.members(processTable()) {
		if member.state == 'T' {
			signalEntry(member, unix.SIGCONT)
		}
	}
}

// EndAll ends everything that descends from this process, the way tini's users
// ask for: signal, grace, SIGKILL; at once when nothing is left.
func EndAll(ctx context.Context, r *reaper.Reaper, ladder Ladder) (forced bool) {
	if reaper.Childless() {
		return false
	}
	return descend(ctx, ending{r.Reaped, nil, descendants{}}, ladder)
}
