package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gorun/supervisor/control"
	"gorun/supervisor/control/client"
	"gorun/supervisor/logs"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// fake is a running gorun behind its control socket: api with two workers, web
// with one. It records what it is asked to do.
type fake struct {
	environ []string // by which commands find it
	err     error    // of every order
	order   func()   // called by every order, if not nil
	script  string   // what api runs

	mu    sync.Mutex
	calls []string
}

// startFake serves f until the test ends.
func startFake(t *testing.T, f *fake) *fake {
	t.Helper()
	var none bytes.Buffer
	output := logs.New(logs.Options{Stdout: &none, Stderr: &none})
	socket := filepath.Join(t.TempDir(), "s")
	server, err := control.Serve(context.Background(), control.Options{
		Address: client.Address{Socket: socket}, Apps: f, Orders: f, Messages: f, Output: output, Load: loadTwo, CPUs: 8,
		Version: "9.9.9", Health: http.HandlerFunc(sick), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = server.Close(ctx)
		_ = output.Close(ctx)
	})
	write(t, output, logs.Identity{App: "api", Instance: 1, ID: 1}, "hello from api")
	f.environ = []string{"GORUN_SOCKET=" + socket}
	return f
}

// write has a worker write a line, and waits until gorun keeps it.
func write(t *testing.T, output *logs.Output, id logs.Identity, line string) {
	t.Helper()
	capture, err := output.Worker(id, logs.Config{}).Capture()
	if err != nil {
		t.Fatal(err)
	}
	stdout, stderr := capture.Files()
	if _, err := fmt.Fprintln(stdout, line); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = stdout.Close(), stderr.Close() })
	eventually(t, "the line is kept", func() bool { return len(output.History(logs.Filter{}, 1)) == 1 })
}

// sick is the health of all apps but web.
func sick(w http.ResponseWriter, r *http.Request) {
	if !strings.Contains(r.URL.String(), "web") {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_, _ = w.Write([]byte(`{"status":"ok","started":true}`))
}

// loadTwo is an ecosystem file with two apps.
func loadTwo(string, []string) ([]spec.App, error) { return make([]spec.App, 2), nil }

func (f *fake) record(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
}

// takeCalls returns what was recorded since the last time.
func (f *fake) takeCalls() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := strings.Join(f.calls, "; ")
	f.calls = nil
	return all
}

func (f *fake) Snapshot() status.Snapshot {
	worker := func(app string, instance, id int) status.Worker {
		return status.Worker{App: app, Instance: instance, ID: id, State: status.Online, Pid: 100 + id}
	}
	return status.Snapshot{Apps: []status.App{
		{Name: "api", Namespace: "back", Mode: "cluster", ScriptPath: f.script, Workers: []status.Worker{worker("api", 0, 0), worker("api", 1, 1)}},
		{Name: "web", Namespace: "front", Mode: "fork", Workers: []status.Worker{worker("web", 0, 2)}},
	}}
}

func (f *fake) Sample() status.Snapshot { return f.Snapshot() }

func (f *fake) Events(ctx context.Context, after uint64) ([]status.Event, error) {
	if after == 0 {
		return []status.Event{{Seq: 1, Time: time.Unix(0, 0), App: "api", Kind: "state", Text: "online"}}, nil
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

func (f *fake) Environ(worker status.Target) ([]string, error) {
	return []string{fmt.Sprintf("WORKER=%v", worker)}, f.err
}

func (f *fake) Do(ctx context.Context, o spec.Order, report func(status.Progress)) error {
	f.record("%s %v parallel %d", o.Verb, o.Targets, o.Parallel)
	return f.carryOut(ctx, report)
}

func (f *fake) Scale(ctx context.Context, app string, size spec.Size, report func(status.Progress)) error {
	f.record("scale %s %+v", app, size)
	return f.carryOut(ctx, report)
}

func (f *fake) Apply(ctx context.Context, r spec.Revision, report func(status.Progress)) error {
	f.record("apply partial %t all %t restart %t start %t parallel %d", r.Partial, r.All, r.Restart, r.Start, r.Parallel)
	return f.carryOut(ctx, report)
}

func (f *fake) carryOut(_ context.Context, report func(status.Progress)) error {
	report(status.Progress{App: "api", Instance: 1, Text: "under way"})
	if f.order != nil {
		f.order()
	}
	return f.err
}

func (f *fake) Plan(spec.Revision) []status.Change {
	return []status.Change{{App: "api", What: status.Roll, Why: []string{"args"}}, {App: "new", What: status.Add}}
}

func (f *fake) SignalTargets(targets []status.Target, sig unix.Signal) int {
	f.record("signal %d to %v", int(sig), targets)
	if sig == unix.SIGWINCH { // which nobody handles
		return 0
	}
	return len(targets)
}

func (f *fake) Send(targets []status.Target, message json.RawMessage) (int, error) {
	f.record("send %s to %v", message, targets)
	return 2, f.err
}

func (f *fake) Input(targets []status.Target, line string) (int, error) {
	f.record("input %q to %v", line, targets)
	return 2, f.err
}

func (f *fake) Trigger(_ context.Context, targets []status.Target, action, params string) ([]json.RawMessage, error) {
	f.record("trigger %s(%s) at %v", action, params, targets)
	return []json.RawMessage{json.RawMessage(`"pong"`)}, f.err
}
