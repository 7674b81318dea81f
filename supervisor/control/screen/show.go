package screen

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"gorun/supervisor/control/client"
	"gorun/supervisor/status"
)

// Show prints everything about the apps and workers of an overview, which the
// caller has reduced to those that the user named. CPU usage is counted from before.
func Show(out io.Writer, style Style, before, now client.Overview) error {
	rates := Rates(before, now)
	var lines []string
	for i, app := range now.Apps {
		if i > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, style.section(Printable(app.Name), appFacts(app))...)
		for _, w := range app.Workers {
			title := fmt.Sprintf("%s/%d", Printable(app.Name), w.Instance)
			lines = append(lines, "")
			lines = append(lines, style.section(title, style.workerFacts(app, w, rates))...)
			if len(w.Custom) > 0 {
				lines = append(lines, "")
				lines = append(lines, style.section(title+" custom metrics", customFacts(w.Custom))...)
			}
		}
	}
	if len(lines) == 0 {
		lines = []string{style.fit("no apps")}
	}
	return write(out, lines)
}

// fact is a line of a section; it is left out if it has no text.
type fact struct {
	key, text string
	paint     Paint
}

func appFacts(app client.App) []fact {
	facts := []fact{
		{key: "namespace", text: app.Namespace},
		{key: "mode", text: mode(app)},
		{key: "script", text: app.Script},
		{key: "interpreter", text: app.Interpreter},
		{key: "workers", text: cmp.Or(app.Waiting, fmt.Sprintf("%d of %d online", app.Online, app.Desired))},
	}
	if app.MemoryLimit > 0 {
		facts = append(facts, fact{key: "memory limit", text: status.Bytes(app.MemoryLimit) + " per worker"})
	}
	for _, trouble := range app.Troubles {
		facts = append(facts, fact{key: "trouble", text: trouble, paint: Bad})
	}
	return facts
}

func (s Style) workerFacts(app client.App, w client.Worker, rates map[int]float64) []fact {
	facts := []fact{
		{key: "id", text: strconv.Itoa(w.ID)},
		{key: "state", text: State(app, w, s.Now) + s.since(w.Since), paint: StatePaint(w.State)},
	}
	if w.Pid > 0 {
		facts = append(facts, fact{key: "pid", text: strconv.Itoa(w.Pid)}, fact{key: "uptime", text: Uptime(w, s.Now)})
	}
	restarts := strconv.FormatUint(w.Restarts, 10)
	if w.Unstable > 0 {
		restarts += fmt.Sprintf(", %d unstable in a row", w.Unstable)
	}
	facts = append(facts, fact{key: "restarts", text: restarts})
	if w.LastExit != nil {
		facts = append(facts, fact{key: "last exit", text: s.exit(*w.LastExit)})
	}
	facts = append(facts, fact{key: "last error", text: w.LastError, paint: Bad})
	if w.Health != nil {
		facts = append(facts, healthFact(*w.Health))
	}
	facts = append(facts, usage(w, rates)...)
	facts = append(facts, nodeFacts(w.Node)...)
	for _, p := range app.Ports {
		if p.Instance == w.Instance {
			facts = append(facts, fact{key: "queue", text: fmt.Sprintf("%s: %d of %d waiting", p.Address, p.Length, p.Limit)})
		}
	}
	lines := fmt.Sprintf("%d to stdout, %d to stderr", w.OutLines, w.ErrLines)
	return append(facts, fact{key: "lines", text: lines})
}

// healthFact is what the last health check found.
func healthFact(h client.Health) fact {
	if h.OK {
		return fact{key: "health", text: h.Text}
	}
	return fact{key: "health", text: "failed: " + h.Text, paint: Bad}
}

// usage is the resources of the worker's process tree.
func usage(w client.Worker, rates map[int]float64) []fact {
	if w.Pid == 0 {
		return nil
	}
	return []fact{
		{key: "cpu", text: fmt.Sprintf("%s, %.1f s in all", CPU(rates, w), w.CPUSeconds)},
		{key: "memory", text: status.Bytes(w.Memory)},
		{key: "open files", text: strconv.Itoa(w.OpenFDs)},
		{key: "threads", text: strconv.Itoa(w.Threads)},
		{key: "processes", text: strconv.Itoa(w.Processes)},
	}
}

// nodeFacts are the runtime metrics of a Node process.
func nodeFacts(n *client.Node) []fact {
	if n == nil {
		return nil
	}
	return []fact{
		{key: "event loop", text: fmt.Sprintf("late by %s (p50), %s (p95), %s (p99)", Delay(n.DelayP50), Delay(n.DelayP95), Delay(n.DelayP99))},
		{key: "heap", text: fmt.Sprintf("%s of %s reserved, limit %s", status.Bytes(n.HeapUsed), status.Bytes(n.HeapReserved), status.Bytes(n.HeapLimit))},
		{key: "active", text: fmt.Sprintf("%s, %s", status.Plural(max(n.Handles, 0), "handle"), status.Plural(max(n.Requests, 0), "request"))},
		{key: "gc", text: fmt.Sprintf("%s, %.1f s in all", status.Plural(n.Pauses, "pause"), n.PauseSeconds)},
	}
}

// customFacts are the custom metrics of the app.
func customFacts(all []client.Custom) []fact {
	facts := make([]fact, 0, len(all))
	for _, c := range all {
		text := strconv.FormatFloat(c.Value, 'f', -1, 64)
		if len(text) > maxDigits {
			text = strconv.FormatFloat(c.Value, 'g', 6, 64)
		}
		facts = append(facts, fact{key: Printable(c.Name), text: strings.TrimSpace(text + " " + c.Unit)})
	}
	return facts
}

// maxDigits is the length from which a number is rounded.
const maxDigits = 15

func (s Style) since(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return fmt.Sprintf(" for %s, since %s", Age(s.Now.Sub(at)), s.clock(at))
}

func (s Style) exit(e client.Exit) string {
	text := cmp.Or(e.Text, strconv.Itoa(e.Code))
	uptime := time.Duration(e.Uptime * float64(time.Second))
	return fmt.Sprintf("%s; %s ago, at %s, after %s", text, Age(s.Now.Sub(e.At)), s.clock(e.At), Age(uptime))
}

func (s Style) clock(at time.Time) string { return at.In(s.zone()).Format(time.DateTime) }

// zone is the time zone of all times that are printed.
func (s Style) zone() *time.Location {
	if s.Now.IsZero() {
		return time.UTC
	}
	return s.Now.Location()
}

// section is a title and its facts, keys aligned.
func (s Style) section(title string, facts []fact) []string {
	lines := []string{s.fit(s.Paint(Strong, title))}
	width := 0
	for _, f := range facts {
		width = max(width, ansi.StringWidth(f.key))
	}
	for _, f := range facts {
		if f.text == "" {
			continue
		}
		key := "  " + f.key + strings.Repeat(" ", width-ansi.StringWidth(f.key)+2)
		lines = append(lines, s.wrap(Cell{Text: key, Paint: Faint}, Cell{Text: Printable(f.text), Paint: f.paint})...)
	}
	return lines
}
