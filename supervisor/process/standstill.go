package process

import (
	"context"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// lookAgain is the time between two looks at the clients of a tree.
	lookAgain = time.Millisecond
	// lookShare is the part of the grace for which a moment is sought in which nobody
	// waits for an answer; the rest is the program's own.
	lookShare = 3
	// stopLooks bounds how often is looked whether a tree stands still. SIGSTOP takes
	// effect when a thread next returns from the kernel.
	stopLooks, stopLook = 20, 200 * time.Microsecond
)

// Clients are those that a tree serves.
type Clients interface {
	// Between reports whether each of them seems to be between two requests. It is
	// asked again and again, and at last while the tree stands still.
	Between() bool
	// Hold and Release frame the signal: if the tree ends of it, its clients learn that
	// at once. Release may take a moment, until ctx ends.
	Hold()
	Release(ctx context.Context)
}

// signalIdle sends the first signal of the ladder, where that can be in a moment in
// which no client waits for an answer: a program without a handler ends of the signal
// before it reads anything new. To be sure of such a moment, the tree has to stand still.
func (e termination) signalIdle(ctx context.Context, ladder Ladder) {
	var clients Clients
	if ladder.Look != nil {
		clients = ladder.Look()
	}
	if clients == nil || !e.signalBetween(ctx, clients, ladder) {
		e.signalNext(ladder.Signal)
	}
	if ladder.Signalled != nil {
		ladder.Signalled()
	}
}

// signalBetween waits for a moment in which nobody waits for an answer, and signals. It
// returns false when that took too long.
func (e termination) signalBetween(ctx context.Context, clients Clients, ladder Ladder) bool {
	limit := time.NewTimer(ladder.Grace / lookShare)
	defer limit.Stop()
	for {
		begun := time.Now()
		between := clients.Between()
		look := time.NewTimer(max(lookAgain, 4*time.Since(begun))) // looking is a small part of the time
		if between && e.signalStill(ctx, clients, ladder.Signal) {
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

// signalStill stops the tree, signals it if nobody waits for an answer then, and lets
// it go on. From the last look to the end of the process every moment counts.
func (e termination) signalStill(ctx context.Context, clients Clients, sig unix.Signal) (signalled bool) {
	members := e.tree.members(processTable())
	for _, one := range members {
		signalEntry(one, unix.SIGSTOP)
	}
	if standStill(ctx, members) {
		who := e.recipients(sig).of(members)
		clients.Hold()
		defer clients.Release(ctx)
		if signalled = clients.Between(); signalled {
			e.signal(members, who, sig)
		}
	}
	for _, one := range members {
		signalEntry(one, unix.SIGCONT)
	}
	return signalled
}

// standStill waits, for a moment, until every process is stopped.
func standStill(ctx context.Context, members []entry) bool {
	for range stopLooks {
		running := false
		for _, one := range members {
			now, err := readEntry(strconv.Itoa(one.pid))
			running = running || err == nil && now.started == one.started && now.state != 'T' && !now.dead()
		}
		if !running {
			return true
		}
		look := time.NewTimer(stopLook)
		select {
		case <-look.C:
		case <-ctx.Done():
			look.Stop()
			return false
		}
	}
	return false
}
