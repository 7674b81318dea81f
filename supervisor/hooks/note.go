package hooks

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Note is one event with its facts. It never changes once it is told.
type Event struct {
	Kind     EventKind
	Time     time.Time
	Host     string
	App      string
	Instance int
	Pid      int           // of the process that ended, or runs again; 0: there was none
	Reason   string        // why it ended, or runs again: exit, memory, health, …
	Exit     *ExitStatus   // how it ended; nil: it has not
	Next     string        // what follows: "restart in 1s"
	Uptime   time.Duration // of the process that ended
}

// Ending is how a process ended.
type ExitStatus struct {
	Text   string // for people: "1", "137 = SIGKILL, out of memory"
	Code   int    // 0–255, as a shell says it
	Signal string // "SIGKILL"; "": none
	Tail   []string
}

// The bounds of what is passed on of a worker's last words.
const (
	maxLine  = 1000 // characters of one line
	maxLines = 20
)

// message is the body that webhooks get and commands find on standard input.
// Slack, Mattermost and Discord's /slack show its text, and leave the rest alone.
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

// body returns the note as JSON.
func (n Event) body() []byte {
	m := message{
		Text: n.text(), Event: n.Kind.String(), App: n.App, Worker: n.Instance, Pid: n.Pid, Reason: n.Reason,
		Uptime: n.Uptime.Seconds(), Next: n.Next, Time: n.Time.UTC().Format(time.RFC3339), Host: n.Host,
	}
	if end := n.Exit; end != nil {
		m.Exit, m.Code, m.Signal, m.Tail = n.exit(), &end.Code, end.Signal, bounded(end.Tail, maxLines, maxLine)
	}
	text, err := json.Marshal(m)
	if err != nil {
		return nil // texts and numbers always encode
	}
	return text
}

// environ is the note for a command.
func (n Event) environ() []string {
	all := []string{
		"GORUN_EVENT=" + n.Kind.String(),
		"GORUN_APP=" + n.App,
		"GORUN_INSTANCE=" + strconv.Itoa(n.Instance),
		"GORUN_PID=" + number(n.Pid),
		"GORUN_REASON=" + n.Reason,
		"GORUN_NEXT=" + n.Next,
		"GORUN_EXIT=" + n.exit(),
	}
	code := ""
	if n.Exit != nil {
		code = strconv.Itoa(n.Exit.Code)
	}
	return append(all, "GORUN_EXIT_CODE="+code)
}

// number writes a number that is there.
func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// exit names how it ended, "" when it has not.
func (n Event) exit() string {
	if n.Exit == nil {
		return ""
	}
	return clip("exit "+n.Exit.Text, maxLine)
}

// The text that people see is short: Discord takes 2000 characters.
const (
	shownSentence = 700
	shownLines    = 5
	shownLine     = 200
)

// text tells it to people: a sentence, and the last words of what has failed.
func (n Event) text() string {
	text := n.sentence()
	if n.Host != "" {
		text += " (on " + n.Host + ")"
	}
	text = escape(clip(text, shownSentence))
	if n.Exit == nil || n.Exit.Code == 0 || len(n.Exit.Tail) == 0 || n.Kind == Restart {
		return text
	}
	lines := strings.Join(bounded(n.Exit.Tail, shownLines, shownLine), "\n")
	return text + "\n```\n" + escape(strings.ReplaceAll(lines, "```", "'''")) + "\n```"
}

func (n Event) sentence() string {
	who := fmt.Sprintf("%s/%d", n.App, n.Instance)
	switch n.Kind {
	case Exit:
		return fmt.Sprintf("%s ended: %s%s; %s", who, n.exit(), n.because(), n.Next)
	case Restart:
		return fmt.Sprintf("%s runs again as pid %d%s", who, n.Pid, n.because())
	case GiveUp:
		return fmt.Sprintf("%s is given up after too many failures in a row: %s%s", who, n.exit(), n.because())
	}
	return who
}

// because names a reason that the exit does not tell.
func (n Event) because() string {
	if n.Reason == "" || n.Reason == "exit" {
		return ""
	}
	return " (" + n.Reason + ")"
}

// escape keeps chat programs from taking parts of the text for links and
// mentions: what Slack asks for.
func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// bounded returns the last lines, none of them long.
func bounded(lines []string, most, longest int) []string {
	var kept []string
	for _, line := range lines[max(0, len(lines)-most):] {
		kept = append(kept, clip(line, longest))
	}
	return kept
}

// clip cuts a text that has more characters than that.
func clip(text string, most int) string {
	runes := []rune(strings.ToValidUTF8(text, "\uFFFD"))
	if len(runes) <= most {
		return string(runes)
	}
	return string(runes[:most-1]) + "…"
}
