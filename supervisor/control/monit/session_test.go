package monit

import (
	"context"
	"errors"
	"io"
	"iter"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"

	"gorun/supervisor/control/client"
)

// fake is a gorun that can be away, and records the orders that it gets.
type fake struct {
	mu      sync.Mutex
	away    bool
	asked   int // overviews
	ordered []string
}

func (f *fake) Apps(context.Context) (client.Overview, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	if f.away {
		return client.Overview{}, errors.New("gorun is away")
	}
	return overview(3), nil
}

func (f *fake) Logs(ctx context.Context, q client.LogQuery) iter.Seq2[client.Line, error] {
	return func(yield func(client.Line, error) bool) {
		f.mu.Lock()
		away := f.away
		f.mu.Unlock()
		if away {
			yield(client.Line{}, errors.New("gorun is away"))
			return
		}
		if yield(client.Line{Stream: "out", Text: "hello from worker " + q.Targets[0]}, nil) {
			<-ctx.Done()
			yield(client.Line{}, ctx.Err())
		}
	}
}

func (f *fake) Order(_ context.Context, o client.Order) iter.Seq2[client.Progress, error] {
	return f.record(o.Verb + " " + strings.Join(o.Targets, " "))
}

func (f *fake) Scale(_ context.Context, s client.Scale) iter.Seq2[client.Progress, error] {
	return f.record("scale " + s.App + " " + s.Workers)
}

func (f *fake) record(what string) iter.Seq2[client.Progress, error] {
	return func(yield func(client.Progress, error) bool) {
		f.mu.Lock()
		f.ordered = append(f.ordered, what)
		f.mu.Unlock()
		yield(client.Progress{Text: "did " + what, Done: true}, nil)
	}
}

func (f *fake) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.away = true
}

func (f *fake) counts() (asked int, ordered string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked, strings.Join(f.ordered, ",")
}

// session is a running monitor in a bubble, with a terminal of 80 × 20.
type session struct {
	*monitor
	fake   *fake
	keys   *io.PipeWriter
	output *counter
	result chan error
}

// counter counts what is written to a terminal.
type counter struct{ writes atomic.Int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return len(p), nil
}

func start(ctx context.Context, t *testing.T) session {
	t.Helper()
	in, keys := io.Pipe()
	t.Cleanup(func() { _ = keys.Close() })
	fake := &fake{}
	s := session{newMonitor(Options{Source: fake, Operator: fake}), fake, keys, &counter{}, make(chan error, 1)}
	go func() {
		s.result <- s.run(ctx, tea.WithInput(in), tea.WithOutput(s.output), tea.WithWindowSize(80, 20), tea.WithEnvironment([]string{"TERM=xterm"}))
	}()
	return s
}

func (s session) press(t *testing.T, keys string) {
	t.Helper()
	if _, err := s.keys.Write([]byte(keys)); err != nil {
		t.Fatal(err)
	}
}

// after lets the time pass and returns the picture by then.
func (s session) after(d time.Duration) string {
	<-time.After(d)
	synctest.Wait()
	picture := s.picture
	s.send(nothing{}) // so that this read comes before the event loop's next write
	synctest.Wait()
	return picture
}

// nothing is a message that the model does not know.
type nothing struct{}

func (s session) ended(t *testing.T) {
	t.Helper()
	if err := <-s.result; err != nil {
		t.Errorf("run = %v, want nil", err)
	}
}

func (s session) quit(t *testing.T) {
	t.Helper()
	s.press(t, "q")
	s.ended(t)
	_ = s.keys.Close()
}

func check(t *testing.T, view, want string) {
	t.Helper()
	if !strings.Contains(view, want) {
		t.Errorf("want %q in\n%s", want, view)
	}
}
