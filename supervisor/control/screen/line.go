package screen

import (
	"encoding/json"
	"io"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"gorun/supervisor/control/client"
	"gorun/supervisor/status"
)

// Form is how `logs` prints the lines of workers.
type Form int

// The forms.
const (
	Tagged Form = iota // 0|api  | text
	Raw                // the text, byte for byte
	JSON               // an object a line, as gorun itself prints with --json
)

// Log prints lines. The zero value prints tagged lines into a file; a tag that is
// longer than all before it widens those after it.
type Log struct {
	Style Style
	Form  Form

	tag int // columns of the longest tag so far
}

// AlignTags makes all tags as wide as the longest of these apps, before their first
// lines.
func (l *Log) AlignTags(apps []client.App) {
	for _, app := range apps {
		for _, w := range app.Workers {
			l.tag = max(l.tag, ansi.StringWidth(label(w.ID, app.Name)))
		}
	}
}

// Line prints a line of a worker, after a notice if lines before it were dropped.
// Raw and JSON are for programs and have no notice: see Missed.
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

// Missed is a notice of the lines that were dropped before this one, because the
// terminal was too slow, "" if there are none.
func Missed(line client.Line) string {
	if line.Missed == 0 {
		return ""
	}
	return status.Plural(line.Missed, "line") + " missed: this terminal was too slow"
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

// lineJSON prints a line in the form of gorun's own JSON output: a line that is an
// object stays an object.
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
