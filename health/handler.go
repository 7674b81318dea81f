package health

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Source is whoever runs the apps. That it answers is itself a check.
type Source interface {
	Health() Report
}

// patience is how long a source may take: less than the second that
// Kubernetes gives a probe by default.
const patience = 900 * time.Millisecond

// Handler serves /livez, /readyz and /startupz as text and /health as JSON:
// 200, or 503 with the reasons. ?verbose lists every check, ?app=NAME asks
// about one app.
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

// endpoint is one path: what it judges by and how it says it.
type endpoint struct {
	source Source
	write  func(http.ResponseWriter, *http.Request, answer)
	judge  func(Report) []check
}

// answer is what there is to say.
type answer struct {
	report Report
	checks []check
}

func (e endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	report, ok := e.ask(r)
	if !ok {
		e.write(w, r, answer{checks: []check{{Name: "gorun", Detail: "does not answer"}}})
		return
	}
	if query := r.URL.Query(); query.Has("app") {
		app, known := report.only(query.Get("app"))
		if !known {
			http.Error(w, fmt.Sprintf("no app %q; there are: %s", query.Get("app"), report.names()), http.StatusNotFound)
			return
		}
		report = app
	}
	e.write(w, r, answer{report, e.judge(report)})
}

// ask waits for the source no longer than patience. One that hangs for ever
// keeps a goroutine for each question until gorun is restarted for it.
func (e endpoint) ask(r *http.Request) (Report, bool) {
	reports := make(chan Report, 1)
	go func() { reports <- e.source.Health() }()
	select {
	case report := <-reports:
		return report, true
	case <-time.After(patience):
	case <-r.Context().Done():
	}
	return Report{}, false
}

func (a answer) status() int {
	if passed(a.checks) {
		return http.StatusOK
	}
	return http.StatusServiceUnavailable
}

func writeText(w http.ResponseWriter, r *http.Request, a answer) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(a.status())
	for _, c := range a.checks {
		if !c.OK || r.URL.Query().Has("verbose") {
			fmt.Fprintln(w, c)
		}
	}
	if passed(a.checks) {
		fmt.Fprintln(w, "ok")
	} else {
		fmt.Fprintln(w, "failed")
	}
}

// document is the JSON of /health.
type document struct {
	Status   string     `json:"status"` // ok, stopping, unready, failing
	Live     bool       `json:"live"`
	Ready    bool       `json:"ready"`
	Started  bool       `json:"started"`
	Stopping bool       `json:"stopping"`
	Reasons  []string   `json:"reasons"`
	Apps     []appEntry `json:"apps"`
	Checks   []check    `json:"checks,omitempty"` // ?verbose
}

type appEntry struct {
	Name      string   `json:"name"`
	Status    string   `json:"status"` // ok, completed, resting, unready, failing
	Desired   int      `json:"desired"`
	Online    int      `json:"online"`
	Completed bool     `json:"completed"`
	Restarts  uint64   `json:"restarts"`
	LastExit  string   `json:"last_exit"`
	Reasons   []string `json:"reasons"`
}

func writeJSON(w http.ResponseWriter, r *http.Request, a answer) {
	d := document{
		Live: passed(a.checks), Ready: a.report.Ready(), Started: a.report.Started(), Stopping: a.report.Stopping,
		Reasons: []string{}, Apps: []appEntry{},
	}
	d.Status = d.word()
	for _, c := range a.checks {
		if !c.OK {
			d.Reasons = append(d.Reasons, c.Name+": "+c.Detail)
		}
	}
	if r.URL.Query().Has("verbose") {
		d.Checks = a.checks
	}
	for _, app := range a.report.Apps {
		d.Apps = append(d.Apps, app.entry())
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
	w.WriteHeader(a.status())
	_, _ = body.WriteTo(w) // the client may have gone
}

func (d document) word() string {
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

// entry tells about one app, with the reasons why it is not live or not
// ready.
func (a App) entry() appEntry {
	e := appEntry{
		Name: a.Name, Status: "ok", Desired: a.Desired, Online: a.Online, Completed: a.Completed,
		Restarts: a.Restarts, LastExit: a.LastExit, Reasons: []string{},
	}
	live, ready := a.live(), a.ready()
	switch {
	case !live.OK:
		e.Status, e.Reasons = "failing", append(e.Reasons, live.Detail)
	case !ready.OK:
		e.Status, e.Reasons = "unready", append(e.Reasons, ready.Detail)
	case a.Completed:
		e.Status = "completed"
	case a.Resting:
		e.Status = "resting"
	}
	return e
}
