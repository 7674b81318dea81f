package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"gorun/supervisor/status"
)

func TestL26AnAppAtRestUntilItsScheduleGatesNothing(t *testing.T) {
	now := time.Now()
	next := now.Add(time.Hour)
	job := status.App{
		Name: "nightly", Mode: "fork", ReadyMin: 1, Scheduled: true, NextRun: next,
		Workers: []status.Worker{{App: "nightly", Since: now, LastExit: &status.Exit{Code: 3, Outcome: status.Failure, Text: "3"}, Unstable: 4}},
	}
	running := job
	running.NextRun, running.Desired, running.DownSince = time.Time{}, 1, now.Add(-time.Hour)
	running.Workers = []status.Worker{{App: "nightly", State: status.Launching, Since: now, Pid: 7}}
	for _, path := range []string{"/livez", "/readyz", "/startupz", "/health", "/readyz?verbose", "/"} {
		code, body := ask(t, options(api(2), job), http.MethodGet, path)
		if code != http.StatusOK {
			t.Errorf("GET %s while it waits: %d\n%s", path, code, body)
		}
		want := "waiting for " + status.Clock(next, now) + ", last run 3"
		if told := strings.Contains(body, want); !told && (path == "/health" || path == "/" || path == "/readyz?verbose") {
			t.Errorf("GET %s does not say %q:\n%s", path, want, body)
		}
		if code, body := ask(t, options(api(2), running), http.MethodGet, path); code != http.StatusOK {
			t.Errorf("GET %s while it runs: %d\n%s", path, code, body)
		}
	}
	if _, body := ask(t, options(job), http.MethodGet, "/health"); !strings.Contains(body, `"status": "waiting"`) {
		t.Errorf("/health:\n%s", body)
	}
}
