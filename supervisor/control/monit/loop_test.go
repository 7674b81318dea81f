package monit

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gorun/supervisor/control/client"
)

// fake is a gorun that can be away, and notes what it is told.
type fake struct {
	mu      sync.Mutex
	away    bool
	asked   int // overviews
	ordered []string
}

func (f *fake) Overview(context.Context) (client.Overview, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	if f.away {
		return client.Overview{}, errors.New("gorun is away")
	}
	return overview(3), nil
}

func (f *fake) Logs(ctx context.Context, target string, _ int, each func(client.Line)) error {
	f.mu.Lock()
	away := f.away
	f.mu.Unlock()
	if away {
		return errors.New("gorun is away")
	}
	each(client.Line{Stream: "out", Text: "hello from worker " + target})
	<-ctx.Done()
	return ctx.Err()
}

func (f *fake) Order(_ context.Context, verb string, targets []string, each func(client.Progress)) error {
	return f.note(verb+" "+strings.Join(targets, " "), each)
}

func (f *fake) Scale(_ context.Context, app, workers string, each func(client.Progress)) error {
	return f.note("scale "+app+" "+workers, each)
}

func (f *fake) note(what string, each func(client.Progress)) error {
	f.mu.Lock()
	f.ordered = append(f.ordered, what)
	f.mu.Unlock()
	each(client.Progress{Text: "did " + what, Done: true})
	return nil
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

// page is a display that keeps its last picture.
type page struct {
	mu            sync.Mutex
	width, height int
	lines         []string
	frames        int
}

func (p *page) size() (width, height int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.width, p.height
}

func (p *page) draw(lines []string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines = lines
	p.frames++
	return nil
}

func (p *page) forget() {}

func (p *page) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.lines, "\n")
}

// typed is a keyboard; Cancel ends a Read.
type typed struct {
	*io.PipeReader
	keys *io.PipeWriter
}

func (k typed) Cancel() bool { return k.Close() == nil }

// monitor is a running loop in a bubble.
type monitor struct {
	fake    *fake
	page    *page
	keys    typed
	resized chan struct{}
	result  chan error
}

func start(t *testing.T) monitor {
	t.Helper()
	in, out := io.Pipe()
	m := monitor{&fake{}, &page{width: 80, height: 20}, typed{in, out}, make(chan struct{}), make(chan error, 1)}
	l := loop{source: m.fake, operator: m.fake, display: m.page, resized: m.resized, inbox: make(chan message, inboxSize), model: newModel(false)}
	ctx := t.Context()
	go func() { m.result <- l.run(ctx, m.keys) }()
	return m
}

func (m monitor) press(t *testing.T, keys string) {
	t.Helper()
	if _, err := m.keys.keys.Write([]byte(keys)); err != nil {
		t.Fatal(err)
	}
}

// after lets the time pass and returns what is drawn by then.
func (m monitor) after(d time.Duration) string {
	<-time.After(d)
	synctest.Wait()
	return m.page.text()
}

func (m monitor) quit(t *testing.T) {
	t.Helper()
	m.press(t, "q")
	if err := <-m.result; err != nil {
		t.Errorf("run = %v, want nil after q", err)
	}
}

func check(t *testing.T, view, want string) {
	t.Helper()
	if !strings.Contains(view, want) {
		t.Errorf("want %q in\n%s", want, view)
	}
}

func TestMonitorShowsWorkersAndTheLogOfTheSelected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := start(t)
		check(t, m.after(100*time.Millisecond), "hello from worker 0")
		m.press(t, "jj")
		view := m.after(100 * time.Millisecond)
		check(t, view, "hello from worker 2")
		check(t, view, "▸ api/2")
		m.quit(t)
	})
}

func TestLostConnectionIsRetriedEachSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := start(t)
		m.after(100 * time.Millisecond)
		m.fake.leave()
		before, _ := m.fake.counts()
		check(t, m.after(10*time.Second), "connection lost, trying again: gorun is away")
		if after, _ := m.fake.counts(); after-before != 10 {
			t.Errorf("%d overviews in 10 s, want 10", after-before)
		}
		m.quit(t)
	})
}

func TestOrdersReachTheOperator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := start(t)
		m.after(100 * time.Millisecond)
		for _, keys := range []string{"r", "R", "y", "+", "-"} {
			m.press(t, keys)
			m.after(100 * time.Millisecond)
		}
		if _, got := m.fake.counts(); got != "reload api,restart api,scale api +1,scale api -1" {
			t.Errorf("orders = %q", got)
		}
		check(t, m.page.text(), "did scale api -1")
		m.quit(t)
	})
}

func TestResizeIsDrawn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := start(t)
		m.after(100 * time.Millisecond)
		m.page.mu.Lock()
		m.page.width, m.page.height = 20, 6
		m.page.mu.Unlock()
		m.resized <- struct{}{}
		view := m.after(100 * time.Millisecond)
		if n := strings.Count(view, "\n") + 1; n != 6 {
			t.Errorf("%d lines, want 6:\n%s", n, view)
		}
		m.quit(t)
	})
}

func TestMonitorEndsWithItsKeyboard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := start(t)
		m.after(100 * time.Millisecond)
		if err := m.keys.keys.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-m.result; err != nil {
			t.Errorf("run = %v, want nil when the terminal is gone", err)
		}
	})
}

// flood is a worker that writes without end.
type flood struct{ fake }

func (*flood) Logs(ctx context.Context, _ string, _ int, each func(client.Line)) error {
	for i := 0; ctx.Err() == nil; i++ {
		each(client.Line{Text: "flood"})
		if i%1000 == 0 {
			wait(ctx)
		}
	}
	return ctx.Err()
}

func TestAFloodIsDrawnInFewFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, out := io.Pipe()
		m := monitor{&fake{}, &page{width: 80, height: 20}, typed{in, out}, nil, make(chan error, 1)}
		l := loop{source: &flood{}, operator: m.fake, display: m.page, inbox: make(chan message, inboxSize), model: newModel(false)}
		ctx := t.Context()
		go func() { m.result <- l.run(ctx, m.keys) }()
		check(t, m.after(10*time.Second), "flood")
		m.page.mu.Lock()
		frames := m.page.frames
		m.page.mu.Unlock()
		if frames > 10*30 {
			t.Errorf("%d frames in 10 s, want at most 30 a second", frames)
		}
		m.quit(t)
	})
}

func TestAQuietMonitorHardlyDraws(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := start(t)
		m.after(time.Minute + 10*time.Millisecond)
		m.page.mu.Lock()
		frames := m.page.frames
		m.page.mu.Unlock()
		if frames > 70 {
			t.Errorf("%d frames in a quiet minute, want about one a second", frames)
		}
		m.quit(t)
	})
}
