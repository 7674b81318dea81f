// Package health judges a report on all apps and answers /health, /livez,
// /readyz and /startupz with the verdict.
package health

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Report is what there is to judge, filled in by whoever runs the apps.
type Report struct {
	Stopping bool // a stop of everything has begun
	Apps     []App
}

// App is the health of one app.
type App struct {
	Name      string
	Desired   int // workers that should run now
	Online    int // workers that are online and healthy
	ReadyMin  int // workers that make the app ready; 0 means 1
	Errored   bool
	Down      time.Duration // for how long it has had no worker online, though it should; 0: it has one
	Grace     time.Duration // how long Down may last before the app is not alive
	EverReady bool          // it has been ready once
	Completed bool          // a job that ended well: it needs no worker any more
	Resting   bool          // it is not meant to run now, as with autostart: false
	Restarts  uint64
	LastExit  string   // "137 = SIGKILL", "" before the first
	Reasons   []string // why the app is not well, told in place of LastExit
}

// check is one line of an answer.
type check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
}

// String is the line as Kubernetes' own components write it.
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

// Live tells whether gorun should be left alone: no app is errored or down
// for longer than its grace. Once a stop has begun that is expected.
func (r Report) Live() bool { return passed(r.live()) }

// Ready tells whether every app can serve and no stop has begun.
func (r Report) Ready() bool { return passed(r.ready()) }

// Started tells whether every app has been ready once.
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
		stop.Detail = "a stop has begun"
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
	case a.Down > a.Grace:
		return a.failed(fmt.Sprintf("no worker online for %v, longer than its grace of %v", round(a.Down), a.Grace))
	}
	return a.passed(a.workers())
}

func (a App) ready() check {
	needed := max(a.ReadyMin, 1)
	switch {
	case a.Completed:
		return a.passed("completed")
	case a.Resting:
		return a.passed("not meant to run")
	case a.Online >= needed:
		return a.passed(a.workers())
	}
	return a.failed(fmt.Sprintf("%s, needs %d", a.workers(), needed))
}

func (a App) started() check {
	if a.EverReady || a.Completed || a.Resting {
		return a.passed("")
	}
	return a.failed("not ready yet, " + a.workers())
}

func (a App) passed(detail string) check {
	return check{Name: "app " + printable(a.Name), OK: true, Detail: detail}
}

// failed adds all there is to tell to the detail.
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

// printable keeps a line one line, whatever it tells of.
func printable(text string) string {
	for _, r := range text {
		if !strconv.IsPrint(r) || r == '\uFFFD' {
			return strconv.Quote(text)
		}
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

// names lists the apps for those who asked for one that is not there.
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

// only is the report on one app.
func (r Report) only(name string) (Report, bool) {
	for _, app := range r.Apps {
		if app.Name == name {
			r.Apps = []App{app}
			return r, true
		}
	}
	return r, false
}
