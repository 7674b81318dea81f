package monit

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"gorun/supervisor/control/client"
)

var (
	update = flag.Bool("update", false, "write the golden files")
	noon   = time.Date(2026, 2, 3, 12, 0, 0, 0, time.UTC)
)

// golden compares lines with testdata/NAME.golden; ESC is written as ␛.
func golden(t *testing.T, name string, lines []string) {
	t.Helper()
	text := strings.ReplaceAll(strings.Join(lines, "\n")+"\n", "\x1b", "␛")
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("%s differs (-update writes it anew)\ngot:\n%s\nwant:\n%s", file, text, want)
	}
}

// overview has so many workers of an api, and a stopped mailer.
func overview(workers int) client.Overview {
	started := noon.Add(-90 * time.Minute)
	api := client.App{Name: "api", Mode: "cluster", Desired: workers}
	for i := range workers {
		api.Workers = append(api.Workers, client.Worker{
			ID: i, Instance: i, State: "online", Ready: true, Pid: 100 + i, Started: &started,
			CPUSeconds: float64(i), Memory: int64(45+i) << 20, Restarts: uint64(i % 3),
		})
	}
	mailer := client.App{Name: "mailer", Mode: "fork", Desired: 1, Workers: []client.Worker{{ID: workers, State: "waiting restart"}}}
	return client.Overview{Time: noon, Pid: 1, Version: "1.4.0", Apps: []client.App{api, mailer}}
}

// earlier is the same a second before, with less of the CPU used.
func earlier(o client.Overview) client.Overview {
	o.Time = o.Time.Add(-time.Second)
	o.Apps = slices.Clone(o.Apps)
	for i := range o.Apps {
		o.Apps[i].Workers = slices.Clone(o.Apps[i].Workers)
		for k := range o.Apps[i].Workers {
			o.Apps[i].Workers[k].CPUSeconds -= float64(k) / 8
		}
	}
	return o
}

// watching is a model that has seen the overview, and some lines of worker 0.
func watching(t *testing.T, width, height int, o client.Overview) *model {
	t.Helper()
	m := newModel(false)
	feed(t, &m, sized{width, height}, sampled{earlier(o)}, sampled{o})
	for i := range 40 {
		stream := "out"
		if i%7 == 0 {
			stream = "err"
		}
		text := fmt.Sprintf("line %d\tof \x1b[2Jthe \x1b[32mlog\x1b[m, which is long enough to leave a narrow terminal on the right", i)
		feed(t, &m, wrote{worker: 0, line: client.Line{Stream: stream, Text: text}})
	}
	return &m
}

func feed(t *testing.T, m *model, messages ...message) {
	t.Helper()
	for _, msg := range messages {
		if act := m.update(msg); act != nil {
			t.Fatalf("update(%T) = %#v, want nothing to do", msg, act)
		}
	}
}

func TestViewGoldens(t *testing.T) {
	for _, size := range [][2]int{{100, 30}, {60, 20}, {20, 6}} {
		name := fmt.Sprintf("%dx%d", size[0], size[1])
		for kind, o := range map[string]client.Overview{"few": overview(3), "many": overview(200), "empty": {Time: noon, Version: "1.4.0"}} {
			t.Run(kind+"-"+name, func(t *testing.T) {
				m := watching(t, size[0], size[1], o)
				for range 150 {
					feed(t, m, key("j"))
				}
				golden(t, kind+"-"+name, m.view())
			})
		}
		t.Run("log-"+name, func(t *testing.T) {
			golden(t, "log-"+name, watching(t, size[0], size[1], overview(3)).view())
		})
		t.Run("color-"+name, func(t *testing.T) {
			m := watching(t, size[0], size[1], overview(3))
			m.style.Color = true
			feed(t, m, key("R"))
			golden(t, "color-"+name, m.view())
		})
	}
}

func TestTheEventLoopHasAColumnWhereItIsKnown(t *testing.T) {
	o := overview(3)
	o.Apps[0].Workers[1].Node = &client.Node{DelayP95: .0123}
	golden(t, "loop-100x30", watching(t, 100, 30, o).view())
}

func TestViewFitsEveryTerminal(t *testing.T) {
	for width := 1; width <= 130; width += 9 {
		for height := 1; height <= 40; height += 3 {
			m := watching(t, width, height, overview(height))
			m.style.Color = width%2 == 0
			lines := m.view()
			if len(lines) > height {
				t.Errorf("%d lines at %d×%d", len(lines), width, height)
			}
			for _, line := range lines {
				if got := ansi.StringWidth(line); got > width {
					t.Errorf("a line of %d columns at %d×%d: %q", got, width, height, line)
				}
			}
		}
	}
}

func TestSelectedWorkerStaysInSight(t *testing.T) {
	m := watching(t, 60, 20, overview(200))
	for _, k := range []key{keyEnd, keyHome, "j", "j", keyEnd, "k"} {
		feed(t, m, k)
		want := name(m.rows[m.index()])
		if view := strings.Join(m.view(), "\n"); !strings.Contains(view, "▸ "+want) {
			t.Errorf("after %q, worker %s is not in sight:\n%s", k, want, view)
		}
	}
}

func TestSelectionSurvivesANewOverview(t *testing.T) {
	m := watching(t, 60, 20, overview(5))
	feed(t, m, key("j"), key("j"), sampled{overview(4)})
	if m.selected != 2 {
		t.Errorf("selected = %d, want 2 still", m.selected)
	}
	feed(t, m, sampled{overview(1)})
	if m.index() < 0 {
		t.Errorf("selected = %d, which is gone", m.selected)
	}
	feed(t, m, sampled{client.Overview{Time: noon}}, key("j"), key("r"), key("R"))
	if m.selected != none {
		t.Errorf("selected = %d without workers, want none", m.selected)
	}
}

func TestKeysGiveOrders(t *testing.T) {
	cases := []struct {
		name string
		keys []key
		want action
	}{
		{"reload", []key{"r"}, order{"reload", "api"}},
		{"restart asks first", []key{"R"}, nil},
		{"restart after yes", []key{"R", "y"}, order{"restart", "api"}},
		{"no restart after no", []key{"R", "n"}, nil},
		{"no restart after another key", []key{"R", "q"}, nil},
		{"scale up", []key{"+"}, scale{"api", "+1"}},
		{"scale down", []key{"-"}, scale{"api", "-1"}},
		{"the selected app", []key{"j", "j", "j", "r"}, order{"reload", "mailer"}},
		{"quit", []key{"q"}, quit{}},
		{"break while it asks", []key{"R", keyBreak}, quit{}},
		{"unknown", []key{"x"}, nil},
		{"one order at a time", []key{"r", "+"}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := watching(t, 60, 20, overview(3))
			var got action
			for _, k := range c.keys {
				got = m.update(k)
			}
			if got != c.want {
				t.Errorf("after %q: %#v, want %#v", c.keys, got, c.want)
			}
		})
	}
}

func TestStatusTellsHowAnOrderGoes(t *testing.T) {
	m := watching(t, 60, 20, overview(3))
	one := 1
	m.update(key("r"))
	for _, step := range []struct {
		msg  message
		want string
	}{
		{told{client.Progress{App: "api", Instance: &one, Text: "replaced"}}, "api/1  replaced"},
		{key("+"), "not yet: reload api goes on"},
		{told{client.Progress{Done: true, Error: "not ready"}}, "failed: not ready"},
		{ended{errors.New("exit\x1b[2J 1")}, `reload api: exit\x1b[2J 1`},
		{lost{errors.New("no gorun")}, "connection lost, trying again: no gorun"},
		{sampled{overview(3)}, "reload api: exit"},
		{key("R"), "restart api? y/n"},
	} {
		feed(t, m, step.msg)
		if view := strings.Join(m.view(), "\n"); !strings.Contains(view, step.want) {
			t.Errorf("after %#v, want %q in\n%s", step.msg, step.want, view)
		}
	}
}

func TestALostConnectionLeavesThePicture(t *testing.T) {
	m := watching(t, 60, 20, overview(3))
	feed(t, m, lost{errors.New("gone")})
	if view := strings.Join(m.view(), "\n"); !strings.Contains(view, "api/2") {
		t.Errorf("no workers in\n%s", view)
	}
}

func TestPausedLogStands(t *testing.T) {
	m := watching(t, 60, 20, overview(3))
	feed(t, m, key(keyPageUp))
	before := m.logged(m.layout().log)
	for range 100 {
		feed(t, m, wrote{worker: 0, line: client.Line{Text: "new"}})
	}
	if after := m.logged(m.layout().log); strings.Join(before, "\n") != strings.Join(after, "\n") {
		t.Errorf("the log moved from\n%q to\n%q", before, after)
	}
	feed(t, m, key("f"))
	if last := m.logged(m.layout().log); !strings.Contains(last[len(last)-1], "new") {
		t.Errorf("after f, the last line is %q, want the newest", last[len(last)-1])
	}
}

func TestLinesOfAnotherWorkerAreLeftOut(t *testing.T) {
	m := watching(t, 60, 20, overview(3))
	feed(t, m, wrote{worker: 1, line: client.Line{Text: "stray"}})
	if view := strings.Join(m.view(), "\n"); strings.Contains(view, "stray") {
		t.Errorf("a stray line in\n%s", view)
	}
}

func TestANewConnectionBeginsTheLogAnew(t *testing.T) {
	m := watching(t, 60, 20, overview(3))
	feed(t, m, silent{0, errors.New("lost")}, wrote{worker: 0, line: client.Line{Text: "again"}, first: true})
	if m.log.total != 1 {
		t.Errorf("%d lines, want the one since", m.log.total)
	}
}
