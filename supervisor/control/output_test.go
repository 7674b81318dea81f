package control

import (
	"bytes"
	"iter"
	"net/http"
	"strings"
	"testing"

	"gorun/supervisor/control/client"
	"gorun/supervisor/logs"
)

// talk makes a worker that says lines.
func talk(t *testing.T, output *logs.Output, id logs.Identity) (say func(logs.Stream, string)) {
	t.Helper()
	capture, err := output.Worker(id, logs.Config{}).Capture()
	if err != nil {
		t.Fatal(err)
	}
	stdout, stderr := capture.Files()
	t.Cleanup(func() { _, _ = stdout.Close(), stderr.Close() })
	return func(to logs.Stream, text string) {
		file := stdout
		if to == logs.Stderr {
			file = stderr
		}
		if _, err := file.WriteString(text + "\n"); err != nil {
			t.Error(err)
		}
	}
}

func TestLogs(t *testing.T) {
	o := options(t, &fake{apps: twoApps()})
	api := talk(t, o.Output, logs.Identity{App: "api", Instance: 1, ID: 1})
	web := talk(t, o.Output, logs.Identity{App: "web", ID: 2})
	api(logs.Stdout, "one")
	api(logs.Stderr, "two")
	web(logs.Stdout, "three")
	eventually(t, "the lines are read", func() bool { return len(o.Output.History(logs.Filter{}, 9)) == 3 })
	c, _ := serveWith(t, t.Context(), o)
	for _, test := range []struct {
		name  string
		query client.LogQuery
		want  []string
	}{
		{"of an app", client.LogQuery{Targets: []string{"api"}, Lines: 9}, []string{"one", "two"}},
		{"of a worker", client.LogQuery{Targets: []string{"2"}, Lines: 9}, []string{"three"}},
		{"of another worker", client.LogQuery{Targets: []string{"api/0"}, Lines: 9}, nil},
		{"of two", client.LogQuery{Targets: []string{"api", "2"}, Lines: 9}, []string{"one", "two", "three"}},
		{"of a stream", client.LogQuery{Lines: 9, Stream: "err"}, []string{"two"}},
		{"none", client.LogQuery{}, nil},
	} {
		got := map[string]bool{}
		for line, err := range c.Logs(t.Context(), test.query) {
			if err != nil {
				t.Fatal(err)
			}
			got[line.Text] = true
		}
		if len(got) != len(test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
		for _, text := range test.want {
			if !got[text] {
				t.Errorf("%s: %v, want %v", test.name, got, test.want)
			}
		}
	}
}

func TestLogsAreFollowed(t *testing.T) {
	o := options(t, &fake{apps: twoApps()})
	say := talk(t, o.Output, logs.Identity{App: "api", Instance: 1, ID: 1})
	say(logs.Stderr, "one")
	eventually(t, "the line is read", func() bool { return len(o.Output.History(logs.Filter{}, 9)) == 1 })
	c, _ := serveWith(t, t.Context(), o)
	next, stop := iter.Pull2(c.Logs(t.Context(), client.LogQuery{Targets: []string{"api"}, Lines: 1, Follow: true}))
	defer stop()
	for _, text := range []string{"one", "two", "three"} {
		line, err, _ := next()
		if err != nil || line.Text != text || line.App != "api" || line.Instance != 1 || line.ID != 1 || line.Stream != "err" {
			t.Fatalf("line %+v, %v, want %s", line, err, text)
		}
		if text != "three" {
			say(logs.Stderr, map[string]string{"one": "two", "two": "three"}[text])
		}
	}
}

func TestALineSaysHowManyWereMissed(t *testing.T) {
	var text bytes.Buffer
	s := &stream{w: recorder{&text}}
	if err := s.sendLines([]logs.Line{{Text: "a"}, {Text: "b"}}, 7); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(text.String(), "\n")
	if !strings.Contains(lines[0], `"missed":7`) || strings.Contains(lines[1], "missed") {
		t.Errorf("lines:\n%s", text.String())
	}
}

// recorder is a ResponseWriter that keeps the body.
type recorder struct{ *bytes.Buffer }

func (recorder) Header() http.Header { return http.Header{} }
func (recorder) WriteHeader(int)     {}
func (recorder) Flush()              {}
