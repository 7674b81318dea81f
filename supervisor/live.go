package supervisor

import (
	"context"
	"strconv"
	"time"

	"gorun/supervisor/process"
	"gorun/supervisor/restart"
	"gorun/supervisor/status"
)

// live is one run of the worker: from the start of a process, over any that
// replace it without a gap, until the last one's whole tree is gone and its exit
// is on record.
func (w *worker) live(ctx, kill context.Context) ended {
	w.forgetRequest()
	w.enter(status.Launching)
	l, err := w.launchOne()
	if err != nil {
		return w.notStarted(err)
	}
	w.present(l)
	l, end := w.attend(ctx, kill, l)
	l.door.offline()
	if end.cause != died || w.leavesOthers(l) {
		w.enter(status.Stopping)
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
	w.link.Store(l.door.self())
	w.status.Pid, w.status.Started, w.status.LastError = l.Pid(), l.began, ""
	w.publish()
	w.tellResumed()
	w.writePid(l.Pid())
}

// attend waits for the end of the run, or for a reason to end it. The process
// that it returns is the one to end: it may have replaced the first.
func (w *worker) attend(ctx, kill context.Context, l life) (life, ended) {
	awaited := w.await(l)
	defer awaited.stop()
	for {
		var end *ended
		select {
		case <-l.Exited():
			end = &ended{cause: died, reason: status.ByExit}
		case <-ctx.Done():
			end = &ended{cause: stopped}
		case why := <-w.restarts:
			end = ending(why)
		case r := <-w.orders.renewals:
			l, end = w.renew(ctx, kill, l, r)
			awaited.follow(l)
		case f := <-w.orders.asides:
			f()
		case gone := <-w.farewell.departures:
			w.bury(gone)
		case <-awaited.signs.listening:
			awaited.signs.listening = nil
		case <-awaited.signs.ready:
			awaited.signs.ready = nil
			awaited.suffices()
		case result := <-awaited.signs.checked:
			if !awaited.leaving {
				if awaited.note(result); !awaited.unwell {
					awaited.suffices()
				}
				end = w.judge(l, result)
			}
		case <-awaited.signs.alive:
			awaited.guard(l)
		case <-awaited.signs.leaving:
			w.partWith(l, awaited)
		case more := <-awaited.signs.extend:
			awaited.prolong(more)
		case <-awaited.watchdog.C:
			end = w.silent(l)
		case <-awaited.timer.C:
			end = w.tooLate(awaited)
		}
		if end != nil {
			return l, *end
		}
		w.welcome(l, awaited)
	}
}

// welcome steers connections to a process that has done all that makes it
// ready.
func (w *worker) welcome(l life, a *awaited) {
	if !a.over() || a.leaving || w.status.State != status.Launching {
		return
	}
	l.door.online()
	w.enter(status.Online)
	a.guarded = true
	a.guard(l)
	w.orders.fulfil()
}

// ending is the end that a request for a restart brings.
func ending(why status.Reason) *ended {
	if why == status.ByManual {
		return &ended{cause: wanted, reason: why}
	}
	return &ended{cause: misbehaved, reason: why}
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
	ladder := process.Ladder{Signal: l.app.StopSignal, Grace: l.app.KillTimeout, Extend: l.door.signs().extend, Alone: !l.app.TreeKill}
	if end.cause == died && !w.leavesOthers(l) {
		return
	}
	if end.cause != died {
		l.door.drain(kill, l.Exited(), drainLimits{l.app.DrainTimeout, l.app.DrainIdle})
		ladder.Grace -= time.Since(begun)
		ladder.Asked = l.door.dismiss()
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
	st := statusOf(l)
	exit := status.Exit{Code: st.ExitCode(), At: end.at, Uptime: end.at.Sub(l.began)}
	exit.Outcome = w.outcome(st, *end, l.app.StopSignal)
	exit.Text = w.tools.describe(st, exit.Outcome)
	w.status.LastExit = &exit
	w.status.Exits[exit.Outcome]++
	if end.took > 0 {
		w.status.StopTimes = w.status.StopTimes.Observe(end.took)
	}
	if end.forced {
		w.status.ForcedKills++
	}
	if w.running.CompareAndSwap(l.process, nil) {
		w.link.Store(nil)
	}
	if l.process != nil {
		w.cpu.end(l.process, st.CPU)
	}
	w.removePid(l.app, l.Pid())
	end.pid, end.tail, end.signal = l.Pid(), l.Tail(), st.Signal
	end.exit = restart.Exit{Code: st.Code, Signaled: st.Signal != 0 || end.cause != died, Failed: end.late, Uptime: end.ran}
}

// notStarted records a program that could not be executed.
func (w *worker) notStarted(err error) ended {
	code := process.CodeOf(err)
	now := time.Now()
	w.status.LastExit = &status.Exit{Code: code, Outcome: status.Failure, Text: strconv.Itoa(code) + " = " + err.Error(), At: now}
	w.status.LastError = err.Error()
	w.status.Exits[status.Failure]++
	return ended{cause: died, reason: status.ByExit, at: now, exit: restart.Exit{Code: code, Failed: true}}
}
