package monit

import (
	"context"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"

	"gorun/supervisor/control/client"
)

func TestMonitorShowsWorkersAndTheLogOfTheSelected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t.Context(), t)
		check(t, s.after(200*time.Millisecond), "hello from worker 0")
		s.press(t, "jj")
		view := s.after(200 * time.Millisecond)
		check(t, view, "hello from worker 2")
		check(t, view, "▸ api/2")
		s.quit(t)
	})
}

func TestKeysOfTerminals(t *testing.T) {
	cases := []struct{ name, keys, selected string }{
		{"arrows", "\x1b[B\x1b[B\x1b[A", "api/1"},
		{"arrows in application mode", "\x1bOB\x1bOB\x1bOA", "api/1"},
		{"end", "\x1b[F", "mailer/0"},
		{"end, application mode", "\x1bOF", "mailer/0"},
		{"end, VT220", "\x1b[4~", "mailer/0"},
		{"home", "jjj\x1b[H", "api/0"},
		{"home, application mode", "jjj\x1bOH", "api/0"},
		{"home, VT220", "jjj\x1b[1~", "api/0"},
		{"page keys move the log only", "\x1b[5~\x1b[6~j", "api/1"},
		{"unknown keys", "\x1b[15~\x1b[1;5Cé日\r\n\tj", "api/1"},
		{"a paste", "\x1b[200~jjj\x1b[201~j", "api/1"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := start(t.Context(), t)
				s.after(200 * time.Millisecond)
				s.press(t, c.keys)
				check(t, s.after(200*time.Millisecond), "▸ "+c.selected)
				s.quit(t)
			})
		})
	}
}

func TestLostConnectionIsRetriedEachSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t.Context(), t)
		s.after(200 * time.Millisecond)
		s.fake.leave()
		before, _ := s.fake.counts()
		check(t, s.after(10*time.Second), "connection lost, retrying: gorun is away")
		if after, _ := s.fake.counts(); after-before != 10 {
			t.Errorf("%d overviews in 10 s, want 10", after-before)
		}
		s.quit(t)
	})
}

func TestOrdersReachTheOperator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t.Context(), t)
		s.after(200 * time.Millisecond)
		var view string
		for _, keys := range []string{"r", "R", "y", "+", "-"} {
			s.press(t, keys)
			view = s.after(200 * time.Millisecond)
		}
		if _, got := s.fake.counts(); got != "reload api,restart api,scale api +1,scale api -1" {
			t.Errorf("orders = %q", got)
		}
		check(t, view, "did scale api -1")
		s.quit(t)
	})
}

func TestResizeIsDrawn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t.Context(), t)
		s.after(200 * time.Millisecond)
		s.send(tea.WindowSizeMsg{Width: 20, Height: 6})
		view := s.after(200 * time.Millisecond)
		if n := strings.Count(view, "\n") + 1; n != 6 {
			t.Errorf("%d lines, want 6:\n%s", n, view)
		}
		s.quit(t)
	})
}

func TestControlCAndControlDQuit(t *testing.T) {
	for _, keys := range []string{"\x03", "\x04", "R\x03"} {
		synctest.Test(t, func(t *testing.T) {
			s := start(t.Context(), t)
			s.after(200 * time.Millisecond)
			s.press(t, keys)
			s.ended(t)
			_ = s.keys.Close()
		})
	}
}

func TestMonitorEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := start(ctx, t)
		s.after(200 * time.Millisecond)
		cancel()
		s.ended(t)
		_ = s.keys.Close()
	})
}

func TestMonitorEndsWithItsKeyboard(t *testing.T) {
	in, keys, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	fake := &fake{}
	m := newMonitor(Options{Source: fake, Operator: fake})
	if err := keys.Close(); err != nil {
		t.Fatal(err)
	}
	if err := m.run(ctx, tea.WithInput(keyboard{in, cancel}), tea.WithOutput(io.Discard)); err != nil {
		t.Errorf("run = %v, want nil when the terminal is closed", err)
	}
}

func TestABusyLogIsDrawnOnceAFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMonitor(Options{})
		frames := make(chan tea.Msg, 1000)
		m.ctx, m.send = t.Context(), func(msg tea.Msg) { frames <- msg }
		for range 1000 {
			m.Update(lineMsg{worker: none, line: client.Line{Text: "busy"}})
		}
		if m.View().Content != "" {
			t.Errorf("drawn before its frame: %q", m.View().Content)
		}
		<-time.After(time.Second)
		if len(frames) != 1 {
			t.Fatalf("%d frames for what changed at once, want 1", len(frames))
		}
		m.Update(<-frames)
		check(t, m.View().Content, "busy")
		m.Update(lineMsg{worker: none, line: client.Line{Text: "newer"}})
		m.Update(<-frames)
		check(t, m.View().Content, "newer")
	})
}

func TestAQuietMonitorHardlyDraws(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t.Context(), t)
		s.after(time.Second)
		before := s.output.writes.Load()
		s.after(time.Minute)
		if writes := s.output.writes.Load() - before; writes > 10 {
			t.Errorf("%d writes to the terminal in a minute without a change", writes)
		}
		s.quit(t)
	})
}
