package process

import (
	"context"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// idlePoll is the time between two looks at the clients of a tree.
	idlePoll = time.Millisecond
	// idleShare is the part of the grace for which a moment is sought in which nobody
	// waits for an answer; the rest is the program's own.
	idleShare = 3
	// freezePolls bounds how often is looked whether a tree stands still. SIGSTOP takes
	// effect when a thread next returns from the kernel.
	freezePolls, freezePoll = 20, 200 * time.Microsecond
)

// Clients are those that a tree serves.
type Clients interface {
	// Idle reports whether each of them seems to be between two requests. It is
	// asked again and again, and at last while the tree stands still.
	Idle() bool
	// Hold and Release frame the signal: if the tree ends of it, its clients learn that
	// at once. Release may take a moment, until ctx ends.
	Hold()
	Release(ctx context.Context)
}

// signalWhenIdle sends the first signal of the ladder, where that can be in a moment in
// which no client waits for an answer: a program without a handler ends of the signal
// before it reads anything new. To be sure of such a moment, the tree has to stand still.
// It returns the members that may be stopped still.
func (e termination) signalWhenIdle(ctx context.Context, ladder Ladder) (members []entry) {
	var clients Clients
	if ladder.Clients != nil {
		clients = ladder.Clients()
	}
	if clients == nil || !e.signalBetweenRequests(ctx, clients, ladder) {
		members = e.signalNext(ladder.Signal)
	}
	if ladder.Signalled != nil {
		ladder.Signalled()
	}
	return members
}

// signalBetweenRequests waits for a moment in which nobody waits for an answer, and signals. It
// returns false when that took too long.
func (e termination) signalBetweenRequests(ctx context.Context, clients Clients, ladder Ladder) bool {
	limit := time.NewTimer(ladder.Grace / idleShare)
	defer limit.Stop()
	for {
		begun := time.Now()
		between := clients.Idle()
		look := time.NewTimer(max(idlePoll, 4*time.Since(begun))) // looking is a small part of the time
		if between && e.signalFrozen(ctx, clients, ladder.Signal) {
			look.Stop()
			return true
		}
		select {
		case <-look.C:
		case <-limit.C:
			look.Stop()
			return false
		case <-ctx.Done():
			look.Stop()
			return false
		}
	}
}

// signalFrozen stops the tree, signals it if nobody waits for an answer then, and lets
// it go on. From the last look to the end of the process every moment counts.
func (e termination) signalFrozen(ctx context.Context, clients Clients, sig unix.Signal) (signalled bool) {
	members := e.tree.members(processTable())
	for _, one := range members {
		signalEntry(one, unix.SIGSTOP)
	}
	if waitFrozen(ctx, members) {
		who := e.recipients(sig).of(members)
		clients.Hold()
		defer clients.Release(ctx)
		if signalled = clients.Idle(); signalled {
			e.signal(members, who, sig)
		}
	}
	for _, one := range members {
		signalEntry(one, unix.SIGCONT)
	}
	return signalled
}

// waitFrozen waits, for a moment, until every process is stopped.
func waitFrozen(ctx context.Context, members []entry) bool {
	for range freezePolls {
		running := false
		for _, one := range members {
			now, err := readEntry(strconv.Itoa(one.pid))
			running = running || err == nil && now.started == one.started && now.state != 'T' && !now.dead()
		}
		if !running {
			return true
		}
		look := time.NewTimer(freezePoll)
		select {
		case <-look.C:
		case <-ctx.Done():
			look.Stop()
			return false
		}
	}
	return false
}
