package health

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestAsk(t *testing.T) {
	starting := Report{Apps: []App{{Name: "api", Desired: 1, Grace: time.Minute}}}
	tests := []struct {
		name, app string
		report    Report
		ok        bool
		want      string
	}{
		{"all well", "", Report{Apps: mixed.Apps[:2]}, true, "[+]api ok: 2 of 2 workers online, 3 restarts\n" +
			"[+]migrate ok: 0 of 0 workers online, 0 restarts\nok\n"},
		{"one of them failing", "", Report{Apps: []App{mixed.Apps[0], mixed.Apps[2]}}, false, "[+]api ok: 2 of 2 workers online, 3 restarts\n" +
			"[-]queue failed: errored, 0 of 1 workers online; gave up after 16 restarts\nfailing\n"},
		{"one that is well", "api", mixed, true, "[+]api ok: 2 of 2 workers online, 3 restarts\nok\n"},
		{"not started yet", "", starting, false, "[-]api failed: 0 of 1 workers online, needs 1\nunready\n"},
		{"stopping", "", Report{Stopping: true}, true, "stopping\n"},
		{"unknown", "a&b", mixed, false, "unknown app \"a&b\"; known apps: api, migrate, queue, web\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(Handler(fake(test.report)))
			t.Cleanup(server.Close)
			ok, text, err := Ask(t.Context(), server.Listener.Addr().String(), test.app)
			if ok != test.ok || text != test.want || err != nil {
				t.Errorf("Ask = %v, %q, %v, want %v, %q", ok, text, err, test.ok, test.want)
			}
		})
	}
}

func TestAskWithoutAnAnswer(t *testing.T) {
	other := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(other.Close)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	tests := []struct {
		name, addr string
		limit      time.Duration
		want       string
	}{
		{"nobody listens", "127.0.0.1:1", time.Minute, "connection refused"},
		{"nobody answers", silent.Addr().String(), 100 * time.Millisecond, "deadline"},
		{"somebody else answers", other.Listener.Addr().String(), time.Minute, errNotGorun.Error() + ": 404"},
		{"no address", "\x00", time.Minute, "ask gorun"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), test.limit)
			defer cancel()
			ok, _, err := Ask(ctx, test.addr, "")
			if ok || err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Ask(%q) = %v, %v, want an error with %q", test.addr, ok, err, test.want)
			}
		})
	}
}

func TestReachable(t *testing.T) {
	for addr, want := range map[string]string{
		":9615":          "127.0.0.1:9615",
		"9615":           "127.0.0.1:9615",
		"0.0.0.0:9615":   "127.0.0.1:9615",
		"[::]:9615":      "127.0.0.1:9615",
		"127.0.0.2:80":   "127.0.0.2:80",
		"[::1]:80":       "[::1]:80",
		"localhost:9615": "localhost:9615",
	} {
		if got := reachable(addr); got != want {
			t.Errorf("reachable(%q) = %q, want %q", addr, got, want)
		}
	}
}
