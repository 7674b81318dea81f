package screen

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"gorun/supervisor/control/client"
)

func logLines() []client.Line {
	at := noon.Add(7 * time.Millisecond)
	return []client.Line{
		{Time: at, App: "api", ID: 0, Stream: "out", Text: "listening on :3000"},
		{Time: at, App: "api", ID: 0, Stream: "err", Text: "\x1b[31mred\x1b[0m and \x1b[2J\x1b]0;title\x07moved\x1b[10A <&>"},
		{Time: at, App: "mailer", ID: 13, Stream: "out", Text: `{"level":"info","msg":"sent"}`, Missed: 1204},
		{Time: at, App: "\x1b[2Japi\n", ID: 2, Stream: "out", Text: "tab\there, 50%\r100% \xff \u009b31m 日本", Missed: 1},
		{Time: at, App: "api", ID: 0, Stream: "out"},
	}
}

func TestLineGoldens(t *testing.T) {
	forms := map[string]Log{
		"tagged-color":    {Style: wide},
		"tagged-terminal": {Style: Style{Width: 30}},
		"tagged-pipe":     {},
		"raw":             {Form: Raw, Style: wide},
		"json":            {Form: JSON, Style: wide},
	}
	for name, log := range forms {
		t.Run(name, func(t *testing.T) {
			text := printed(t, func(out *bytes.Buffer) error {
				log.Room(overview().Apps)
				for _, line := range logLines() {
					if err := log.Line(out, line); err != nil {
						return err
					}
				}
				return nil
			})
			golden(t, "log-"+name, text)
		})
	}
}

func TestRawLinesStayAsTheyAre(t *testing.T) {
	log := Log{Form: Raw, Style: wide}
	for _, line := range logLines() {
		if got := printed(t, func(out *bytes.Buffer) error { return log.Line(out, line) }); got != line.Text+"\n" {
			t.Errorf("raw line = %q, want %q", got, line.Text)
		}
	}
}

func FuzzLine(f *testing.F) {
	for _, line := range logLines() {
		f.Add(line.App, line.Text)
	}
	f.Fuzz(func(t *testing.T, app, text string) {
		line := client.Line{App: app, Stream: "err", Text: text, Missed: 2}
		log := Log{Style: wide}
		tagged := strings.TrimSuffix(printed(t, func(out *bytes.Buffer) error { return log.Line(out, line) }), "\n")
		for part := range strings.SplitSeq(tagged, "\n") {
			checkHarmless(t, part)
		}
		if n := strings.Count(tagged, "\n"); n != 1 {
			t.Errorf("%d line breaks in %q, want the one after the notice", n, tagged)
		}
		log.Form = JSON
		object := printed(t, func(out *bytes.Buffer) error { return log.Line(out, line) })
		if !json.Valid([]byte(object)) || strings.Count(object, "\n") != 1 {
			t.Errorf("not one line of JSON: %q", object)
		}
	})
}
