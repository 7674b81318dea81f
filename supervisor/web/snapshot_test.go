package web

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// flapping is a supervisor whose app is online in every other snapshot.
type flapping struct {
	source
	snapshots atomic.Int32
}

func (f *flapping) Snapshot() status.Snapshot {
	app := api(0)
	if f.snapshots.Add(1)%2 == 1 {
		app = api(2)
		app.Workers[0].Pid, app.Workers[1].Pid = 40, 41
	}
	return status.Snapshot{Apps: []status.App{app}}
}

func (f *flapping) Sample() status.Snapshot { return f.Snapshot() }

func (*flapping) Spec(string) *spec.App { return &spec.App{Metrics: &spec.Metrics{Path: "/metrics"}} }

func TestEachPageShowsOneSnapshot(t *testing.T) {
	for _, path := range []string{"/metrics", "/metrics?self", "/metrics?app=api", "/health?verbose", "/livez", "/readyz", "/startupz", "/", "/?fragment"} {
		supervisor := &flapping{}
		o := options()
		o.Source = supervisor
		if code, body := ask(t, o, http.MethodGet, path); code != http.StatusOK {
			t.Errorf("GET %s: %d\n%s", path, code, body)
		}
		if n := supervisor.snapshots.Load(); n != 1 {
			t.Errorf("GET %s took %d snapshots, want 1", path, n)
		}
	}
}

// The app was ready by one figure of the page and down by another.
func TestTheFiguresOfAPageAgree(t *testing.T) {
	o := options()
	o.Source = &flapping{}
	for scrape, want := range []string{"1", "0", "1", "0"} {
		_, body := ask(t, o, http.MethodGet, "/metrics")
		for _, series := range []string{"gorun_ready", `gorun_worker_ready{app="api",worker="0"}`, `gorun_worker_up{app="api",worker="1"}`} {
			if !strings.Contains(body, "\n"+series+" "+want+"\n") {
				t.Errorf("scrape %d: no %s %s", scrape, series, want)
			}
		}
		if asked := strings.Contains(body, "gorun_worker_scrape_success{"); asked != (want == "1") {
			t.Errorf("scrape %d: workers were asked: %v", scrape, asked)
		}
	}
}
