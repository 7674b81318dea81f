package health

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Source reports on the apps. That it answers at all is itself a check.
type Source interface {
	Health() Report
}

// sourceTimeout is how long a source may take: less than the second that
// Kubernetes gives a probe by default.
const sourceTimeout = 900 * time.Millisecond

// Handler serves /livez, /readyz and /startupz as text and /health as JSON:
// 200, or 503 with the reasons. ?verbose lists every check, ?app=NAME those of one
// app. Each request takes one Report.
func Handler(source Source) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /health", endpoint{source, writeJSON, Report.live})
	mux.Handle("GET /livez", endpoint{source, writeText, Report.live})
	mux.Handle("GET /readyz", endpoint{source, writeText, Report.ready})
	mux.Handle("GET /startupz", endpoint{source, writeText, Report.started})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		mux.ServeHTTP(w, r)
	})
}

// endpoint is one path: its checks and its format.
type endpoint struct {
	source Source
	write  func(http.ResponseWriter, *http.Request, response)
	checks func(Report) []check
}

// response is what a request is answered with.
type response struct {
	report Report
	checks []check
}

func (e endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	report, ok := e.report(r)
	if !ok {
		e.write(w, r, response{checks: []check{{Name: "gorun", Detail: "does not answer"}}})
		return
	}
	if query := r.URL.Query(); query.Has("app") {
		app, known := report.onlyApp(query.Get("app"))
		if !known {
			http.Error(w, fmt.Sprintf("unknown app %q; known apps: %s", query.Get("app"), report.names()), http.StatusNotFound)
			return
		}
		report = app
	}
	e.write(w, r, response{report, e.checks(report)})
}

// report waits for the source no longer than sourceTimeout. A source that hangs for
// ever keeps a goroutine for each request until gorun is restarted for it.
func (e endpoint) report(r *http.Request) (Report, bool) {
	reports := make(chan Report, 1)
	go func() { reports <- e.source.Health() }()
	select {
	case report := <-reports:
		return report, true
	case <-time.After(sourceTimeout):
	case <-r.Context().Done():
	}
	return Report{}, false
}

func (r response) code() int {
	if passed(r.checks) {
		return http.StatusOK
	}
	return http.StatusServiceUnavailable
}

func writeText(w http.ResponseWriter, r *http.Request, answer response) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(answer.code())
	for _, c := range answer.checks {
		if !c.OK || r.URL.Query().Has("verbose") {
			fmt.Fprintln(w, c)
		}
	}
	if passed(answer.checks) {
		fmt.Fprintln(w, "ok")
	} else {
		fmt.Fprintln(w, "failed")
	}
}

// document is the JSON of /health.
type document struct {
	Status   string        `json:"status"` // ok, stopping, unready, failing
	Live     bool          `json:"live"`
	Ready    bool          `json:"ready"`
	Started  bool          `json:"started"`
	Stopping bool          `json:"stopping"`
	Reasons  []string      `json:"reasons"`
	Apps     []appDocument `json:"apps"`
	Checks   []check       `json:"checks,omitempty"` // ?verbose
}

type appDocument struct {
	Name      string   `json:"name"`
	Status    string   `json:"status"` // ok, waiting, completed, stopped, unready, failing
	Desired   int      `json:"desired"`
	Online    int      `json:"online"`
	Completed bool     `json:"completed"`
	Restarts  uint64   `json:"restarts"`
	Waiting   string   `json:"waiting,omitempty"` // until when it is at rest: waiting for 17:23, last run 3
	LastExit  string   `json:"last_exit"`
	Reasons   []string `json:"reasons"`
}

func writeJSON(w http.ResponseWriter, r *http.Request, answer response) {
	d := document{
		Live: passed(answer.checks), Ready: answer.report.Ready(), Started: answer.report.Started(), Stopping: answer.report.Stopping,
		Reasons: []string{}, Apps: []appDocument{},
	}
	d.Status = d.statusWord()
	for _, c := range answer.checks {
		if !c.OK {
			d.Reasons = append(d.Reasons, c.Name+": "+c.Detail)
		}
	}
	if r.URL.Query().Has("verbose") {
		d.Checks = answer.checks
	}
	for _, app := range answer.report.Apps {
		d.Apps = append(d.Apps, app.document())
	}
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(d); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(answer.code())
	_, _ = body.WriteTo(w) // the client may have left
}

func (d document) statusWord() string {
	switch {
	case !d.Live:
		return "failing"
	case d.Stopping:
		return "stopping"
	case !d.Ready:
		return "unready"
	}
	return "ok"
}

// document is the app as JSON, with the reasons why it is not live or not ready.
func (a App) document() appDocument {
	d := appDocument{
		Name: a.Name, Status: "ok", Desired: a.Desired, Online: a.Online, Completed: a.Completed,
		Restarts: a.Restarts, LastExit: a.LastExit, Reasons: []string{},
	}
	live, ready := a.live(), a.ready()
	switch {
	case !live.OK:
		d.Status, d.Reasons = "failing", append(d.Reasons, live.Detail)
	case !ready.OK:
		d.Status, d.Reasons = "unready", append(d.Reasons, ready.Detail)
	case a.Waiting != "":
		d.Status, d.Waiting = "waiting", a.Waiting
	case a.Completed:
		d.Status = "completed"
	case a.NotStarted:
		d.Status = "stopped"
	}
	return d
}
