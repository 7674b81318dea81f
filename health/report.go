// Package health checks workers (Check.Run), and answers /health, /livez, /readyz and
// /startupz from a Report on all apps (Handler). It knows neither supervisor nor
// processes: a Prober reaches the worker, a Source reports on the apps. Check.Run runs
// on its caller's goroutine.
package health

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Report is the state of all apps.
type Report struct {
	Stopping bool // gorun is shutting down
	Apps     []App
}

// App is the health of one app.
type App struct {
	Name       string
	Desired    int // workers that should run now
	Online     int // workers that are online and healthy
	ReadyMin   int // workers that make the app ready; 0 means 1
	Errored    bool
	Down       time.Duration // for how long it has had no worker that stays online, though it should; 0: it has one
	Grace      time.Duration // how long Down may last before the app is not alive
	EverReady  bool          // it has been ready once
	Completed  bool          // a job that succeeded: it needs no worker any more
	NotStarted bool          // autostart: false, and not started yet
	Waiting    string        // at rest until its schedule, and until when; "": it is not
	Scheduled  bool          // a job of the clock: nobody waits for it to be online
	Restarts   uint64
	LastExit   string   // "137 = SIGKILL", "" before the first
	Reasons    []string // why the app is not healthy; they replace LastExit
}

// check is one line of a response.
type check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
}

// String formats the check as Kubernetes' own components do.
func (c check) String() string {
	mark, word := "[+]", " ok"
	if !c.OK {
		mark, word = "[-]", " failed"
	}
	if c.Detail == "" {
		return mark + c.Name + word
	}
	return mark + c.Name + word + ": " + c.Detail
}

// Live is whether gorun need not be restarted: no app is errored or down for longer
// than its grace. While gorun shuts down that is expected.
func (r Report) Live() bool { return passed(r.live()) }

// Ready is whether every app can serve and gorun is not shutting down.
func (r Report) Ready() bool { return passed(r.ready()) }

// Started is whether every app has been ready once.
func (r Report) Started() bool { return passed(r.started()) }

func passed(checks []check) bool {
	return !slices.ContainsFunc(checks, func(c check) bool { return !c.OK })
}

func (r Report) live() []check {
	checks := []check{{Name: "gorun", OK: true}}
	for _, app := range r.Apps {
		c := app.live()
		c.OK = c.OK || r.Stopping
		checks = append(checks, c)
	}
	return checks
}

func (r Report) ready() []check {
	stop := check{Name: "gorun", OK: !r.Stopping}
	if r.Stopping {
		stop.Detail = "shutting down"
	}
	checks := []check{stop}
	for _, app := range r.Apps {
		checks = append(checks, app.ready())
	}
	return checks
}

func (r Report) started() []check {
	checks := []check{{Name: "gorun", OK: true}}
	for _, app := range r.Apps {
		checks = append(checks, app.started())
	}
	return checks
}

func (a App) live() check {
	switch {
	case a.Errored:
		return a.failed("errored, " + a.workers())
	case a.Scheduled || a.Waiting != "":
		return a.ready()
	case a.Down > a.Grace && a.Online > 0:
		return a.failed(fmt.Sprintf("no worker has stayed online for %v, longer than the grace of %v", round(a.Down), a.Grace))
	case a.Down > a.Grace:
		return a.failed(fmt.Sprintf("no worker online for %v, longer than its grace of %v", round(a.Down), a.Grace))
	}
	return a.passed(a.workers())
}

func (a App) ready() check {
	needed := max(a.ReadyMin, 1)
	switch {
	case a.Waiting != "":
		return a.passed(printable(a.Waiting))
	case a.Scheduled:
		return a.passed("runs by its schedule, " + a.workers())
	case a.Completed:
		return a.passed("completed")
	case a.NotStarted:
		return a.passed("not started")
	case a.Online >= needed:
		return a.passed(a.workers())
	}
	return a.failed(fmt.Sprintf("%s, needs %d", a.workers(), needed))
}

func (a App) started() check {
	if a.EverReady || a.Completed || a.NotStarted || a.Waiting != "" || a.Scheduled {
		return a.passed("")
	}
	return a.failed("not ready yet, " + a.workers())
}

func (a App) passed(detail string) check {
	return check{Name: "app " + printable(a.Name), OK: true, Detail: detail}
}

// failed adds the reasons, else the last exit, to the detail.
func (a App) failed(detail string) check {
	if a.LastExit != "" && len(a.Reasons) == 0 {
		detail += "; last exit: " + printable(a.LastExit)
	}
	for _, reason := range a.Reasons {
		detail += "; " + printable(reason)
	}
	return check{Name: "app " + printable(a.Name), Detail: detail}
}

func (a App) workers() string {
	return fmt.Sprintf("%d of %d workers online", a.Online, a.Desired)
}

// printable keeps a line one line, whatever is in the text.
func printable(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return !strconv.IsPrint(r) || r == '\uFFFD' }) {
		return strconv.Quote(text)
	}
	return text
}

// round keeps a duration short to read.
func round(d time.Duration) time.Duration {
	if d < time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(time.Second)
}

// names lists the apps for a request that names an unknown one.
func (r Report) names() string {
	names := make([]string, 0, len(r.Apps))
	for _, app := range r.Apps {
		names = append(names, printable(app.Name))
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// onlyApp is the report on one app.
func (r Report) onlyApp(name string) (Report, bool) {
	for _, app := range r.Apps {
		if app.Name == name {
			r.Apps = []App{app}
			return r, true
		}
	}
	return r, false
}
