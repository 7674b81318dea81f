//go:build scenarios

package scenarios_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// Clients that keep their connections lose nothing either. Go's client makes a
// request without a body anew by itself, where a connection on which it has got
// answers before is closed without an answer to this one: as HTTP allows, and
// browsers and proxies do.
func TestClientsThatKeepTheirConnectionsLoseNothing(t *testing.T) {
	long(t)
	for name, more := range map[string][]string{"without a handler": nil, "graceful": {"GRACEFUL", "1"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			g := operate(t, s, nodeProgram.app(t, s).with("env", s.environ(more...)).with("kill_timeout", "2s"))
			v := keepAsking(t, "http://"+s.address+"/2ms", 16)
			for range 2 {
				g.ok(t, "reload", "all")
			}
			v.leave()
			asked, connections := v.asked.Load(), v.opened.Load()
			t.Logf("%d requests over %d connections", asked, connections)
			if len(v.errs) > 0 {
				t.Errorf("%d of %d requests failed: %v", len(v.errs), asked, v.errs)
			}
			if asked < 200 || connections*4 > asked {
				t.Errorf("%d requests over %d connections: this shows nothing", asked, connections)
			}
			g.signal(t, unix.SIGTERM)
			wantCode(t, g.gorun, 0)
		})
	}
}

// browser makes requests over connections that it keeps.
type browser struct {
	url    string
	client *http.Client
	opened atomic.Int64 // connections
	asked  atomic.Int64
	done   chan struct{}
	all    sync.WaitGroup

	mu   sync.Mutex
	errs []error
}

// keepAsking makes so many requests at a time until leave is called.
func keepAsking(t *testing.T, url string, clients int) *browser {
	t.Helper()
	b := &browser{url: url, done: make(chan struct{})}
	b.client = &http.Client{Timeout: patience, Transport: &http.Transport{
		MaxIdleConnsPerHost: clients,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			b.opened.Add(1)
			return (&net.Dialer{}).DialContext(ctx, network, address)
		},
	}}
	for range clients {
		b.all.Go(b.ask)
	}
	t.Cleanup(b.client.CloseIdleConnections)
	return b
}

func (b *browser) ask() {
	for {
		err := b.request()
		b.asked.Add(1)
		if err != nil {
			b.mu.Lock()
			b.errs = append(b.errs, err)
			b.mu.Unlock()
		}
		select {
		case <-b.done:
			return
		default:
		}
	}
}

func (b *browser) request() error {
	answer, err := b.client.Get(b.url)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err == nil && (answer.StatusCode != http.StatusOK || !strings.HasPrefix(string(text), "pid ")) {
		err = fmt.Errorf("%s: %q", answer.Status, text)
	}
	return err
}

func (b *browser) leave() {
	close(b.done)
	b.all.Wait()
}

// A worker that is replaced finishes what it answers, whether it knows how to or
// not, and however long it writes nothing.
func TestSlowAnswersAreFinishedByWorkersThatAreReplaced(t *testing.T) {
	long(t)
	for _, p := range []program{nodeProgram, staticProgram} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			g := operate(t, s, p.app(t, s))
			before := g.members(t)
			waiting := make([]net.Conn, 20)
			for i := range waiting {
				waiting[i] = s.asker("1500ms").mustSend(t)
			}
			g.ok(t, "reload", "all")
			replies := many(len(waiting), len(waiting), func(i int) reply {
				pid, err := s.asker("").receive(waiting[i])
				return reply{pid: pid, err: err}
			})
			wantAll(t, replies)
			old := byWorker(replies)[before["api/0"].Pid] + byWorker(replies)[before["api/1"].Pid]
			if old < 15 { // the rest had not been accepted yet, or by the replacement
				t.Errorf("%d of 20 were answered by those who had the requests", old)
			}
			g.signal(t, unix.SIGTERM)
			wantCode(t, g.gorun, 0)
		})
	}
}
