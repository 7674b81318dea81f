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
	deaths         func() <-chan struct{} // closed when a process of it, or another one, has been reaped
	child          *reaper.Child          // nil when there is no main program
	tree           tree
	signalled      map[entryID]bool // who has had the signal
	maybeForwarded map[entryID]bool // whom they had started by then
}

// entryID tells a process from a later one with its number.
type entryID struct {
	pid     int
	started uint64
}

func (e entry) id() entryID { return entryID{e.pid, e.started} }

// runLadder takes the steps of the ladder until no process is left.
func runLadder(ctx context.Context, e termination, ladder Ladder) (forced bool) {
	if e.over() {
		return false
	}
	e.signalled, e.maybeForwarded = map[entryID]bool{}, map[entryID]bool{}
	next := e.leftBehind(ladder.Signal)
	if ladder.ShutdownSent {
		resumeStopped(e.tree.members(processTable()))
	} else {
		resumeStopped(e.signalWhenIdle(ctx, ladder))
		next = e.afterDeaths(ladder.Signal)
	}
	grace := newGrace(ladder.Grace, ladder.Extend)
	defer grace.stop()
	if !ladder.ShutdownSent {
		grace.half = time.After(ladder.Grace / 2)
	}
	if e.wait(ctx.Done(), grace, next, func() { e.signalRest(ladder.Signal) }) || e.over() {
		return false
	}
	last := newGrace(killWait, nil)
	defer last.stop()
	kill := func() { e.tree.signal(e.child, unix.SIGKILL) }
	kill()
	// A process may fork between the read of the table and the signal.
	e.wait(nil, last, kill, nil)
	return true
}

// signalNext signals whoever is to have the signal now, and has not had it. It returns
// the members as they were before.
func (e termination) signalNext(sig unix.Signal) []entry {
	members := e.tree.members(processTable())
	e.signal(members, e.recipients(sig).of(members), sig)
	return members
}

// afterDeaths returns a function that signals whoever is next, but not the first time:
// then the signal has only just been sent, and a look at the process table is dear.
func (e termination) afterDeaths(sig unix.Signal) func() {
	sent := true
	return func() {
		if !sent {
			e.signalNext(sig)
		}
		sent = false
	}
}

// signal signals some of the members.
func (e termination) signal(members, who []entry, sig unix.Signal) {
	for _, one := range childrenOf(who, members) {
		e.maybeForwarded[one.id()] = true
	}
	e.signalEach(who, sig)
}

func (e termination) recipients(sig unix.Signal) recipients {
	return recipients{
		handles:        func(one entry) bool { return handles(one, sig) },
		signalled:      func(one entry) bool { return e.signalled[one.id()] },
		maybeForwarded: func(one entry) bool { return e.maybeForwarded[one.id()] },
	}
}

// signalRest signals all who have not had the signal: those before them have kept it to
// themselves for half of the grace.
func (e termination) signalRest(sig unix.Signal) {
	e.signalEach(e.tree.members(processTable()), sig)
}

func (e termination) signalEach(all []entry, sig unix.Signal) {
	for _, one := range all {
		if !e.signalled[one.id()] {
			e.signalled[one.id()] = true
			signalEntry(one, sig)
		}
	}
}

// grace is the remaining time, which the program can extend.
type grace struct {
	timer  *time.Timer
	until  time.Time
	half   <-chan time.Time // half of it is over, once; nil: nobody needs to know
	extend <-chan time.Duration
}

func (g *grace) stop() { g.timer.Stop() }

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
		default:
		}
		if exited == nil {
			e.signalNext(sig)
		}
	}
}

// wait returns true when no process is left, false when it was cut short. The last of a
// tree is always a child of gorun, started by it or re-parented to it: so reading the
// table after each death suffices.
func (e termination) wait(cut <-chan struct{}, grace *grace, left, half func()) bool {
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
		case <-grace.half:
			half()
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
func resumeStopped(members []entry) {
	for _, member := range members {
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
	return runLadder(ctx, termination{deaths: r.Reaped, tree: descendants{}}, ladder)
}
