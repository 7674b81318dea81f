package health

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

type fake Report

func (f fake) Health() Report { return Report(f) }

// mixed is a report with an app for each status.
var mixed = Report{Apps: []App{
	{Name: "api", Desired: 2, Online: 2, Grace: time.Minute, EverReady: true, Restarts: 3, LastExit: "137 = SIGKILL"},
	{Name: "migrate", Completed: true, LastExit: "0"},
	{Name: "queue", Desired: 1, Errored: true, Restarts: 16, LastExit: "1", Reasons: []string{"gave up after 16 restarts"}},
	{Name: "web", Desired: 4, Down: 95500 * time.Millisecond, Grace: time.Minute, EverReady: true},
}}

func get(t *testing.T, source Source, method, target string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	Handler(source).ServeHTTP(w, httptest.NewRequest(method, target, nil))
	if got := w.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("%s %s: Cache-Control = %q, want no-store", method, target, got)
	}
	return w
}

func TestAnswers(t *testing.T) {
	well := Report{Apps: mixed.Apps[:2]}
	unstarted := Report{Apps: []App{{Name: "spare", NotStarted: true}}}
	stopping := Report{Stopping: true, Apps: mixed.Apps[:1]}
	hostile := Report{Apps: []App{{Name: "a\n[+]b", Desired: 1, LastExit: "1\n[+]c"}}}
	tests := []struct {
		name, target string
		report       Report
		status       int
		want         []string
	}{
		{"live", "/livez", well, 200, []string{"ok"}},
		{"ready", "/readyz", well, 200, []string{"ok"}},
		{"started", "/startupz", well, 200, []string{"ok"}},
		{"live, every check", "/livez?verbose", well, 200, []string{
			"[+]gorun ok",
			"[+]app api ok: 2 of 2 workers online",
			"[+]app migrate ok: 0 of 0 workers online",
			"ok",
		}},
		{"not live", "/livez", mixed, 503, []string{
			"[-]app queue failed: errored, 0 of 1 workers online; gave up after 16 restarts",
			"[-]app web failed: no worker online for 1m36s, longer than its grace of 1m0s",
			"failed",
		}},
		{"not ready, every check", "/readyz?verbose=1", mixed, 503, []string{
			"[+]gorun ok",
			"[+]app api ok: 2 of 2 workers online",
			"[+]app migrate ok: completed",
			"[-]app queue failed: 0 of 1 workers online, needs 1; gave up after 16 restarts",
			"[-]app web failed: 0 of 4 workers online, needs 1",
			"failed",
		}},
		{"not started", "/startupz", mixed, 503, []string{
			"[-]app queue failed: not ready yet, 0 of 1 workers online; gave up after 16 restarts",
			"failed",
		}},
		{"an app that is not started", "/readyz?verbose", unstarted, 200, []string{"[+]gorun ok", "[+]app spare ok: not started", "ok"}},
		{"one app that is well", "/livez?app=api&verbose", mixed, 200, []string{
			"[+]gorun ok", "[+]app api ok: 2 of 2 workers online", "ok",
		}},
		{"one app that is not", "/readyz?app=web", mixed, 503, []string{
			"[-]app web failed: 0 of 4 workers online, needs 1", "failed",
		}},
		{"an app that is not there", "/readyz?app=wbe", mixed, 404, []string{`unknown app "wbe"; known apps: api, migrate, queue, web`}},
		{"an app by no name", "/health?app=", Report{}, 404, []string{`unknown app ""; known apps: none`}},
		{"a stop takes readiness away", "/readyz", stopping, 503, []string{"[-]gorun failed: shutting down", "failed"}},
		{"a stop leaves one app's readiness away too", "/readyz?app=api", stopping, 503, []string{"[-]gorun failed: shutting down", "failed"}},
		{"a stop is no reason to restart", "/livez", stopping, 200, []string{"ok"}},
		{"names cannot forge lines", "/readyz", hostile, 503, []string{
			`[-]app "a\n[+]b" failed: 0 of 1 workers online, needs 1; last exit: "1\n[+]c"`, "failed",
		}},
		{"another path", "/healthz", well, 404, []string{"404 page not found"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := get(t, fake(test.report), http.MethodGet, test.target)
			if want := strings.Join(test.want, "\n") + "\n"; w.Code != test.status || w.Body.String() != want {
				t.Errorf("GET %s = %d\n%swant %d\n%s", test.target, w.Code, w.Body, test.status, want)
			}
			if got := w.Header().Get("Content-Type"); got != "text/plain; charset=utf-8" {
				t.Errorf("Content-Type = %q, want text", got)
			}
		})
	}
}

const golden = `{
  "status": "failing",
  "live": false,
  "ready": false,
  "started": false,
  "stopping": false,
  "reasons": [
    "app queue: errored, 0 of 1 workers online; gave up after 16 restarts"
  ],
  "apps": [
    {
      "name": "api",
      "status": "ok",
      "desired": 2,
      "online": 2,
      "completed": false,
      "restarts": 3,
      "last_exit": "137 = SIGKILL",
      "reasons": []
    },
    {
      "name": "queue",
      "status": "failing",
      "desired": 1,
      "online": 0,
      "completed": false,
      "restarts": 16,
      "last_exit": "1",
      "reasons": [
        "errored, 0 of 1 workers online; gave up after 16 restarts"
      ]
    }
  ]
}
`

func TestHealthIsJSON(t *testing.T) {
	w := get(t, fake{Apps: []App{mixed.Apps[0], mixed.Apps[2]}}, http.MethodGet, "/health")
	if w.Code != 503 || w.Body.String() != golden {
		t.Errorf("GET /health = %d\n%s\nwant 503\n%s", w.Code, w.Body, golden)
	}
	if got := w.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type = %q, want JSON", got)
	}
}

func TestHealthStatusAndVerboseChecks(t *testing.T) {
	unready := Report{Apps: []App{{Name: "api", Desired: 1, Down: 1, Grace: time.Minute}}}
	tests := []struct {
		name, target string
		report       Report
		status       int
		want         string
	}{
		{"nothing to run", "/health", Report{}, 200, `"status": "ok"`},
		{"empty lists are lists", "/health", Report{}, 200, `"apps": []`},
		{"a job is completed", "/health?app=migrate", mixed, 200, `"status": "completed"`},
		{"not started", "/health", Report{Apps: []App{{Name: "spare", NotStarted: true}}}, 200, `"status": "stopped"`},
		{"live but not ready", "/health", unready, 200, `"status": "unready"`},
		{"stopping", "/health", Report{Stopping: true}, 200, `"status": "stopping"`},
		{"every check", "/health?verbose", Report{}, 200, `"name": "gorun",`},
		{"invalid UTF-8", "/health", Report{Apps: []App{{Name: "a\xff<"}}}, 200, `"name": "a\ufffd<"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := get(t, fake(test.report), http.MethodGet, test.target)
			if w.Code != test.status || !strings.Contains(w.Body.String(), test.want) {
				t.Errorf("GET %s = %d\n%swant %d with %s", test.target, w.Code, w.Body, test.status, test.want)
			}
		})
	}
}

func TestOnlyReadingIsAllowed(t *testing.T) {
	for method, want := range map[string]int{"GET": 200, "HEAD": 200, "POST": 405, "PUT": 405, "DELETE": 405, "OPTIONS": 405} {
		for _, path := range []string{"/health", "/livez", "/readyz", "/startupz"} {
			w := get(t, fake{}, method, path)
			if w.Code != want {
				t.Errorf("%s %s = %d, want %d", method, path, w.Code, want)
			}
			if allow := w.Header().Get("Allow"); want == 405 && allow != "GET, HEAD" {
				t.Errorf("%s %s: Allow = %q, want GET, HEAD", method, path, allow)
			}
		}
	}
}

// hung never answers, like a supervisor that is stuck.
type hung struct{ released chan struct{} }

func (h hung) Health() Report {
	<-h.released
	return Report{}
}

func TestAHungSourceIsNotLive(t *testing.T) {
	for path, want := range map[string]string{"/livez": "[-]gorun failed: does not answer\n", "/health": `"gorun: does not answer"`} {
		synctest.Test(t, func(t *testing.T) {
			source := hung{released: make(chan struct{})}
			begin := time.Now()
			w := get(t, source, http.MethodGet, path)
			if took := time.Since(begin); took >= time.Second {
				t.Errorf("GET %s took %v, want less than a probe's second", path, took)
			}
			if w.Code != 503 || !strings.Contains(w.Body.String(), want) {
				t.Errorf("GET %s = %d\n%swant 503 with %s", path, w.Code, w.Body, want)
			}
			close(source.released)
		})
	}
}

func TestRequestsAtTheSameTime(t *testing.T) {
	handler := Handler(fake(mixed))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/health?verbose", nil))
			}
		})
	}
	wg.Wait()
}
