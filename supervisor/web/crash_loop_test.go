package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"gorun/supervisor/status"
)

// looping is an app whose only worker fails again and again.
func looping(state status.State) status.App {
	now := time.Now()
	app := status.App{Name: "api", Desired: 1, ReadyMin: 1, EverReady: true, Grace: time.Minute, DownSince: now.Add(-time.Hour)}
	app.Workers = []status.Worker{{
		App: "api", State: state, Ready: state == status.Online, Since: now.Add(-3 * time.Second), Backoff: 15 * time.Second,
		Unstable: 8, FailingSince: now.Add(-time.Hour), LastExit: &status.Exit{Code: 1, Outcome: status.Failure, Text: "1"},
	}}
	return app
}

func TestL23EveryPageSaysThatAWorkerIsCrashLooping(t *testing.T) {
	waiting := options(looping(status.WaitingRestart))
	for _, path := range []string{"/health", "/livez", "/readyz", "/"} {
		code, body := ask(t, waiting, http.MethodGet, path)
		if !strings.Contains(body, "crash looping, next start in 12 s") || code != http.StatusServiceUnavailable && path != "/" {
			t.Errorf("GET %s: %d\n%s", path, code, body)
		}
	}
	online := options(looping(status.Online))
	for path, want := range map[string]int{"/health": 503, "/livez": 503, "/readyz": 200, "/": 200} {
		code, body := ask(t, online, http.MethodGet, path)
		if code != want || path != "/readyz" && !strings.Contains(body, "crash looping") {
			t.Errorf("GET %s while it is online: %d, want %d\n%s", path, code, want, body)
		}
	}
}
