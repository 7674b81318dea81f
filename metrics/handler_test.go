package metrics

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// workers serve metrics of their own; nil: one that does not.
type workers []http.Handler

// snapshot has them in one app, beside an app without metrics of its own.
func (f workers) snapshot() status.Snapshot {
	app := status.App{Name: "api"}
	for i := range f {
		app.Workers = append(app.Workers, status.Worker{App: "api", Instance: i, Pid: 40 + i, Started: time.Unix(1, 0)})
	}
	return status.Snapshot{Apps: []status.App{app, {Name: "plain"}}}
}

func (f workers) Spec(app string) *spec.App {
	if app == "plain" {
		return &spec.App{}
	}
	return &spec.App{Metrics: &spec.Metrics{Path: "/metrics"}}
}

func (f workers) Dial(ctx context.Context, worker status.Target, _ int) (net.Conn, error) {
	handler := f[worker.Instance]
	if handler == nil {
		return nil, io.ErrUnexpectedEOF
	}
	server := httptest.NewServer(handler)
	context.AfterFunc(ctx, server.Close)
	return new(net.Dialer).DialContext(ctx, "tcp", server.Listener.Addr().String())
}

func (f workers) AskMetrics(ctx context.Context, worker status.Target) (json.RawMessage, error) {
	if worker.Instance == 1 {
		<-ctx.Done() // it hangs
		return nil, ctx.Err()
	}
	return fmt.Appendf(nil, `{"type":"prom-client:getMetricsRes","requestId":1,"metrics":[[{"name":"hits_total","help":"Hits.","type":"counter","values":[{"value":%d,"labels":{}}]}]]}`, worker.Instance+1), nil
}

// says answers with its number of requests, and with a name that is not its own.
func says(n int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "# HELP requests_total Requests.\n# TYPE requests_total counter\nrequests_total{app=\"own\"} %d\n", n)
		fmt.Fprintf(w, "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total %d\n", n)
		fmt.Fprint(w, "gorun_mine 1\n")
	})
}

func TestWorkersOwnMetricsAreServedWithGoruns(t *testing.T) {
	all := workers{says(3), nil, says(5)}
	o := options(fake(all.snapshot))
	o.Workers = all
	handler := Handler(o)
	for _, accept := range []string{"", "application/openmetrics-text; version=1.0.0"} {
		text := scrape(t, handler, accept).Body.String()
		for _, want := range []string{
			`requests_total{app="api",exported_app="own",worker="0"} 3`,
			`requests_total{app="api",exported_app="own",worker="2"} 5`,
			`process_cpu_seconds_total{app="api",worker="2"} 5`,
			`gorun_worker_scrape_success{app="api",worker="0"} 1`,
			`gorun_worker_scrape_success{app="api",worker="1"} 0`,
			`gorun_worker_scrape_dropped_samples{app="api",cause="reserved",worker="2"} 1`,
			`gorun_worker_up{app="api",worker="0"} 1`,
		} {
			if !strings.Contains(text, strings.TrimSuffix(want, " ")) {
				t.Errorf("accepting %q: no %s", accept, want)
			}
		}
		if strings.Count(text, "# TYPE process_cpu_seconds") != 1 {
			t.Errorf("accepting %q: process_cpu_seconds is not one family", accept)
		}
	}
}

func TestOneAppOrGorunAloneCanBeAskedFor(t *testing.T) {
	all := workers{says(3)}
	o := options(fake(all.snapshot))
	o.Workers = all
	handler := Handler(o)
	for query, want := range map[string]struct {
		code         int
		part, absent string
	}{
		"?app=api":   {200, "requests_total", "gorun_"},
		"?app=plain": {200, "", "requests_total"},
		"?app=gone":  {404, "no such app", "gorun_"},
		"?self":      {200, "gorun_build_info", "requests_total"},
	} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics"+query, http.NoBody))
		if text := w.Body.String(); w.Code != want.code || !strings.Contains(text, want.part) || strings.Contains(text, want.absent) {
			t.Errorf("%s: %d %s", query, w.Code, text)
		}
	}
}

// overIPC are three workers that are asked over their IPC channel; the second
// hangs.
type overIPC struct {
	workers
	aggregate bool
}

func (o overIPC) Spec(app string) *spec.App {
	s := o.workers.Spec(app)
	if s.Metrics != nil {
		s.Metrics = &spec.Metrics{IPC: true, Aggregate: o.aggregate, Timeout: time.Second}
	}
	return s
}

func TestPromClientIsAskedOverIPC(t *testing.T) {
	for want, aggregate := range map[string]bool{`hits_total{app="api"} 4`: true, `hits_total{app="api",worker="2"} 3`: false} {
		all := make(workers, 3)
		o := options(fake(all.snapshot))
		o.Workers = overIPC{all, aggregate}
		text := scrape(t, Handler(o), "").Body.String()
		for _, want := range []string{want, `gorun_worker_scrape_success{app="api",worker="0"} 1`, `gorun_worker_scrape_success{app="api",worker="1"} 0`} {
			if !strings.Contains(text, want) {
				t.Errorf("no %s", want)
			}
		}
	}
}
