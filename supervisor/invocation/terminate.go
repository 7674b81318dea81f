package invocation

import (
	"context"
	"time"

	"golang.org/x/sys/unix"

	"gorun/signals/reaper"
	"gorun/supervisor/invocation/endpoint"
	"gorun/supervisor/process"
)

// Cause is why an invocation comes to its end.
type Cause int

// The causes.
const (
	Died       Cause = iota // by itself
	Stopped                 // it was to stop
	Replaced                // another one was wanted in its place
	Misbehaved              // it gave a reason to restart it
)

// End is how an invocation came to its end.
type End struct {
	Cause          Cause
	Pid            int
	Status         reaper.Status
	At             time.Time     // when the program had exited
	Uptime         time.Duration // until it exited, or was to stop: what counts for the restart policy
	StopTime       time.Duration // from the first step of the stop until nothing was left; 0: there was none
	Forced         bool          // it took SIGKILL
	OOMKillsBefore uint64        // of the out-of-memory killer, before the invocation started
	Tail           []string      // its last lines on stderr
}

// LeavesOthers reports whether a program that died has left processes behind that
// are to end with it.
func (i *Invocation) LeavesOthers() bool {
	return i.spec.TreeKill && len(i.parts.Tree.Members()) > 0
}

// Terminate takes the invocation out of the steering, lets it finish what it
// serves, stops it by the ladder and frees what it had. It returns when nothing of
// it is left but output that is still being handed on. The end of kill cuts every
// wait short.
func (i *Invocation) Terminate(kill context.Context, cause Cause) End {
	i.leaving.Store(true)
	i.deadline.Stop()
	i.watchdog.Stop()
	if i.steered {
		i.StopTraffic()
	}
	end := End{Cause: cause, Pid: i.Pid(), OOMKillsBefore: i.kills}
	i.stop(kill, &end)
	i.parts.Endpoint.Release()
	i.parts.Input.Close()
	i.events.close()
	i.abandon = closeOutput(i.parts.Output)
	end.Status, end.Tail = i.status(), i.parts.Output.Tail()
	return end
}

// AbandonOutput gives up what nobody has read of the output, when it has waited
// for long enough. Called once the next run has ended, too.
func (i *Invocation) AbandonOutput() { time.AfterFunc(outputAbandonDelay, i.abandon) }

// HasExited reports whether the program has ended.
func (i *Invocation) HasExited() bool { return isClosed(i.parts.Program.Exited()) }

// stop ends the process, or what it left behind when it died by itself.
func (i *Invocation) stop(kill context.Context, end *End) {
	begun := time.Now()
	end.At, end.Uptime = begun, begun.Sub(i.started)
	if end.Cause == Died && !i.LeavesOthers() {
		return
	}
	ladder := process.Ladder{Signal: i.spec.StopSignal, Grace: i.spec.KillTimeout, Extend: i.extend, MainOnly: !i.spec.TreeKill}
	if end.Cause != Died {
		connections := i.parts.Endpoint
		connections.Drain(kill, i.parts.Program.Exited(), endpoint.DrainLimits{Total: i.spec.DrainTimeout, Idle: i.spec.DrainIdle})
		ladder.Grace -= time.Since(begun)
		if ladder.ShutdownSent = connections.AskToStop(); ladder.ShutdownSent {
			connections.DisconnectIPC()
		} else {
			ladder.Clients, ladder.Signalled = connections.Clients, connections.DisconnectIPC
		}
	}
	end.Forced = i.parts.Tree.Stop(kill, ladder)
	end.StopTime = time.Since(begun)
	if end.Cause != Died {
		end.At = time.Now()
	}
}

// status returns how the program ended. One that survived SIGKILL, in an
// uninterruptible sleep, counts as killed.
func (i *Invocation) status() reaper.Status {
	if !i.HasExited() {
		return reaper.Status{Signal: unix.SIGKILL}
	}
	return i.parts.Program.Status()
}

const (
	// outputDrainTimeout bounds the wait for what a dead process has left in its pipes.
	// It is cut only where the reader of gorun's own output is stalled.
	outputDrainTimeout = 100 * time.Millisecond
	// outputAbandonDelay is how long the output of a run may still wait for that reader
	// when the run after it has ended, too; then it is dropped.
	outputAbandonDelay = 5 * time.Second
)

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
