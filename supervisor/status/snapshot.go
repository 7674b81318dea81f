package status

import (
	"fmt"
	"time"
)

// State is where a worker stands in its life.
type State int

// The states, in pm2's words.
const (
	Stopped State = iota
	Launching
	Online
	Stopping
	WaitingRestart
	Errored
)

// States lists every state, in the order of its value.
var States = [...]State{Stopped, Launching, Online, Stopping, WaitingRestart, Errored}

// String returns pm2's word for the state.
func (s State) String() string {
	return [...]string{"stopped", "launching", "online", "stopping", "waiting restart", "errored"}[s]
}

// Reason is why a worker was started again.
type Reason int

// The reasons.
const (
	ByExit     Reason = iota // it ended by itself
	ByMemory                 // its tree outgrew max_memory_restart
	ByManual                 // somebody asked for a restart
	ByReload                 // somebody asked for a reload
	ByCron                   // it was time
	ByWatch                  // a file has changed
	ByHealth                 // its health check failed
	ByWatchdog               // it did not say that it is alive
	ByRetry                  // it was given up a while ago: errored_retry
)

// Reasons lists every reason, in the order of its value.
var Reasons = [...]Reason{ByExit, ByMemory, ByManual, ByReload, ByCron, ByWatch, ByHealth, ByWatchdog, ByRetry}

// String returns the reason as metrics and logs name it.
func (r Reason) String() string {
	return [...]string{"exit", "memory", "manual", "reload", "cron", "watch", "health", "watchdog", "retry"}[r]
}

// Outcome sorts exits for counting.
type Outcome int

// The outcomes.
const (
	Clean       Outcome = iota // code 0
	Failure                    // another code, or it could not be started
	Signaled                   // ended by a signal that gorun did not send
	OutOfMemory                // SIGKILL while the cgroup's oom_kill counter moved
	Killed                     // gorun's own SIGKILL at the end of the grace
)

// Outcomes lists every outcome, in the order of its value.
var Outcomes = [...]Outcome{Clean, Failure, Signaled, OutOfMemory, Killed}

// String returns the outcome as metrics name it.
func (o Outcome) String() string {
	return [...]string{"clean", "error", "signal", "oom", "killed"}[o]
}

// Exit is how one run of a worker ended.
type Exit struct {
	Code    int // 0–255; 128+n for signal n; 127 or 126 when it could not be started
	Outcome Outcome
	Text    string // for people: "1", "137 = SIGKILL, out of memory: limit 512 MiB"
	At      time.Time
	Uptime  time.Duration
}

// Worker is the published copy of what a worker's goroutine knows.
type Worker struct {
	App          string
	Instance     int // 0-based, stable over restarts
	ID           int // pm_id: unique over all apps
	State        State
	Since        time.Time // when it entered the state
	Pid          int       // 0: no process
	Started      time.Time // start of the process, zero when there is none
	FirstStarted time.Time // when it was first meant to run; zero while its app waits for others
	Ready        bool

	Starts          uint64
	Restarts        [len(Reasons)]uint64  // by Reason
	Exits           [len(Outcomes)]uint64 // by Outcome
	RestartsAtReset [len(Reasons)]uint64  // the Restarts before the last reset
	LastExit        *Exit                 // nil: never ended
	Unstable        int                   // unstable runs in a row, forgotten when one has lasted
	FailedRuns      uint64                // runs that failed and after which it rests: of a job
	FailingSince    time.Time             // end of the first of them that was to be followed by another start; zero: none
	Backoff         time.Duration         // delay of the pending restart or, of one that is errored, until it is tried again; 0: none
	ForcedKills     uint64
	LastError       string    // why it could not be started or was not ready in time, "" otherwise
	OnlineOnce      bool      // it was online at least once
	LeftOnline      time.Time // when it was online last; zero when it is, or never was
	StartTimes      Histogram // seconds from start to online
	StopTimes       Histogram // seconds from the stop signal to the end
	Lines           Lines     // filled by Sample only
	Usage           Usage     // filled by Sample only
	Probe           Probe     // of its app's health check
	Notice          string    // what it says of itself by sd_notify: STATUS=

	Custom []Custom // what its process reports by @pm2/io, by name
	Vitals *Vitals  // of its process, with node_metrics; nil: not told yet
	Totals Totals   // of all its processes, with node_metrics
}

// Lines counts what a worker has written.
type Lines struct {
	OutLines, OutBytes, ErrLines, ErrBytes uint64
}

// App is the state of one app and all its workers.
type App struct {
	Name, Namespace, Mode, Interpreter, Script, Sharing string
	ScriptPath                                          string // the script's path if it is a file
	Desired                                             int    // workers that should run now
	MemoryLimit                                         int64  // max_memory_restart in bytes, 0 = none
	Workers                                             []Worker
	Ports                                               []Port        // filled by Sample only
	Relays                                              []Relay       // filled by Sample only
	ReadySince                                          time.Time     // since when its eldest online worker is; zero: it has none
	DownSince                                           time.Time     // since when it should have one and has none; zero: it has one, or should not
	EverReady                                           bool          // ReadyMin of its workers were online once, or it ended well
	Grace                                               time.Duration // how long it may be down before that is a failure
	Completed                                           bool          // every worker ended as it was meant to
	Scheduled                                           bool          // a job of the clock: cron_restart with autorestart: false
	NextRun                                             time.Time     // it is at rest until then, when its schedule starts it; zero: it is not
	NotStarted                                          bool          // autostart: false, and nobody has started it
	StoppedByOperator                                   bool          // somebody has stopped it
	Blocked                                             string        // why it has not begun: the app it depends on; "" otherwise
	ReadyMin                                            int           // workers that must be online for the app to count as ready
	Starts                                              Histogram     // seconds from start to online
	Stops                                               Histogram     // seconds from stop signal to end
	Reloads                                             Reloads
	Probe                                               string // how its workers' health is checked: http, tcp, exec; "": it is not
}

// Serving counts the workers that are online and healthy.
func (a App) Serving() int {
	n := 0
	for _, w := range a.Workers {
		if w.Ready {
			n++
		}
	}
	return n
}

// Online counts the workers that are online.
func (a App) Online() int {
	return a.Count(Online)
}

// Errored tells whether a worker has given up and none is left that runs.
func (a App) Errored() bool {
	return a.Count(Errored) > 0 && a.Count(Errored)+a.Count(Stopped) == len(a.Workers)
}

// Count counts the workers in a state.
func (a App) Count(state State) int {
	n := 0
	for _, w := range a.Workers {
		if w.State == state {
			n++
		}
	}
	return n
}

// Restarts adds up the restarts of all workers since their last reset.
func (a App) Restarts() uint64 {
	total := uint64(0)
	for _, w := range a.Workers {
		total += w.Restarted()
	}
	return total
}

// Restarted counts the restarts since the last reset.
func (w Worker) Restarted() uint64 {
	total := uint64(0)
	for reason, n := range w.Restarts {
		total += n - w.RestartsAtReset[reason]
	}
	return total
}

// LastExit returns the latest exit of a worker, nil if there was none.
func (a App) LastExit() *Exit {
	var last *Exit
	for _, w := range a.Workers {
		if w.LastExit != nil && (last == nil || w.LastExit.At.After(last.At)) {
			last = w.LastExit
		}
	}
	return last
}

// Waiting says until when an app is at rest, and how its last run has ended, for people:
// waiting for 17:23, last run 3. It is "" for one that is not at rest until its schedule.
func (a App) Waiting(now time.Time) string {
	if a.NextRun.IsZero() {
		return ""
	}
	text := "waiting for " + Clock(a.NextRun, now)
	if exit := a.LastExit(); exit != nil {
		text += ", last run " + exit.Text
	}
	return text
}

// Troubles tells what is not as it should be, for people.
func (a App) Troubles() []string {
	var all []string
	if a.Blocked != "" {
		all = append(all, a.Blocked)
	}
	for _, w := range a.Workers {
		if text := a.trouble(w); text != "" {
			all = append(all, fmt.Sprintf("worker %d is %s", w.Instance, text))
		}
	}
	return all
}

// trouble is what is not as it should be with a worker; "": nothing.
func (a App) trouble(w Worker) string {
	switch {
	case w.CrashLooping():
		return w.loop(time.Now())
	case w.State == Online && !w.Ready:
		return "unhealthy: " + w.Probe.Text
	case w.State != WaitingRestart && w.State != Errored:
		return ""
	}
	text := w.State.String()
	if w.LastExit != nil {
		text += ", last exit " + w.LastExit.Text
	}
	if next := w.NextStart(); w.State == Errored && !next.IsZero() && !a.StoppedByOperator {
		text += ", tried again in " + wait(time.Until(next))
	}
	return text
}

// Readiness is since when a worker is online, or since when none is: both
// zero while none has been taken up. One that is crash looping counts as online once
// a run of it has lasted.
func (a App) Readiness() (ready, down time.Time) {
	for _, w := range a.Workers {
		looping := w.CrashLooping()
		if w.State == Online && !looping && (ready.IsZero() || w.Since.Before(ready)) {
			ready = w.Since
		}
		left := w.LeftOnline
		switch {
		case looping:
			left = w.FailingSince
		case left.IsZero():
			left = w.FirstStarted
		}
		if left.After(down) {
			down = left
		}
	}
	if !ready.IsZero() {
		return ready, time.Time{}
	}
	return time.Time{}, down
}

// Port is the accept queue that one worker has at a shared address.
type Port struct {
	Address  string
	Instance int
	Length   int // connections that wait to be accepted
	Limit    int // how many may
}

// Relay counts the connections of an address that gorun has passed on
// itself, because their worker was gone.
type Relay struct {
	Address     string
	Connections uint64
}

// Snapshot is a consistent-enough copy of everything, safe to keep.
type Snapshot struct {
	Apps          []App
	ShuttingDown  bool
	OrphansReaped uint64
	Config        Config
	Group         Cgroup // filled by Sample only
}

// Probe is what an app's health check has found of a worker.
type Probe struct {
	Up               bool // the last check succeeded
	Checks, Failures uint64
	Text             string // what the last one found
	Times            ProbeTimes
}

// Check is the outcome of one health check.
type Check struct {
	OK   bool
	Text string // what it found, for people
	Took time.Duration
}

// Observe returns p with one more check.
func (p Probe) Observe(c Check) Probe {
	p.Up, p.Text = c.OK, c.Text
	p.Checks++
	if !p.Up {
		p.Failures++
	}
	p.Times = p.Times.Observe(c.Took)
	return p
}

// Reloads counts the reloads of an app.
type Reloads struct {
	Done, Failed uint64
	Times        Histogram // seconds that the done ones took
}

// Observe returns r with one more reload, which failed if err is not nil.
func (r Reloads) Observe(err error, took time.Duration) Reloads {
	if err != nil {
		r.Failed++
		return r
	}
	r.Done++
	r.Times = r.Times.Observe(took)
	return r
}

// Config is how the ecosystem file came to be what gorun runs by.
type Config struct {
	Reloads, Failures uint64    // since the start
	Loaded            time.Time // when it last succeeded
}
