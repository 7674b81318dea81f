package hooks

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Event is what happened to one worker. It never changes once it is dispatched.
type Event struct {
	Kind     EventKind
	Time     time.Time
	Host     string
	App      string
	Instance int
	Pid      int           // of the process that ended, or was started; 0: there was none
	Reason   string        // why it ended, or was started: exit, memory, health, …
	Exit     *ExitStatus   // nil: it has not ended
	Next     string        // what gorun does next: "restart in 1s"
	Uptime   time.Duration // of the process that ended
}

// ExitStatus is how a process ended.
type ExitStatus struct {
	Text   string // for people: "1", "137 = SIGKILL, out of memory"
	Code   int    // 0–255, as a shell reports it
	Signal string // "SIGKILL"; "": none
	Tail   []string
}

// The bounds of the worker's last lines in an event.
const (
	maxLine  = 1000 // characters of one line
	maxLines = 20
)

// message is the body that webhooks get and commands read on standard input. Slack,
// Mattermost and Discord's /slack show its text, and ignore the rest.
type message struct {
	Text   string   `json:"text"`
	Event  string   `json:"event"`
	App    string   `json:"app"`
	Worker int      `json:"worker"`
	Pid    int      `json:"pid,omitempty"`
	Reason string   `json:"reason,omitempty"`
	Exit   string   `json:"exit,omitempty"`
	Code   *int     `json:"code,omitempty"`
	Signal string   `json:"signal,omitempty"`
	Uptime float64  `json:"uptime_seconds,omitempty"`
	Next   string   `json:"next,omitempty"`
	Time   string   `json:"time"`
	Host   string   `json:"host,omitempty"`
	Tail   []string `json:"tail,omitempty"`
}

// body returns the event as JSON.
func (e Event) body() []byte {
	m := message{
		Text: e.text(), Event: e.Kind.String(), App: e.App, Worker: e.Instance, Pid: e.Pid, Reason: e.Reason,
		Uptime: e.Uptime.Seconds(), Next: e.Next, Time: e.Time.UTC().Format(time.RFC3339), Host: e.Host,
	}
	if end := e.Exit; end != nil {
		m.Exit, m.Code, m.Signal, m.Tail = e.exit(), &end.Code, end.Signal, lastLines(end.Tail, maxLines, maxLine)
	}
	text, err := json.Marshal(m)
	if err != nil {
		return nil // texts and numbers always encode
	}
	return text
}

// environ returns the event as environment variables.
func (e Event) environ() []string {
	all := []string{
		"GORUN_EVENT=" + e.Kind.String(),
		"GORUN_APP=" + e.App,
		"GORUN_INSTANCE=" + strconv.Itoa(e.Instance),
		"GORUN_PID=" + number(e.Pid),
		"GORUN_REASON=" + e.Reason,
		"GORUN_NEXT=" + e.Next,
		"GORUN_EXIT=" + e.exit(),
	}
	code := ""
	if e.Exit != nil {
		code = strconv.Itoa(e.Exit.Code)
	}
	return append(all, "GORUN_EXIT_CODE="+code)
}

// number formats n, and 0 as "".
func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// exit returns the text of the exit status, "" without one.
func (e Event) exit() string {
	if e.Exit == nil {
		return ""
	}
	return clip("exit "+e.Exit.Text, maxLine)
}

// The text that people see is short: Discord takes 2000 characters.
const (
	maxTextSentence = 700
	maxTextLines    = 5
	maxTextLine     = 200
)

// text returns the event for people: a sentence, and the last lines of a failure.
func (e Event) text() string {
	text := e.sentence()
	if e.Host != "" {
		text += " (on " + e.Host + ")"
	}
	text = escape(clip(text, maxTextSentence))
	if e.Exit == nil || e.Exit.Code == 0 || len(e.Exit.Tail) == 0 || e.Kind == Restart {
		return text
	}
	lines := strings.Join(lastLines(e.Exit.Tail, maxTextLines, maxTextLine), "\n")
	return text + "\n```\n" + escape(strings.ReplaceAll(lines, "```", "'''")) + "\n```"
}

func (e Event) sentence() string {
	worker := fmt.Sprintf("%s/%d", e.App, e.Instance)
	switch e.Kind {
	case Exit:
		return fmt.Sprintf("%s ended: %s%s; %s", worker, e.exit(), e.reasonSuffix(), e.Next)
	case Restart:
		return fmt.Sprintf("%s runs again as pid %d%s", worker, e.Pid, e.reasonSuffix())
	case GiveUp:
		return fmt.Sprintf("%s is given up after too many failures in a row: %s%s", worker, e.exit(), e.reasonSuffix())
	}
	return worker
}

// reasonSuffix returns a reason that the exit status does not show.
func (e Event) reasonSuffix() string {
	if e.Reason == "" || e.Reason == "exit" {
		return ""
	}
	return " (" + e.Reason + ")"
}

// escape keeps chat programs from reading parts of the text as links and mentions,
// as Slack's documentation asks.
func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// lastLines returns the last lines, each clipped.
func lastLines(lines []string, most, longest int) []string {
	var kept []string
	for _, line := range lines[max(0, len(lines)-most):] {
		kept = append(kept, clip(line, longest))
	}
	return kept
}

// clip cuts a text that has more than most characters.
func clip(text string, most int) string {
	runes := []rune(strings.ToValidUTF8(text, "\uFFFD"))
	if len(runes) <= most {
		return string(runes)
	}
	return string(runes[:most-1]) + "…"
}
