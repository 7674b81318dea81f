package screen

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"gorun/supervisor/control/client"
)

// Event prints what happened in one line, shortened to a terminal's width.
func Event(out io.Writer, style Style, e client.Event) error {
	at := e.Time.In(style.at()).Format("15:04:05")
	who := subject(e.App, e.Instance)
	if who == "" {
		who = "gorun"
	}
	line := style.Paint(Faint, at) + "  " + style.sgr(appCode(e.App), who) + "  " +
		style.Paint(eventPaint(e), Printable(e.Kind)) + "  " + Printable(e.Text)
	return write(out, []string{style.fit(line)})
}

func eventPaint(e client.Event) Paint {
	if e.Kind == "exit" || strings.Contains(e.Text, "errored") {
		return Bad
	}
	return Strong
}

// Progress prints a line of progress; the last one says how it ended.
func Progress(out io.Writer, style Style, n client.Progress) error {
	return write(out, style.progress(n))
}

func (s Style) progress(n client.Progress) []string {
	text := Printable(n.Text)
	if who := subject(n.App, n.Instance); who != "" {
		text = strings.TrimRight(who+"  "+text, " ")
	}
	switch {
	case n.Error != "":
		return s.wrap(s.mark(Bad), Cell{Text: joined(text, Printable(n.Error))})
	case n.Failed:
		return s.wrap(s.mark(Bad), Cell{Text: text})
	case n.Done:
		return s.wrap(s.mark(Good), Cell{Text: orElse(text, "done")})
	}
	return s.wrap(Cell{}, Cell{Text: text})
}

// mark is a ✓ or a ✗ where there are colours; elsewhere only failures have one.
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

// Plan prints what a new file would change, or has changed, and a summary.
func Plan(out io.Writer, style Style, changes []client.Change) error {
	var lines []string
	tally := map[string]uint64{}
	for _, c := range changes {
		tally[c.What]++
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
	return write(out, append(lines, style.wrap(Cell{}, Cell{Text: summary(tally)})...))
}

type planned struct {
	mark, text string
	paint      Paint
}

// plans is how each change is told.
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

func summary(tally map[string]uint64) string {
	var parts []string
	for _, s := range summaries {
		if n := tally[s[0]]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s[1]))
		}
	}
	return orElse(strings.Join(parts, ", "), "no apps")
}

// subject is api/1, or api where it is about the whole app.
func subject(app string, instance *int) string {
	if instance == nil {
		return Printable(app)
	}
	return Printable(app) + "/" + strconv.Itoa(*instance)
}

func joined(who, text string) string {
	if who == "" || text == "" {
		return who + text
	}
	return who + ": " + text
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
