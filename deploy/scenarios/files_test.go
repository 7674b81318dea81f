//go:build scenarios

package scenarios_test

import (
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// app is one entry of an ecosystem file, in pm2's words.
type app map[string]any

// service is an app that runs the worker's sub-command for good.
func service(name string, worker ...string) app {
	return app{"name": name, "script": workerBinary, "args": worker, "interpreter": "none"}
}

// job is an app that runs once.
func job(name string, worker ...string) app {
	return service(name, worker...).with("autorestart", false)
}

// with returns the app with one more key.
func (a app) with(key string, value any) app {
	changed := app{key: value}
	for k, v := range a {
		if k != key {
			changed[k] = v
		}
	}
	return changed
}

// ecosystem writes an ecosystem file and returns its path.
func ecosystem(t *testing.T, apps ...app) string {
	t.Helper()
	return ecosystemWith(t, map[string]any{}, apps...)
}

// ecosystemWith writes an ecosystem file with keys beside the apps.
func ecosystemWith(t *testing.T, top map[string]any, apps ...app) string {
	t.Helper()
	top["apps"] = apps
	content, err := json.MarshalIndent(top, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "ecosystem.json")
	writeFile(t, path, string(content), 0o644)
	return path
}

// fileLaunch runs an ecosystem file of these apps, without the listener.
func fileLaunch(t *testing.T, m mode, apps ...app) launch {
	t.Helper()
	return launch{mode: m, args: []string{ecosystem(t, apps...), "--no-web"}}
}

// webLaunch runs an ecosystem file of these apps with the listener on a free
// port of loopback.
func webLaunch(t *testing.T, m mode, apps ...app) launch {
	t.Helper()
	return launch{mode: m, args: []string{ecosystem(t, apps...), "--web", "127.0.0.1:0"}}
}

// address waits for the start-up lines and returns the listener's.
func (g *gorun) address(t *testing.T) string {
	t.Helper()
	return g.err.next(t, `http://(127\.0\.0\.1:\d+)`)[1]
}

var client = &http.Client{Timeout: patience}

// get asks gorun's listener.
func (g *gorun) get(t *testing.T, path string) (status int, body string) {
	t.Helper()
	return get(t, "http://"+g.address(t)+path)
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	answer, err := client.Get(url)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = answer.Body.Close() }()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Errorf("GET %s: %v", url, err)
	}
	return answer.StatusCode, string(content)
}

// metric returns one sample of /metrics; ok is false when there is none. The
// labels are a piece of what stands between the braces.
func (g *gorun) metric(t *testing.T, name string, labels ...string) (value float64, ok bool) {
	t.Helper()
	_, body := g.get(t, "/metrics")
	for line := range strings.Lines(body) {
		sample := regexp.MustCompile(`^` + name + `(?:\{(.*)\})? (\S+)`).FindStringSubmatch(line)
		if sample == nil || !containsAll(sample[1], labels) {
			continue
		}
		value, err := strconv.ParseFloat(sample[2], 64)
		if err != nil {
			t.Errorf("%s: %v", line, err)
		}
		return value, true
	}
	return 0, false
}

func containsAll(text string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

// awaitMetric waits until a sample has a value.
func (g *gorun) awaitMetric(t *testing.T, want float64, name string, labels ...string) {
	t.Helper()
	var last float64
	var found bool
	deadline := time.After(patience)
	for {
		last, found = g.metric(t, name, labels...)
		if found && last == want {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("%s%v is %v (found: %v) after %v, want %v\n%s", name, labels, last, found, patience, want, g.report())
		case <-time.After(20 * time.Millisecond):
		}
	}
}
