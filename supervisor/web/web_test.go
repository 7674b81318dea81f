package web

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gorun/metrics"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// source is a supervisor that never changes.
type source status.Snapshot

func (s source) Snapshot() status.Snapshot { return status.Snapshot(s) }
func (s source) Sample() status.Snapshot   { return status.Snapshot(s) }

func (source) Spec(string) *spec.App { return nil }

func (s source) Recent(int) []status.Event { return nil }

func (s source) Dial(context.Context, status.Target, int) (net.Conn, error) {
	return nil, net.ErrClosed
}

func (s source) AskMetrics(context.Context, status.Target) (json.RawMessage, error) {
	return nil, net.ErrClosed
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func options(apps ...status.App) Options {
	return Options{
		Source: source{Apps: apps}, Build: metrics.Build{Version: "1.2.3"}, Log: quiet(),
		Signals: func() map[string]uint64 { return map[string]uint64{"SIGHUP": 2} },
	}
}

// api is an app with so many workers online of two.
func api(online int) status.App {
	app := status.App{Name: "api", Desired: 2, ReadyMin: 1, EverReady: true, Grace: time.Minute}
	for i := range 2 {
		state := status.WaitingRestart
		if i < online {
			state = status.Online
		}
		app.Workers = append(app.Workers, status.Worker{
			App: "api", Instance: i, State: state, Ready: state == status.Online, LastExit: &status.Exit{Code: 137, Text: "137 = SIGKILL"},
		})
	}
	return app
}

func ask(t *testing.T, o Options, method, path string) (int, string) {
	t.Helper()
	recorder := httptest.NewRecorder()
	o.Handler().ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), method, path, http.NoBody))
	return recorder.Code, recorder.Body.String()
}

func TestThePathsAreServed(t *testing.T) {
	well := options(api(2))
	for path, want := range map[string]struct {
		code int
		part string
	}{
		"/livez":             {200, "ok"},
		"/readyz?verbose":    {200, "[+]app api ok: 2 of 2 workers online"},
		"/startupz":          {200, "ok"},
		"/health":            {200, `"name": "api"`},
		"/livez?app=api":     {200, "ok"},
		"/livez?app=nothing": {404, "known apps: api"},
		"/metrics":           {200, `gorun_worker_last_exit_code{app="api",worker="1"} 137`},
		"/":                  {200, "<!doctype html>"},
		"/nothing":           {404, ""},
		"/metrics/x":         {404, ""},
	} {
		if code, body := ask(t, well, http.MethodGet, path); code != want.code || !strings.Contains(body, want.part) {
			t.Errorf("GET %s: %d, want %d with %q in:\n%s", path, code, want.code, want.part, body[:min(len(body), 500)])
		}
	}
}

func TestNothingCanBeChanged(t *testing.T) {
	for _, path := range []string{"/health", "/livez", "/metrics"} {
		if code, _ := ask(t, options(api(2)), http.MethodPost, path); code != http.StatusMethodNotAllowed {
			t.Errorf("POST %s: %d, want 405", path, code)
		}
	}
}

func TestMetricsAgreeWithHealth(t *testing.T) {
	_, body := ask(t, options(api(2)), http.MethodGet, "/metrics")
	for _, line := range []string{"gorun_live 1", "gorun_ready 1", "gorun_shutting_down 0", `gorun_signals_received_total{signal="SIGHUP"} 2`, `version="1.2.3"`} {
		if !strings.Contains(body, line) {
			t.Errorf("%q is missing", line)
		}
	}
	if _, body := ask(t, options(api(0)), http.MethodGet, "/metrics"); !strings.Contains(body, "gorun_ready 0") {
		t.Error("ready without any worker online")
	}
}

func TestChecksOfApps(t *testing.T) {
	down := api(0)
	down.DownSince = time.Now().Add(-time.Hour)
	justDown := api(0)
	justDown.DownSince = time.Now()
	one := api(1)
	one.ReadyMin = 2
	never := api(0)
	never.EverReady, never.Blocked = false, "waits for app migrate"
	errored := api(0)
	errored.Workers[0].State, errored.Workers[1].State = status.Errored, status.Errored
	done := status.App{Name: "migrate", Completed: true, EverReady: true}
	unstarted := status.App{Name: "spare", NotStarted: true, EverReady: true}
	for _, test := range []struct {
		name                 string
		app                  status.App
		live, ready, started int
		reason               string
	}{
		{"online", api(2), 200, 200, 200, ""},
		{"enough online", api(1), 200, 200, 200, ""},
		{"fewer than ready_min", one, 200, 503, 200, "1 of 2 workers online, needs 2"},
		{"down for a moment", justDown, 200, 503, 200, "worker 0 is waiting restart, last exit 137 = SIGKILL"},
		{"down for long", down, 503, 503, 200, "0 of 2 workers online"},
		{"waiting for another app", never, 200, 503, 503, "waits for app migrate"},
		{"errored", errored, 503, 503, 200, "worker 1 is errored"},
		{"completed", done, 200, 200, 200, ""},
		{"not started", unstarted, 200, 200, 200, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			for path, want := range map[string]int{"/livez": test.live, "/health": test.live, "/readyz": test.ready, "/startupz": test.started} {
				if code, body := ask(t, options(test.app), http.MethodGet, path); code != want {
					t.Errorf("%s: %d, want %d\n%s", path, code, want, body)
				}
			}
			if _, body := ask(t, options(test.app), http.MethodGet, "/readyz"); !strings.Contains(body, test.reason) {
				t.Errorf("/readyz gives no %q: %s", test.reason, body)
			}
		})
	}
}

func TestHealthIsJSON(t *testing.T) {
	_, body := ask(t, options(api(1)), http.MethodGet, "/health")
	var answer map[string]any
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Errorf("%v in %s", err, body)
	}
}

func TestNotReadyAtOnceWhenAStopBegins(t *testing.T) {
	o := options()
	o.Source = source{Apps: []status.App{api(2)}, ShuttingDown: true}
	if code, body := ask(t, o, http.MethodGet, "/readyz"); code != 503 || !strings.Contains(body, "shutting down") {
		t.Errorf("/readyz: %d %s, want 503", code, body)
	}
	if code, _ := ask(t, o, http.MethodGet, "/livez"); code != 200 {
		t.Errorf("/livez: %d while draining, want 200", code)
	}
}

// logLines collects the log.
type logLines struct {
	slog.Handler
	lines chan string
}

func (h logLines) Handle(_ context.Context, r slog.Record) error {
	line := r.Level.String() + " " + r.Message
	r.Attrs(func(a slog.Attr) bool {
		line += " " + a.String()
		return true
	})
	h.lines <- line
	return nil
}

func (logLines) Enabled(context.Context, slog.Level) bool { return true }

func serve(t *testing.T, address string) (server *Server, line string, err error) {
	t.Helper()
	lines := make(chan string, 10)
	o := options(api(2))
	o.Address, o.Asked, o.Log = strings.TrimSuffix(address, " asked"), strings.HasSuffix(address, " asked"), slog.New(logLines{lines: lines})
	server, err = Serve(o, o.Handler())
	select {
	case line = <-lines:
	default:
	}
	if err == nil {
		t.Cleanup(server.Close)
	}
	return server, line, err
}

func occupied(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}

func TestAnswersUntilClosed(t *testing.T) {
	server, line, err := serve(t, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(line, "health=")
	url, _, _ := strings.Cut(rest, " ")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatalf("%v in %q", err, line)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	if response.StatusCode != 200 {
		t.Errorf("GET %s: %d, want 200", url, response.StatusCode)
	}
	server.Close()
	if response, err := http.DefaultClient.Do(request); err == nil {
		_ = response.Body.Close()
		t.Error("it answers after Close")
	}
}

func TestNoAddressServesNothing(t *testing.T) {
	if _, line, err := serve(t, ""); err != nil || line != "" {
		t.Errorf("Serve: %v, said %q", err, line)
	}
}

func TestTheDefaultAddressInUseIsOnlyAWarning(t *testing.T) {
	address := occupied(t)
	if _, line, err := serve(t, address); err != nil || !strings.HasPrefix(line, "WARN") || !strings.Contains(line, address) {
		t.Errorf("Serve: %v, said %q, want a warning that names %s", err, line, address)
	}
}

func TestAnAddressThatWasAskedForMustBeFree(t *testing.T) {
	for _, address := range []string{occupied(t), "256.0.0.1:1", "nonsense"} {
		if _, _, err := serve(t, address+" asked"); err == nil {
			t.Errorf("Serve(%s) succeeded", address)
		}
	}
}
