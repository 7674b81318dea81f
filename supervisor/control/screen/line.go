package screen

import (
	"encoding/json"
	"io"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"gorun/supervisor/control/client"
)

// Form is how `logs` prints the lines of workers.
type Form int

// The forms.
const (
	Tagged Form = iota // 0|api  | text
	Raw                // the text, byte for byte
	JSON               // an object a line, as gorun itself prints with --json
)

// Log prints lines. The zero value prints tagged ones into a file; a longer tag
// than any before makes those after it wider.
type Log struct {
	Style Style
	Form  Form

	tag int // columns of the longest tag so far
}

// Room makes tags as wide as those of the apps, before their first lines.
func (l *Log) Room(apps []client.App) {
	for _, app := range apps {
		for _, w := range app.Workers {
			l.tag = max(l.tag, ansi.StringWidth(label(w.ID, app.Name)))
		}
	}
}

// Line prints a line that a worker wrote, after a notice if this reader has
// missed some. Raw and JSON are for programs: there Missed is the only notice.
func (l *Log) Line(out io.Writer, line client.Line) error {
	switch l.Form {
	case Tagged:
		return l.tagged(out, line)
	case Raw:
		return write(out, []string{line.Text})
	case JSON:
		return lineJSON(out, line)
	}
	return nil
}

// Missed is the notice of the lines that this reader was too slow for, "" without any.
func Missed(line client.Line) string {
	if line.Missed == 0 {
		return ""
	}
	return Count(line.Missed, "line") + " missed: this terminal was too slow"
}

func (l *Log) tagged(out io.Writer, line client.Line) error {
	tag := label(line.ID, line.App)
	l.tag = max(l.tag, ansi.StringWidth(tag))
	tag += strings.Repeat(" ", l.tag-ansi.StringWidth(tag))
	code := appCode(line.App)
	text := line.Text
	if l.Style.Width > 0 {
		text = l.Style.Harmless(text)
	}
	bar := l.Style.sgr(code, "|")
	if line.Stream == "err" {
		bar = l.Style.Paint(Bad, "┃")
	}
	if !l.Style.colored() {
		bar = "|"
	}
	var lines []string
	if notice := Missed(line); notice != "" {
		lines = append(lines, l.Style.Paint(Busy, l.Style.fit("-- "+notice+" --")))
	}
	return write(out, append(lines, l.Style.sgr(code, tag)+" "+bar+" "+text))
}

func label(id int, app string) string { return strconv.Itoa(id) + "|" + Printable(app) }

// lineJSON prints a line as gorun's own JSON output has it: one that is an object
// stays an object.
func lineJSON(out io.Writer, line client.Line) error {
	var message any = line.Text
	if object := strings.TrimSpace(line.Text); strings.HasPrefix(object, "{") && json.Valid([]byte(object)) {
		message = json.RawMessage(object)
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(struct {
		Message   any    `json:"message"`
		Timestamp string `json:"timestamp"`
		Type      string `json:"type"`
		ID        int    `json:"process_id"`
		App       string `json:"app_name"`
	}{message, line.Time.UTC().Format("2006-01-02T15:04:05.000Z07:00"), line.Stream, line.ID, line.App})
}
