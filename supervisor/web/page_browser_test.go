package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// browse returns the document as a real browser has it after some seconds.
func browse(t *testing.T, handler http.Handler) string {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil || os.Getenv("CI") == "true" {
		t.Skip("needs chromium, and a machine where it starts")
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	browser := exec.CommandContext(ctx, path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--user-data-dir="+t.TempDir(),
		"--virtual-time-budget=9000", "--dump-dom", server.URL)
	document, err := browser.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, document)
	}
	return string(document)
}

func TestPageIsLive(t *testing.T) {
	source := threeApps(time.Now())
	document := browse(t, newPage(source, "1.2.3"))
	if source.samples < 3 {
		t.Errorf("asked %d times in 9 seconds, want some more", source.samples)
	}
	if charts := strings.Count(document, `<path class="area"`); charts < 12 {
		t.Errorf("%d charts are drawn, want some for each worker:\n%s", charts, document)
	}
	if strings.Contains(document, "<b>ø") {
		t.Error("an average is shown where there are two samples")
	}
	if !strings.Contains(document, `role="alert" hidden`) {
		t.Error("a connection is called lost that is not")
	}
}

func TestPageShowsThatGorunDoesNotAnswer(t *testing.T) {
	page := newPage(threeApps(time.Now()), "1.2.3")
	var asked atomic.Int32
	document := browse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) > 2 {
			http.Error(w, "gone", http.StatusBadGateway)
			return
		}
		page.ServeHTTP(w, r)
	}))
	if !strings.Contains(document, `role="alert">gorun does not answer<span aria-hidden="true">, since `) {
		t.Errorf("it does not show that:\n%s", document)
	}
}
