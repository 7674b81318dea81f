package supervisor

import (
	"context"
	"strconv"
	"time"

	"gorun/supervisor/process"
	"gorun/supervisor/restart"
)

// live is one run of the worker: from the start of a process, over any that
// replace it without a gap, until the last one's whole tree is gone and its exit
// is on record.
func (w *worker) live(ctx, kill context.Context) ended {
	w.forgetRequest()
	w.enter(Launching)
	l, err := w.launchOne()
	if err != nil {
		return w.notStarted(err)
	}
	w.present(l)
	l, end := w.attend(ctx, kill, l)
	l.door.offline()
	if end.cause != died || w.leavesOthers(l) {
		w.enter(Stopping)
	}
	w.finish(kill, l, &end)
	l.door.release()
	w.hangUp(l)
	w.record(l, &end)
	return end
}

// launchOne starts a process.
func (w *worker) launchOne() (life, error) {
	victims := w.tools.victims()
	l, err := w.start()
	if err != nil {
		return life{}, err
	}
	l.victims, l.began, l.app = victims, time.Now(), w.app
	w.status.Starts++
	if l.process != nil {
		w.cpu.begin(l.process)
	}
	return l, nil
}

// present makes the process the one that the worker is known by.
func (w *worker) present(l life) {
	w.running.Store(l.process)
	w.channel.Store(l.door.channelToNode())
	w.status.Pid, w.status.Started, w.status.LastError = l.Pid(), l.began, ""
	w.publish()
	w.writePid(l.Pid())
}

// attend waits for the end of the run, or for a reason to end it. The process
// that it returns is the one to end: it may have replaced the first.
func (w *worker) attend(ctx, kill context.Context, l life) (life, ended) {
	awaited := w.await(l.door)
	defer awaited.timer.Stop()
	for {
		select {
		case <-l.Exited():
			return l, ended{cause: died, reason: ByExit}
		case <-ctx.Done():
			return l, ended{cause: stopped}
		case why := <-w.restarts:
			if why == ByManual {
				return l, ended{cause: wanted, reason: why}
			}
			return l, ended{cause: misbehaved, reason: why}
		case r := <-w.orders.renewals:
			if !w.canOverlap(r) {
				w.expect(r)
				return l, ended{cause: wanted, reason: r.reason}
			}
			l = w.replace(ctx, kill, l, r)
		case f := <-w.orders.asides:
			f()
		case gone := <-w.farewell.departures:
			w.bury(gone)
		case <-awaited.listening:
			awaited.listening = nil
		case <-awaited.ready:
			awaited.ready = nil
		case <-awaited.timer.C:
			if awaited.ready != nil {
				w.tools.log.Error("worker not ready in time", "worker", w.name, "listen_timeout", w.app.ListenTimeout)
				return l, ended{cause: misbehaved, reason: ByExit, late: true}
			}
			awaited.listening = nil
		}
		if awaited.over() && w.status.State == Launching {
			l.door.online()
			w.enter(Online)
			w.orders.fulfil()
		}
	}
}

// awaited is what a worker that has been started is to do before it counts as
// online. A sign that was seen, or that nobody waits for, is nil.
type awaited struct {
	listening, ready <-chan struct{}
	timer            *time.Timer // how long; then it is taken as online, unless it was to say that it is ready
}

func (a awaited) over() bool { return a.listening == nil && a.ready == nil }

func (w *worker) await(d door) awaited {
	listening, ready := d.signs()
	if !w.app.WaitReady {
		ready = nil
	}
	limit := w.app.ListenTimeout
	if listening == nil && ready == nil {
		listening, limit = make(chan struct{}), settling // nothing better tells that it is ready
	}
	return awaited{listening, ready, time.NewTimer(limit)}
}

// leavesOthers tells whether a process that died by itself has left some behind
// that are to end with it.
func (*worker) leavesOthers(l life) bool { return l.app.TreeKill && len(l.Members()) > 0 }

// finish ends the process, or what it left behind when it died by itself. What
// counts for the restart policy is how long it ran before. It touches nothing of
// the worker's: a process that was replaced is finished beside it.
func (w *worker) finish(kill context.Context, l life, end *ended) {
	begun := time.Now()
	end.at, end.ran, end.victims = begun, begun.Sub(l.began), l.victims
	ladder := process.Ladder{Signal: l.app.StopSignal, Grace: l.app.KillTimeout, Alone: !l.app.TreeKill}
	if end.cause == died && !w.leavesOthers(l) {
		return
	}
	if end.cause != died {
		l.door.drain(kill, l.Exited(), drainLimits{l.app.DrainTimeout, l.app.DrainIdle})
		ladder.Grace -= time.Since(begun)
	}
	end.forced = l.Stop(kill, ladder)
	end.took = time.Since(begun)
	if end.cause != died {
		end.at = time.Now()
	}
}

const (
	// lastWords bounds the wait for what a dead process has left in its pipes.
	// It is cut only where the reader of gorun's own output is stalled.
	lastWords = 100 * time.Millisecond
	// overdue is how long the output of a run may still wait for that reader
	// when the run after it has ended, too; then it is dropped.
	overdue = 5 * time.Second
)

// hangUp waits until the last words of a dead process have been read, and lets
// the capture finish on its own: a stalled reader holds up no restart.
func (w *worker) hangUp(c capture) {
	ctx, cancel := context.WithTimeout(context.Background(), lastWords)
	defer cancel()
	_ = c.Drain(ctx) // cut short: the capture goes on
	if w.dropLines != nil {
		time.AfterFunc(overdue, w.dropLines)
	}
	var closing context.Context
	closing, w.dropLines = context.WithCancel(context.Background())
	go func() { _ = c.Close(closing) }()
}

// record puts the exit on record, once nothing of the process is left.
func (w *worker) record(l life, end *ended) {
	status := statusOf(l)
	exit := Exit{Code: status.ExitCode(), At: end.at, Uptime: end.at.Sub(l.began)}
	exit.Outcome = w.outcome(status, *end)
	exit.Text = w.tools.describe(status, exit.Outcome)
	w.status.LastExit = &exit
	w.status.Exits[exit.Outcome]++
	if end.took > 0 {
		w.status.StopTimes = w.status.StopTimes.Observe(end.took)
	}
	if end.forced {
		w.status.ForcedKills++
	}
	if w.running.CompareAndSwap(l.process, nil) {
		w.channel.Store(nil)
	}
	if l.process != nil {
		w.cpu.end(l.process, status.CPU)
	}
	w.removePid(l.Pid())
	end.pid, end.tail = l.Pid(), l.Tail()
	end.exit = restart.Exit{Code: status.Code, Signaled: status.Signal != 0 || end.cause != died, Failed: end.late, Uptime: end.ran}
}

// notStarted records a program that could not be executed.
func (w *worker) notStarted(err error) ended {
	code := process.CodeOf(err)
	now := time.Now()
	w.status.LastExit = &Exit{Code: code, Outcome: Failure, Text: strconv.Itoa(code) + " = " + err.Error(), At: now}
	w.status.LastError = err.Error()
	w.status.Exits[Failure]++
	return ended{cause: died, reason: ByExit, at: now, exit: restart.Exit{Code: code, Failed: true}}
}
