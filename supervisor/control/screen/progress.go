package screen

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"gorun/supervisor/control/client"
)

// Event prints an event in one line, cut to the terminal's width.
func Event(out io.Writer, style Style, e client.Event) error {
	at := e.Time.In(style.zone()).Format("15:04:05")
	source := cmp.Or(workerName(e.App, e.Instance), "gorun")
	line := style.Paint(Faint, at) + "  " + style.sgr(appCode(e.App), source) + "  " +
		style.Paint(eventPaint(e), Printable(e.Kind)) + "  " + Printable(e.Text)
	return write(out, []string{style.fit(line)})
}

func eventPaint(e client.Event) Paint {
	if e.Kind == "exit" || strings.Contains(e.Text, "errored") {
		return Bad
	}
	return Strong
}

// Progress prints a line of the answer to an order; the last line is its result.
func Progress(out io.Writer, style Style, p client.Progress) error {
	return write(out, style.progress(p))
}

func (s Style) progress(p client.Progress) []string {
	text := Printable(p.Text)
	if name := workerName(p.App, p.Instance); name != "" {
		text = strings.TrimRight(name+"  "+text, " ")
	}
	switch {
	case p.Error != "":
		return s.wrap(s.mark(Bad), Cell{Text: join(text, Printable(p.Error))})
	case p.Failed:
		return s.wrap(s.mark(Bad), Cell{Text: text})
	case p.Done:
		return s.wrap(s.mark(Good), Cell{Text: orElse(text, "done")})
	}
	return s.wrap(Cell{}, Cell{Text: text})
}

// mark is ✓ or ✗ if there are colours; otherwise only failures are marked.
func (s Style) mark(p Paint) Cell {
	switch {
	case s.colored() && p == Good:
		return Cell{Text: "✓ ", Paint: p}
	case s.colored():
		return Cell{Text: "✗ ", Paint: p}
	case p == Good:
		return Cell{}
	}
	return Cell{Text: "failed: "}
}

// Plan prints the changes that a new file would make, or has made, and a summary.
func Plan(out io.Writer, style Style, changes []client.Change) error {
	var lines []string
	counts := map[string]uint64{}
	for _, c := range changes {
		counts[c.What]++
		kind, known := plans[c.What]
		if !known {
			kind = planned{mark: "? ", text: Printable(c.What)}
		}
		text := Printable(c.App) + ": " + kind.text
		if len(c.Why) > 0 {
			text += " (" + Printable(strings.Join(c.Why, ", ")) + ")"
		}
		lines = append(lines, style.wrap(Cell{Text: kind.mark, Paint: kind.paint}, Cell{Text: text})...)
	}
	return write(out, append(lines, style.wrap(Cell{}, Cell{Text: summary(counts)})...))
}

type planned struct {
	mark, text string
	paint      Paint
}

// plans is the text of each kind of change.
var plans = map[string]planned{
	"add":     {"+ ", "new", Good},
	"remove":  {"- ", "gone", Bad},
	"reload":  {"~ ", "reload", Busy},
	"restart": {"~ ", "restart", Busy},
	"keep":    {"= ", "unchanged", Faint},
}

// summaries are the words of the summary, in its order.
var summaries = [...][2]string{
	{"add", "new"}, {"remove", "gone"}, {"reload", "to reload"}, {"restart", "to restart"}, {"keep", "unchanged"},
}

func summary(counts map[string]uint64) string {
	var parts []string
	for _, s := range summaries {
		if n := counts[s[0]]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s[1]))
		}
	}
	return orElse(strings.Join(parts, ", "), "no apps")
}

// workerName is api/1, or api for the whole app.
func workerName(app string, instance *int) string {
	if instance == nil {
		return Printable(app)
	}
	return Printable(app) + "/" + strconv.Itoa(*instance)
}

func join(name, text string) string {
	if name == "" || text == "" {
		return name + text
	}
	return name + ": " + text
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// wrap is the text behind a mark, in as many lines of the terminal as it takes.
func (s Style) wrap(mark, text Cell) []string {
	indent := ansi.StringWidth(mark.Text)
	if s.Width == 0 || indent+8 > s.Width {
		return []string{s.fit(s.Paint(mark.Paint, mark.Text) + s.Paint(text.Paint, text.Text))}
	}
	lines := folded(text.Text, s.Width-indent)
	for i, line := range lines {
		lead := s.Paint(mark.Paint, mark.Text)
		if i > 0 {
			lead = strings.Repeat(" ", indent)
		}
		lines[i] = lead + s.Paint(text.Paint, line)
	}
	return lines
}

// folded is the text in lines of so many columns, broken at spaces where it can be.
func folded(text string, width int) []string {
	lines := []string{""}
	for word := range strings.SplitSeq(text, " ") {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = word
		case ansi.StringWidth(*last)+1+ansi.StringWidth(word) <= width:
			*last += " " + word
		default:
			lines = append(lines, word)
		}
		for {
			long := lines[len(lines)-1]
			head := ansi.Truncate(long, width, "")
			if head == long || head == "" {
				break
			}
			lines[len(lines)-1] = head
			lines = append(lines, long[len(head):])
		}
	}
	return lines
}
