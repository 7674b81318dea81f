package screen

import (
	"bytes"
	"flag"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/charmbracelet/x/ansi"

	"gorun/supervisor/control/client"
)

var update = flag.Bool("update", false, "write the golden files")

var (
	noon  = time.Date(2026, 2, 3, 12, 0, 0, 0, time.UTC)
	wide  = Style{Width: 120, Color: true, Now: noon}
	pipe  = Style{Now: noon}
	looks = map[string]Style{
		"wide":       wide,
		"wide-plain": {Width: 120, Now: noon},
		"narrow":     {Width: 60, Color: true, Now: noon},
		"tiny":       {Width: 36, Now: noon},
		"pipe":       pipe,
	}
)

// golden compares the text with testdata/NAME.golden; ESC is written as ␛.
func golden(t *testing.T, name, text string) {
	t.Helper()
	text = strings.ReplaceAll(text, "\x1b", "␛")
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

func printed(t *testing.T, write func(*bytes.Buffer) error) string {
	t.Helper()
	var out bytes.Buffer
	if err := write(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func ago(d time.Duration) *time.Time {
	at := noon.Add(-d)
	return &at
}

// overview is a small container: an API in trouble, a job, a stopped app.
func overview() client.Overview {
	const mib = 1 << 20
	return client.Overview{Time: noon, Pid: 1, Version: "1.4.0", Apps: []client.App{
		{
			Name: "api", Namespace: "default", Mode: "cluster", Sharing: "node", Interpreter: "node", Script: "/app/server.js",
			Desired: 3, Online: 1, MemoryLimit: 512 * mib,
			Troubles: []string{"api/2 gave up after 16 unstable runs: EADDRINUSE :3000, held by pid 41 (node), which is not of this container's apps"},
			Workers: []client.Worker{
				{
					ID: 0, Instance: 0, State: "online", Since: *ago(50 * time.Hour), Ready: true, Pid: 12, Started: ago(51 * time.Hour), Restarts: 3,
					LastExit:   &client.Exit{Code: 137, Text: "137 = SIGKILL, out of memory: limit 512 MiB", At: *ago(51 * time.Hour), Uptime: 4000},
					CPUSeconds: 100.25, Memory: 47_500_493, OpenFDs: 32, Threads: 11, Processes: 2, Lines: client.Lines{OutLines: 1200, ErrLines: 4}, Health: &client.Health{Text: "503 Service Unavailable"},
					Node: &client.Node{
						DelayP50: .0002, DelayP95: .0124, DelayP99: 1.25, HeapUsed: 45 * mib, HeapReserved: 60 * mib, HeapLimit: 2096 * mib,
						Handles: 7, Requests: 1, Pauses: 123, PauseSeconds: 4.56,
					},
					Custom: []client.Custom{{Name: "Heap Usage", Unit: "%", Value: 71.27}, {Name: "Users", Value: 3}, {Name: "tiny", Unit: "s", Value: 1.2345e-12}},
				},
				{ID: 1, Instance: 1, State: "launching", Since: *ago(2 * time.Second), Pid: 77, Started: ago(2 * time.Second), CPUSeconds: 8, Memory: 9 * mib},
				{
					ID: 2, Instance: 2, State: "errored", Since: *ago(5 * time.Minute), Restarts: 16, Unstable: 17, CPUSeconds: 3,
					LastExit:  &client.Exit{Code: 1, Text: "1", At: *ago(5 * time.Minute), Uptime: 0.4},
					LastError: "EADDRINUSE",
				},
			},
			Ports: []client.Port{{Address: "0.0.0.0:3000", Instance: 0, Length: 2, Limit: 511}},
		},
		{Name: "mailer", Namespace: "jobs", Mode: "fork", Sharing: "none", Interpreter: "python3", Script: "mail.py", Desired: 1, Workers: []client.Worker{
			{ID: 3, State: "stopped", Since: *ago(3 * time.Hour)},
		}},
		{Name: "web", Namespace: "default", Mode: "cluster", Sharing: "intercept", Script: "nginx", Desired: 1, Online: 1, Workers: []client.Worker{
			{ID: 4, State: "waiting restart", Since: *ago(time.Second), Pid: 0, Restarts: 1},
		}},
		{Name: "spare", Namespace: "default", Mode: "cluster", Sharing: "inherit"},
	}}
}

// earlier is the same container two seconds before.
func earlier() client.Overview {
	o := overview()
	o.Time = noon.Add(-2 * time.Second)
	o.Apps[0].Workers[0].CPUSeconds = 100
	o.Apps[0].Workers[1].CPUSeconds = 5
	return o
}

// hostileNames try to break out of their columns.
var hostileNames = [...]string{
	strings.Repeat("a-very-long-name-", 20),
	"日本語のアプリケーション名前がとても長い場合",
	"\x1b[2J\x1b]0;owned\x07clear",
	"two\nlines\r\tand tabs",
	"rtl \u202egnp.exe and \x9b31m and \u009b31m \xff\xfe",
	"👩‍👩‍👧‍👦 family 🇩🇪 e\u0301\u0301\u0301",
	"",
}

func hostile() client.Overview {
	o := client.Overview{Time: noon, ShuttingDown: true}
	for i, name := range hostileNames {
		o.Apps = append(o.Apps, hostileApp(i, name))
	}
	return o
}

func hostileApp(id int, name string) client.App {
	return client.App{
		Name: name, Namespace: name, Mode: "cluster", Sharing: name, Troubles: []string{name}, Script: name, Desired: 1,
		Workers: []client.Worker{{
			ID: 1000 + id, State: "online", Pid: 4194304, Started: ago(time.Hour), Restarts: 1 << 60, Memory: 1 << 60, LastError: name,
			LastExit: &client.Exit{Text: name, At: noon},
			Custom:   []client.Custom{{Name: name, Unit: name, Value: math.MaxFloat64}, {Name: "x" + name}},
		}},
		Ports: []client.Port{{Address: name}},
	}
}

func TestListGoldens(t *testing.T) {
	cases := map[string]client.Overview{"list": overview(), "empty": {}, "hostile": hostile()}
	for name, now := range cases {
		for look, style := range looks {
			t.Run(name+"/"+look, func(t *testing.T) {
				text := printed(t, func(out *bytes.Buffer) error { return List(out, style, earlier(), now) })
				golden(t, name+"-"+look, text)
			})
		}
	}
}

func TestShowGoldens(t *testing.T) {
	for look, style := range looks {
		t.Run(look, func(t *testing.T) {
			golden(t, "show-"+look, printed(t, func(out *bytes.Buffer) error { return Show(out, style, earlier(), overview()) }))
		})
	}
}

func TestJSONGoldens(t *testing.T) {
	golden(t, "list-json", printed(t, func(out *bytes.Buffer) error { return ListJSON(out, overview()) }))
	golden(t, "jlist", printed(t, func(out *bytes.Buffer) error { return JList(out, earlier(), overview()) }))
	for name, text := range map[string]string{
		"ListJSON": printed(t, func(out *bytes.Buffer) error { return ListJSON(out, client.Overview{}) }),
		"JList":    printed(t, func(out *bytes.Buffer) error { return JList(out, client.Overview{}, client.Overview{}) }),
	} {
		if text != "[]\n" {
			t.Errorf("%s without apps = %q, want []", name, text)
		}
	}
}

func TestRatesNeedTwoOverviews(t *testing.T) {
	if rates := Rates(client.Overview{}, overview()); len(rates) != 0 {
		t.Errorf("Rates without an earlier overview = %v, want none", rates)
	}
	if rates := Rates(overview(), overview()); len(rates) != 0 {
		t.Errorf("Rates of one moment = %v, want none", rates)
	}
	if rate := Rates(earlier(), overview())[0]; rate != 12.5 {
		t.Errorf("rate of worker 0 = %v, want 12.5", rate)
	}
}

// everything prints all there is in a style.
func everything(out *bytes.Buffer, style Style, o client.Overview) error {
	if err := List(out, style, client.Overview{}, o); err != nil {
		return err
	}
	if err := Show(out, style, client.Overview{}, o); err != nil {
		return err
	}
	var changes []client.Change
	for i, app := range o.Apps {
		changes = append(changes, client.Change{App: app.Name, What: [...]string{"add", "keep", app.Name}[i%3], Why: []string{app.Name}})
		if err := Progress(out, style, client.Progress{App: app.Name, Instance: &i, Text: app.Script, Error: app.Script}); err != nil {
			return err
		}
		if err := Event(out, style, client.Event{App: app.Name, Kind: app.Name, Text: app.Script}); err != nil {
			return err
		}
	}
	return Plan(out, style, changes)
}

// checkLayout fails if a line is too wide or has a control character but colours.
func checkLayout(t *testing.T, style Style, text string) {
	t.Helper()
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		if got := ansi.StringWidth(line); got > style.Width {
			t.Errorf("a line of %d columns at width %d: %q", got, style.Width, line)
		}
		checkHarmless(t, line)
	}
}

func checkHarmless(t *testing.T, line string) {
	t.Helper()
	plain := regexp.MustCompile(`\x1b\[[0-9;:]*m|\t`).ReplaceAllString(line, "")
	if strings.ContainsFunc(plain, unicode.IsControl) {
		t.Errorf("control characters in %q", line)
	}
}

func TestNoLineIsWiderThanTheTerminal(t *testing.T) {
	for width := 1; width <= 150; width += 1 + width/16 {
		for _, o := range []client.Overview{overview(), hostile(), {}} {
			style := Style{Width: width, Color: width%2 == 0, Now: noon}
			checkLayout(t, style, printed(t, func(out *bytes.Buffer) error { return everything(out, style, o) }))
		}
	}
}

func FuzzLayout(f *testing.F) {
	for i, name := range hostileNames {
		f.Add(name, uint8(i*20))
	}
	f.Fuzz(func(t *testing.T, name string, width uint8) {
		style := Style{Width: max(int(width), 1), Color: true, Now: noon}
		o := client.Overview{Apps: []client.App{hostileApp(1, name), hostileApp(2, "x"+name)}}
		checkLayout(t, style, printed(t, func(out *bytes.Buffer) error { return everything(out, style, o) }))
	})
}

func TestPipesGetFullNamesAndNoColour(t *testing.T) {
	style := Style{Color: true, Now: noon}
	text := printed(t, func(out *bytes.Buffer) error { return List(out, style, earlier(), hostile()) })
	if !strings.Contains(text, hostileNames[0]) || strings.Contains(text, "\x1b") || strings.Contains(text, "…") {
		t.Errorf("List into a pipe = %q", text)
	}
}

func TestAge(t *testing.T) {
	for _, c := range []struct {
		d    time.Duration
		want string
	}{
		{-time.Second, "0s"},
		{900 * time.Millisecond, "0s"},
		{59 * time.Second, "59s"},
		{time.Minute, "1m"},
		{59 * time.Minute, "59m"},
		{time.Hour, "1h"},
		{23 * time.Hour, "23h"},
		{24 * time.Hour, "1D"},
		{24000 * time.Hour, "1000D"},
	} {
		if got := Age(c.d); got != c.want {
			t.Errorf("Age(%v) = %q, want %q", c.d, got, c.want)
		}
	}
}

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"api": "api", "日本": "日本", "a\nb": `a\nb`, "\x1b[31m": `\x1b[31m`, "\u202ex": `\u202ex`, "\xff": `\xff`, "\u009b": `\u009b`,
	} {
		if got := Printable(text); got != want {
			t.Errorf("Printable(%q) = %q, want %q", text, got, want)
		}
	}
}
