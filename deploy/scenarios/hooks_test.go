//go:build scenarios

//nolint:thelper // bodies of subtests are no helpers
package scenarios_test

import (
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// told is what a hook is told.
type told struct {
	Text, Event, App, Reason, Exit, Signal, Next, Time string

	Worker, Pid, Code int
	Tail              []string
}

// chat stands for a chat's webhooks: it answers with each status in turn, the
// last one for ever, and keeps what it was told each time.
type chat struct {
	*httptest.Server

	mu       sync.Mutex
	statuses []int
	heard    []told
}

func newChat(t *testing.T, statuses ...int) *chat {
	t.Helper()
	c := &chat{statuses: statuses}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var what told
		if err := json.NewDecoder(r.Body).Decode(&what); err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %v: %v", r.Method, r.Header, err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.heard = append(c.heard, what)
		w.WriteHeader(c.statuses[0])
		c.statuses = c.statuses[min(1, len(c.statuses)-1):]
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *chat) all() []told {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.heard)
}

// hook is an entry for the chat.
func (c *chat) hook() map[string]any { return map[string]any{"webhook": c.URL + "/services/SECRET"} }

// commandHook is an entry for a command of the worker.
func commandHook(worker ...string) map[string]any {
	return map[string]any{"exec": append([]string{workerBinary}, worker...), "retries": 0}
}

// noted is what the worker's "note" has put into its file.
type noted struct {
	UID     int
	Dir     string
	Environ []string
	Input   told
}

func awaitNoted(t *testing.T, path string) noted {
	t.Helper()
	var n noted
	eventually(t, path, func() bool { return unix.Access(path, unix.R_OK) == nil })
	if err := json.Unmarshal([]byte(readText(t, path)), &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestACrashIsToldToACommandAndAWebhook(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		dir, crashes, restarts := openDir(t), newChat(t, 500, 200), newChat(t, 200)
		g := start(t, fileLaunch(t, m, service("api", "crash-after", "300ms", "3").with("cwd", dir).with("min_uptime", "10ms").
			with("restart_delay", "1h").with("on_exit", []any{commandHook("note", "noted.json"), crashes.hook()}).
			with("on_restart", restarts.hook())))
		pid := g.out.next(t, `^started \d+ (\d+)`)[1]
		n := awaitNoted(t, filepath.Join(dir, "noted.json"))
		for _, want := range []string{
			"GORUN_EVENT=exit", "GORUN_APP=api", "GORUN_INSTANCE=0", "GORUN_PID=" + pid, "GORUN_EXIT=exit 3", "GORUN_EXIT_CODE=3",
			"GORUN_REASON=exit", "GORUN_NEXT=restart in 1h0m0s", "name=api", "NODE_APP_INSTANCE=0", g.marker,
		} {
			if !slices.Contains(n.Environ, want) {
				t.Errorf("%s is missing in %q", want, n.Environ)
			}
		}
		if n.Dir != dir || strconv.Itoa(n.Input.Pid) != pid {
			t.Errorf("in %s, and on standard input %+v", n.Dir, n.Input)
		}
		eventually(t, "the second try", func() bool { return len(crashes.all()) == 2 })
		for _, got := range crashes.all() {
			if got.Event != "exit" || got.App != "api" || strconv.Itoa(got.Pid) != pid || got.Code != 3 || got.Exit != "exit 3" ||
				got.Next != "restart in 1h0m0s" || len(got.Tail) != 1 || !strings.HasPrefix(got.Text, "api/0 ended: exit 3; restart in 1h0m0s") {
				t.Errorf("the webhook got %+v", got)
			}
		}
		if len(restarts.all()) > 0 {
			t.Errorf("a restart was told before it was: %+v", restarts.all())
		}
		g.signal(t, unix.SIGTERM)
		wantCode(t, g, 0)
		if len(crashes.all()) != 2 || strings.Contains(g.err.text(), "hook failed") || strings.Contains(g.err.text(), "SECRET") {
			t.Errorf("%d posts, and gorun said:\n%s", len(crashes.all()), g.err.text())
		}
	})
}

func TestARestartIsTold(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		restarts := newChat(t, 200)
		g := start(t, fileLaunch(t, m, service("api", "crash-after", "1h", "0").with("min_uptime", 0).with("on_restart", restarts.hook())))
		g.out.next(t, `^started`)
		if err := unix.Kill(onlyChild(t, g.pid), unix.SIGKILL); err != nil {
			t.Fatal(err)
		}
		pid := g.out.nth(t, `^started \d+ (\d+)`, 2)[1]
		eventually(t, "it is told", func() bool { return len(restarts.all()) == 1 })
		got := restarts.all()[0]
		if got.Event != "restart" || got.Reason != "exit" || got.Signal != "SIGKILL" || got.Code != 137 || strconv.Itoa(got.Pid) != pid {
			t.Errorf("the webhook got %+v, want pid %s", got, pid)
		}
		g.signal(t, unix.SIGTERM)
		wantCode(t, g, 0)
		if n := len(restarts.all()); n != 1 {
			t.Errorf("%d posts", n)
		}
	})
}

func TestAHookThatHangsHoldsUpNoRestart(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		hang := commandHook("ignore-term")
		hang["timeout"] = "1h"
		g := start(t, fileLaunch(t, m, service("api", "crash-after", "1h", "0").with("min_uptime", 0).with("on_exit", hang)))
		g.out.next(t, `^started`)
		if err := unix.Kill(onlyChild(t, g.pid), unix.SIGKILL); err != nil {
			t.Fatal(err)
		}
		g.out.nth(t, `^started`, 2)
		hook := running(t, g.marker, "ignore-term")
		// It holds up the end for a while, which a second signal cuts short.
		g.signal(t, unix.SIGTERM)
		g.err.next(t, "stopping")
		<-time.After(500 * time.Millisecond)
		if !exists(hook) || !g.running() {
			t.Error("gorun did not wait for its hook")
		}
		g.signal(t, unix.SIGTERM)
		wantCode(t, g, 137)
	})
}

func TestGivingUpIsToldBeforeGorunEnds(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		bad := service("bad", "exit", "21").with("max_restarts", 2).with("exp_backoff_restart_delay", 10)
		for name, apps := range map[string][]app{
			"a critical app": {service("good", "on-term", "0"), bad.with("critical", true)},
			"the only app":   {bad},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				dir, given := openDir(t), newChat(t, 503, 200)
				last := len(apps) - 1
				apps[last] = apps[last].with("cwd", dir).with("on_giveup", []any{given.hook(), commandHook("note", "noted.json")})
				g := start(t, fileLaunch(t, m, apps...))
				wantCode(t, g, 21)
				heard := given.all()
				if len(heard) != 2 || heard[1].Event != "giveup" || heard[1].Code != 21 || heard[1].App != "bad" || heard[1].Next != "given up: errored" {
					t.Errorf("the webhook got %+v", heard)
				}
				if n := awaitNoted(t, filepath.Join(dir, "noted.json")); n.Input.Event != "giveup" {
					t.Errorf("the command got %+v", n.Input)
				}
			})
		}
	})
}

func TestACommandThatHangsIsKilledWithItsTree(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, m mode) {
		hang := commandHook("daemon", "stay", "ignore-term")
		hang["timeout"] = "1s"
		g := start(t, fileLaunch(t, m, service("other", "sleep"), service("api", "exit", "1").with("autorestart", false).with("on_exit", hang)))
		running(t, g.marker, "ignore-term")
		if line := g.err.next(t, `hook failed.*`)[0]; !containsAll(line, []string{"worker=api/0", "event=exit", `hook="exec worker"`, "not done within its timeout of 1s"}) {
			t.Errorf("gorun said: %s", line)
		}
		want := 2 // gorun and other
		if left := processesWith(g.marker); len(left) != want {
			t.Errorf("there are %v, want %d", left, want)
		}
		g.signal(t, unix.SIGTERM)
		g.wait(t)
	})
}

func TestAnImageWithoutCertificatesIsNamed(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(nil)
	t.Cleanup(server.Close)
	l := fileLaunch(t, subreaper, job("api", "exit", "1").with("on_exit", map[string]any{"webhook": server.URL + "/SECRET"}))
	l.env = []string{"SSL_CERT_FILE=/nowhere", "SSL_CERT_DIR=/nowhere"}
	g := start(t, l)
	wantCode(t, g, 1)
	if text := g.err.text(); !strings.Contains(text, "this image has no CA certificates") || !strings.Contains(text, "tries=1") || strings.Contains(text, "SECRET") {
		t.Errorf("gorun said:\n%s", text)
	}
}

func TestACertificateThatTheImageHasIsTrusted(t *testing.T) {
	t.Parallel()
	var posts atomic.Int32
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { posts.Add(1) }))
	t.Cleanup(server.Close)
	roots := filepath.Join(t.TempDir(), "roots.pem")
	writeFile(t, roots, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})), 0o644)
	l := fileLaunch(t, subreaper, job("api", "exit", "1").with("on_exit", map[string]any{"webhook": server.URL}))
	l.env = []string{"SSL_CERT_FILE=" + roots}
	wantCode(t, start(t, l), 1)
	if posts.Load() != 1 {
		t.Errorf("%d posts", posts.Load())
	}
}

func TestACommandRunsAsTheUserOfItsApp(t *testing.T) {
	t.Parallel()
	requireRoot(t)
	dir := openDir(t)
	g := start(t, fileLaunch(t, subreaper, job("api", "exit", "1").with("uid", 1000).with("gid", 1000).with("cwd", dir).
		with("on_exit", commandHook("note", "noted.json"))))
	wantCode(t, g, 1)
	if n := awaitNoted(t, filepath.Join(dir, "noted.json")); n.UID != 1000 {
		t.Errorf("it ran as %d\n%s", n.UID, g.report())
	}
}
