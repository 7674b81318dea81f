package supervisor

import (
	"context"
	"strconv"
	"time"

	"gorun/supervisor/process"
	"gorun/supervisor/restart"
)

// live is one run of the process, from its start until its whole tree is gone
// and its exit is on record.
func (w *worker) live(ctx, kill context.Context) ended {
	w.forgetRequest()
	w.enter(Launching)
	victims := w.tools.victims()
	l, err := w.start()
	if err != nil {
		return w.notStarted(err)
	}
	w.begun(l.Pid())
	end := w.attend(ctx, l)
	end.victims = victims
	l.door.offline()
	w.finish(kill, l, &end)
	l.door.release()
	w.hangUp(l)
	w.record(l, &end)
	return end
}

// begun publishes what is known of a new process.
func (w *worker) begun(pid int) {
	w.status.Starts++
	w.status.Pid, w.status.Started, w.status.LastError = pid, time.Now(), ""
	w.publish()
	w.writePid(pid)
}

// attend waits for the end of the run, or for a reason to end it.
func (w *worker) attend(ctx context.Context, l life) ended {
	awaited := w.await(l.door)
	defer awaited.timer.Stop()
	for {
		select {
		case <-l.Exited():
			return ended{cause: died, reason: ByExit, at: time.Now()}
		case <-ctx.Done():
			return ended{cause: stopped, at: time.Now()}
		case why := <-w.restarts:
			if why == ByManual {
				return ended{cause: wanted, reason: why, at: time.Now()}
			}
			return ended{cause: misbehaved, reason: why, at: time.Now()}
		case <-awaited.listening:
			awaited.listening = nil
		case <-awaited.ready:
			awaited.ready = nil
		case <-awaited.timer.C:
			if awaited.ready != nil {
				w.tools.log.Error("worker not ready in time", "worker", w.name, "listen_timeout", w.app.ListenTimeout)
				return ended{cause: misbehaved, reason: ByExit, at: time.Now(), late: true}
			}
			awaited.listening = nil
		}
		if awaited.listening == nil && awaited.ready == nil && w.status.State == Launching {
			l.door.online()
			w.enter(Online)
		}
	}
}

// awaited is what a worker that has been started is to do before it counts as
// online. A sign that was seen, or that nobody waits for, is nil.
type awaited struct {
	listening, ready <-chan struct{}
	timer            *time.Timer // how long; then it is taken as online, unless it was to say that it is ready
}

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

// finish ends the process, or what it left behind when it died by itself. What
// counts for the restart policy is how long it ran before.
func (w *worker) finish(kill context.Context, l life, end *ended) {
	end.ran = end.at.Sub(w.status.Started)
	ladder := process.Ladder{Signal: w.app.StopSignal, Grace: w.app.KillTimeout, Alone: !w.app.TreeKill}
	if end.cause == died && (ladder.Alone || len(l.Members()) == 0) {
		return
	}
	w.enter(Stopping)
	begun := time.Now()
	if end.cause != died {
		l.door.drain(kill, l.Exited(), w.app.DrainTimeout)
		ladder.Grace -= time.Since(begun)
	}
	end.forced = l.Stop(kill, ladder)
	w.status.StopTimes = w.status.StopTimes.Observe(time.Since(begun))
	if end.forced {
		w.status.ForcedKills++
	}
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
	exit := Exit{Code: status.ExitCode(), At: end.at, Uptime: end.at.Sub(w.status.Started)}
	exit.Outcome = w.outcome(status, *end)
	exit.Text = w.tools.describe(status, exit.Outcome)
	w.status.LastExit = &exit
	w.status.Exits[exit.Outcome]++
	w.running.Store(nil)
	w.cpu.end(status.CPU)
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
