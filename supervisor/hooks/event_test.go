package hooks

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// crash is an event with all its facts.
func crash() Event {
	return Event{
		Kind: Exit, Time: time.Date(2030, 1, 2, 3, 4, 5, 6, time.FixedZone("", 3600)), Host: "box", App: "api", Instance: 2, Pid: 41,
		Reason: "exit", Next: "restart in 1s", Uptime: 1500 * time.Millisecond,
		Exit: &ExitStatus{Text: "137 = SIGKILL, out of memory", Code: 137, Signal: "SIGKILL", Tail: []string{"one", "two"}},
	}
}

func (e Event) with(change func(*Event)) Event {
	change(&e)
	return e
}

func TestAWebhookGetsEveryFact(t *testing.T) {
	want := map[string]any{
		"text":  "api/2 ended: exit 137 = SIGKILL, out of memory; restart in 1s (on box)\n```\none\ntwo\n```",
		"event": "exit", "app": "api", "worker": 2.0, "pid": 41.0, "reason": "exit", "exit": "exit 137 = SIGKILL, out of memory",
		"code": 137.0, "signal": "SIGKILL", "uptime_seconds": 1.5, "next": "restart in 1s",
		"time": "2030-01-02T02:04:05Z", "host": "box", "tail": []any{"one", "two"},
	}
	var got map[string]any
	if err := json.Unmarshal(crash().body(), &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v: got\n%v\nwant\n%v", err, got, want)
	}
}

func TestACodeOfZeroIsSentAndAMissingOneIsNot(t *testing.T) {
	done := crash().with(func(n *Event) { n.Exit = &ExitStatus{Text: "0"} })
	if body := string(done.body()); !strings.Contains(body, `"code":0`) || strings.Contains(body, "signal") {
		t.Error(body)
	}
	rolled := crash().with(func(n *Event) { n.Kind, n.Exit = Restart, nil })
	if body := string(rolled.body()); strings.Contains(body, `"code"`) || strings.Contains(body, `"exit":""`) {
		t.Error(body)
	}
}

func TestACommandFindsTheFactsInItsEnvironment(t *testing.T) {
	want := []string{
		"GORUN_EVENT=exit", "GORUN_APP=api", "GORUN_INSTANCE=2", "GORUN_PID=41", "GORUN_REASON=exit", "GORUN_NEXT=restart in 1s",
		"GORUN_EXIT=exit 137 = SIGKILL, out of memory", "GORUN_EXIT_CODE=137",
	}
	if got := crash().environ(); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	rolled := crash().with(func(n *Event) { n.Exit, n.Pid = nil, 0 })
	if got := rolled.environ(); !slices.Contains(got, "GORUN_EXIT_CODE=") || !slices.Contains(got, "GORUN_PID=") {
		t.Errorf("without an exit: %q", got)
	}
}

func TestTheTextIsASentence(t *testing.T) {
	tests := []struct {
		name  string
		event Event
		want  string
	}{
		{"a good end", crash().with(func(n *Event) {
			n.Host, n.Exit, n.Next = "", &ExitStatus{Text: "0", Tail: []string{"bye"}}, "stays stopped"
		}), "api/2 ended: exit 0; stays stopped"},
		{"unhealthy", crash().with(func(n *Event) { n.Reason, n.Exit.Tail = "health", nil }), "api/2 ended: exit 137 = SIGKILL, out of memory (health); restart in 1s (on box)"},
		{"a restart", crash().with(func(n *Event) { n.Kind = Restart }), "api/2 runs again as pid 41 (on box)"},
		{"a schedule", crash().with(func(n *Event) { n.Kind, n.Reason = Restart, "cron" }), "api/2 runs again as pid 41 (cron) (on box)"},
		{"the end of it", crash().with(func(n *Event) { n.Kind, n.Exit.Tail = GiveUp, nil }), "api/2 is given up after too many failures in a row: exit 137 = SIGKILL, out of memory (on box)"},
	}
	for _, tt := range tests {
		if got := tt.event.text(); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestWhatAWorkerWritesMentionsNobody(t *testing.T) {
	n := crash().with(func(n *Event) { n.Exit.Tail = []string{"<!channel> a & b", "```@everyone"} })
	if got := n.text(); !strings.HasSuffix(got, "\n```\n&lt;!channel&gt; a &amp; b\n'''@everyone\n```") {
		t.Errorf("text: %q", got)
	}
}

func TestWhatAWorkerWritesIsBounded(t *testing.T) {
	n := crash().with(func(n *Event) {
		n.Exit.Text = strings.Repeat("x", 1<<20)
		n.Exit.Tail = slices.Repeat([]string{strings.Repeat("ü", 1<<10), "\xff"}, 100)
	})
	if runes := len([]rune(n.text())); runes > 1900 {
		t.Errorf("the text has %d characters", runes)
	}
	if size := len(n.body()); size > 48<<10 {
		t.Errorf("the body has %d bytes", size)
	}
}
