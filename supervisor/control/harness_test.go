package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gorun/supervisor"
	"gorun/supervisor/control/client"
	"gorun/supervisor/ecosystem"
	"gorun/supervisor/logs"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// patience is how long a test waits for what must happen.
const patience = time.Minute

// TestMain makes the test binary a client of another user, too.
func TestMain(m *testing.M) {
	if address := os.Getenv("GORUN_TEST_ASK"); address != "" {
		os.Exit(ask(address))
	}
	if address := os.Getenv("GORUN_TEST_SQUAT"); address != "" {
		os.Exit(squat(address))
	}
	os.Exit(m.Run())
}

// squat holds an address until its input ends.
func squat(address string) int {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: address, Net: "unix"})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println("up")
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = l.Close()
	return 0
}

// ask prints what a raw request is answered with, and what the client makes of
// the address.
func ask(address string) int {
	response, err := (&http.Client{Transport: transportTo(address)}).Get("http://gorun/v1/ping")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	var body bytes.Buffer
	_, _ = body.ReadFrom(response.Body)
	_ = response.Body.Close()
	fmt.Print(response.StatusCode, " ", body.String())
	_, err = client.Dial(context.Background(), client.Address{Socket: address})
	fmt.Println("dial:", err)
	return 0
}

// transportTo sends requests to a socket without package client.
func transportTo(socket string) *http.Transport {
	return &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}
}

// fake is the supervisor, in a test.
type fake struct {
	apps    []status.App
	events  chan []status.Event
	replies []json.RawMessage
	err     error                                     // what Do, Send, Trigger and Environ return
	work    func(context.Context, func(string)) error // what orders do; nil: nothing

	mu    sync.Mutex
	calls []string
}

func (f *fake) record(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
}

func (f *fake) recorded() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.calls, "\n")
}

func (f *fake) Snapshot() status.Snapshot { return status.Snapshot{Apps: f.apps} }
func (f *fake) Sample() status.Snapshot   { return status.Snapshot{Apps: f.apps} }

func (f *fake) Events(ctx context.Context, after uint64) ([]status.Event, error) {
	f.record("events after %d", after)
	select {
	case events := <-f.events:
		return events, nil
	default:
	}
	select {
	case events := <-f.events:
		return events, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (f *fake) Environ(worker status.Target) ([]string, error) {
	f.record("environ %v", worker)
	return []string{"PATH=/bin", "A=<1>"}, f.err
}

func (f *fake) Do(ctx context.Context, o spec.Order, report func(status.Progress)) error {
	f.record("%s %v parallel %d", o.Verb, o.Targets, o.Parallel)
	return f.run(ctx, report)
}

func (f *fake) Scale(ctx context.Context, app string, size spec.Size, report func(status.Progress)) error {
	f.record("scale %s %+v", app, size)
	return f.run(ctx, report)
}

func (f *fake) Apply(ctx context.Context, e spec.Revision, report func(status.Progress)) error {
	f.record("apply %d apps partial %t all %t restart %t start %t parallel %d", len(e.Apps), e.Partial, e.All, e.Restart, e.Start, e.Parallel)
	return f.run(ctx, report)
}

func (f *fake) run(ctx context.Context, report func(status.Progress)) error {
	if f.work == nil {
		return f.err
	}
	return f.work(ctx, func(text string) { report(status.Progress{App: "api", Instance: 1, Text: text}) })
}

func (f *fake) Plan(e spec.Revision) []status.Change {
	f.record("plan %d apps partial %t all %t", len(e.Apps), e.Partial, e.All)
	return []status.Change{{App: "api", What: status.Roll, Why: []string{"args"}}}
}

func (f *fake) SignalTargets(targets []status.Target, sig unix.Signal) int {
	f.record("signal %d to %v", int(sig), targets)
	return len(targets)
}

func (f *fake) Send(targets []status.Target, message json.RawMessage) (int, error) {
	f.record("send %s to %v", message, targets)
	return len(targets), f.err
}

func (f *fake) Input(targets []status.Target, line string) (int, error) {
	f.record("input %q to %v", line, targets)
	return len(targets), f.err
}

func (f *fake) Trigger(_ context.Context, targets []status.Target, action, params string) ([]json.RawMessage, error) {
	f.record("trigger %s(%s) at %v", action, params, targets)
	return f.replies, f.err
}

// busyError is how a supervisor says that something else is under way.
type busyError struct{}

func (busyError) Error() string { return "reload api: another reload is under way" }
func (busyError) Conflict()     {}

// twoApps are api with two workers and web with one.
func twoApps() []status.App {
	worker := func(app string, instance, id int) status.Worker {
		return status.Worker{App: app, Instance: instance, ID: id, State: status.Online, Pid: 100 + id}
	}
	return []status.App{
		{Name: "api", Namespace: "default", Mode: "cluster", Workers: []status.Worker{worker("api", 0, 0), worker("api", 1, 1)}},
		{Name: "web", Namespace: "front", Mode: "fork", Workers: []status.Worker{worker("web", 0, 2)}},
	}
}

// load is a file named good.yaml with two apps.
func load(file string, only []string) ([]spec.App, error) {
	if file == "" || filepath.Base(file) == "good.yaml" {
		return make([]spec.App, 2-len(only)), nil
	}
	return nil, ecosystem.Problems{{File: file, Line: 2, Column: 3, Text: "unknown"}, {File: file, Text: "no apps"}}
}

func options(t *testing.T, f *fake) Options {
	t.Helper()
	output := logs.New(logs.Options{Stdout: &bytes.Buffer{}, Stderr: &bytes.Buffer{}})
	t.Cleanup(func() { _ = output.Close(context.Background()) })
	return Options{
		Address: client.Address{Socket: filepath.Join(t.TempDir(), "s")},
		Apps:    f, Orders: f, Messages: f, Output: output, Load: load, CPUs: 8, Version: "1.2.3",
		Health: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "sick", http.StatusServiceUnavailable) }),
		Log:    slog.New(slog.DiscardHandler),
	}
}

// serve answers for the supervisor until the test ends.
func serve(t *testing.T, f *fake) *client.Client {
	t.Helper()
	c, _ := serveWith(t, t.Context(), options(t, f))
	return c
}

func serveWith(t *testing.T, ctx context.Context, o Options) (*client.Client, *Server) {
	t.Helper()
	s, err := Serve(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeServer(t, s) })
	c, err := client.Dial(t.Context(), o.Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, s
}

func closeServer(t *testing.T, s *Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Errorf("Close: %v", err)
	}
	if ctx.Err() != nil {
		t.Error("Close did not end in time")
	}
}

func eventually(t *testing.T, what string, happened func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !happened() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// receive waits for a value, or for the channel to be closed.
func receive[T any](t *testing.T, from <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
		panic("not reached")
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// pidsLink names a PID namespace that nobody else has.
func pidsLink(t *testing.T) string {
	t.Helper()
	link := filepath.Join(t.TempDir(), "pid")
	if err := os.Symlink("pid:["+strconv.Itoa(os.Getpid())+strconv.FormatInt(time.Now().UnixNano(), 10)[6:]+"]", link); err != nil {
		t.Fatal(err)
	}
	return link
}

func isReply(err error, code int) bool {
	reply, ok := errors.AsType[*client.ReplyError](err)
	return ok && reply.Status == code
}

// The supervisor is all that the server asks for.
var (
	_ Apps     = (*supervisor.Supervisor)(nil)
	_ Orders   = (*supervisor.Supervisor)(nil)
	_ Messages = (*supervisor.Supervisor)(nil)
)
