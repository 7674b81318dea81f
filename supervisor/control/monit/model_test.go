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

	tea "charm.land/bubbletea/v2"
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
		t.Errorf("%s differs (-update writes it)\ngot:\n%s\nwant:\n%s", file, text, want)
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
	feed(t, &m, tea.WindowSizeMsg{Width: width, Height: height}, overviewMsg{earlier(o)}, overviewMsg{o})
	for i := range 40 {
		stream := "out"
		if i%7 == 0 {
			stream = "err"
		}
		text := fmt.Sprintf("line %d\tof \x1b[2Jthe \x1b[32mlog\x1b[m, which is long enough to leave a narrow terminal on the right", i)
		feed(t, &m, lineMsg{worker: 0, line: client.Line{Stream: stream, Text: text}})
	}
	return &m
}

// key is a key press, by Bubble Tea's name of the key.
func key(name string) tea.KeyPressMsg { return tea.KeyPressMsg{Text: name} }

func feed(t *testing.T, m *model, messages ...tea.Msg) {
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

// checkFits fails if the view is larger than the terminal.
func checkFits(t *testing.T, m *model) {
	t.Helper()
	lines := m.view()
	if len(lines) > m.height {
		t.Errorf("%d lines at %d×%d", len(lines), m.style.Width, m.height)
	}
	for _, line := range lines {
		if got := ansi.StringWidth(line); got > m.style.Width {
			t.Errorf("a line of %d columns at %d×%d: %q", got, m.style.Width, m.height, line)
		}
	}
}

func TestViewFitsEveryTerminal(t *testing.T) {
	for width := 1; width <= 130; width += 9 {
		for height := 1; height <= 40; height += 3 {
			m := watching(t, width, height, overview(height))
			m.style.Color = width%2 == 0
			checkFits(t, m)
		}
	}
}

func FuzzView(f *testing.F) {
	f.Add("jjRyf+", "a \x1b[2Jline\t日本", uint8(40), uint8(10))
	f.Fuzz(func(t *testing.T, keys, text string, width, height uint8) {
		m := watching(t, max(int(width), 1), max(int(height), 1), overview(len(keys)%50))
		m.style.Color = len(text)%2 == 0
		keys = keys[:min(len(keys), 100)]
		for _, r := range keys {
			m.update(key([...]string{"up", "down", "pgup", "pgdown", "home", "end", string(r)}[r%7]))
			m.update(lineMsg{worker: m.selected, line: client.Line{Stream: text, Text: text, Missed: uint64(r)}})
			m.update(progressMsg{client.Progress{App: text, Text: text, Failed: r%2 == 0}})
			checkFits(t, m)
		}
	})
}

func TestSelectedWorkerStaysVisible(t *testing.T) {
	m := watching(t, 60, 20, overview(200))
	for _, k := range []string{"end", "home", "j", "j", "end", "k"} {
		feed(t, m, key(k))
		want := name(m.rows[m.index()])
		if view := strings.Join(m.view(), "\n"); !strings.Contains(view, "▸ "+want) {
			t.Errorf("after %q, worker %s is not visible:\n%s", k, want, view)
		}
	}
}

func TestSelectionSurvivesANewOverview(t *testing.T) {
	m := watching(t, 60, 20, overview(5))
	feed(t, m, key("j"), key("j"), overviewMsg{overview(4)})
	if m.selected != 2 {
		t.Errorf("selected = %d, want 2 still", m.selected)
	}
	feed(t, m, overviewMsg{overview(1)})
	if m.index() < 0 {
		t.Errorf("selected = %d, which is gone", m.selected)
	}
	feed(t, m, overviewMsg{client.Overview{Time: noon}}, key("j"), key("r"), key("R"))
	if m.selected != none {
		t.Errorf("selected = %d without workers, want none", m.selected)
	}
}

func TestKeysGiveOrders(t *testing.T) {
	cases := []struct {
		name string
		keys []string
		want action
	}{
		{"reload", []string{"r"}, order{verb: "reload", app: "api"}},
		{"restart asks first", []string{"R"}, nil},
		{"restart after yes", []string{"R", "y"}, order{verb: "restart", app: "api"}},
		{"no restart after no", []string{"R", "n"}, nil},
		{"no restart after another key", []string{"R", "q"}, nil},
		{"scale up", []string{"+"}, order{"scale", "api", "+1"}},
		{"scale down", []string{"-"}, order{"scale", "api", "-1"}},
		{"the selected app", []string{"j", "j", "j", "r"}, order{verb: "reload", app: "mailer"}},
		{"quit", []string{"q"}, quit{}},
		{"break while it asks", []string{"R", "ctrl+c"}, quit{}},
		{"unknown", []string{"x"}, nil},
		{"one order at a time", []string{"r", "+"}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := watching(t, 60, 20, overview(3))
			var got action
			for _, k := range c.keys {
				got = m.update(key(k))
			}
			if got != c.want {
				t.Errorf("after %q: %#v, want %#v", c.keys, got, c.want)
			}
		})
	}
}

func TestStatusShowsTheProgressOfAnOrder(t *testing.T) {
	m := watching(t, 60, 20, overview(3))
	one := 1
	m.update(key("r"))
	for _, step := range []struct {
		msg  tea.Msg
		want string
	}{
		{progressMsg{client.Progress{App: "api", Instance: &one, Text: "replaced"}}, "api/1  replaced"},
		{key("+"), "reload api is still in progress"},
		{progressMsg{client.Progress{Done: true, Error: "not ready"}}, "failed: not ready"},
		{orderDoneMsg{errors.New("exit\x1b[2J 1")}, `reload api: exit\x1b[2J 1`},
		{disconnectedMsg{errors.New("no gorun")}, "connection lost, retrying: no gorun"},
		{overviewMsg{overview(3)}, "reload api: exit"},
		{key("R"), "restart api? y/n"},
	} {
		feed(t, m, step.msg)
		if view := strings.Join(m.view(), "\n"); !strings.Contains(view, step.want) {
			t.Errorf("after %#v, want %q in\n%s", step.msg, step.want, view)
		}
	}
}

func TestALostConnectionKeepsThePicture(t *testing.T) {
	m := watching(t, 60, 20, overview(3))
	feed(t, m, disconnectedMsg{errors.New("gone")})
	if view := strings.Join(m.view(), "\n"); !strings.Contains(view, "api/2") {
		t.Errorf("no workers in\n%s", view)
	}
}

func TestPausedLogStands(t *testing.T) {
	m := watching(t, 60, 20, overview(3))
	feed(t, m, key("pgup"))
	before := m.logLines(m.layout().log)
	for range 100 {
		feed(t, m, lineMsg{worker: 0, line: client.Line{Text: "new"}})
	}
	if after := m.logLines(m.layout().log); strings.Join(before, "\n") != strings.Join(after, "\n") {
		t.Errorf("the log moved from\n%q to\n%q", before, after)
	}
	feed(t, m, key("f"))
	if last := m.logLines(m.layout().log); !strings.Contains(last[len(last)-1], "new") {
		t.Errorf("after f, the last line is %q, want the newest", last[len(last)-1])
	}
}

func TestLinesOfAnotherWorkerAreDropped(t *testing.T) {
	m := watching(t, 60, 20, overview(3))
	feed(t, m, lineMsg{worker: 1, line: client.Line{Text: "stray"}})
	if view := strings.Join(m.view(), "\n"); strings.Contains(view, "stray") {
		t.Errorf("a stray line in\n%s", view)
	}
}

func TestANewConnectionStartsTheLogAgain(t *testing.T) {
	m := watching(t, 60, 20, overview(3))
	feed(t, m, logEndMsg{0, errors.New("lost")}, lineMsg{worker: 0, line: client.Line{Text: "again"}, first: true})
	if m.log.total != 1 {
		t.Errorf("%d lines, want the one since", m.log.total)
	}
}
