package endpoint

import (
	"bufio"
	"encoding/json"
	"log/slog"
	"net"
	"strings"
	"testing"

	"gorun/supervisor/node"
	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// talker is a run whose worker is this test.
type talker struct {
	*Endpoint
	worker net.Conn
}

func newTalker(t *testing.T, p *SharedPorts, instance int) talker {
	t.Helper()
	e := New(Request{Ports: p, Spec: p.app, Instance: instance})
	ours, child, err := node.Pair()
	if err != nil {
		t.Fatal(err)
	}
	worker, err := net.FileConn(child)
	if err != nil {
		t.Fatal(err)
	}
	_ = child.Close()
	e.openChannel(ours)
	t.Cleanup(func() { _, _ = e.ipc.channel.Close(), worker.Close() })
	return talker{e, worker}
}

// heard returns the next line that the worker gets.
func (w talker) heard(t *testing.T) string {
	t.Helper()
	line, err := bufio.NewReader(w.worker).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

func TestL31ObjectsGoToTheOtherWorkers(t *testing.T) {
	p := inspectors(spec.App{RelayMessages: true})
	events := make(chan status.Event, 10)
	p.deps = Deps{Log: slog.New(slog.DiscardHandler), Journal: func(e status.Event) { events <- e }}
	first, second, third := newTalker(t, p, 0), newTalker(t, p, 1), newTalker(t, p, 2)
	for _, message := range []string{`"text"`, `[1]`, `{"type":"axm:reply"}`} { // not for workers
		first.ipc.receive(json.RawMessage(message))
		<-events
	}
	const sent = `{"room":"all","text":"<hello>"}`
	first.ipc.receive(json.RawMessage(sent))
	second.ipc.receive(json.RawMessage(`{"back":1}`))
	for _, worker := range []talker{second, third} {
		var got, want map[string]string
		if err := json.Unmarshal([]byte(worker.heard(t)), &got); err != nil {
			t.Fatal(err)
		}
		_ = json.Unmarshal([]byte(sent), &want)
		if got["text"] != want["text"] || got["room"] != want["room"] {
			t.Errorf("instance %d heard %v, want %v", worker.instance, got, want)
		}
	}
	if got := first.heard(t); got != `{"back":1}` {
		t.Errorf("the first hears %s: its own message, too?", got)
	}
	if len(events) > 0 {
		t.Errorf("event %v", <-events)
	}
}

func TestL31AHintOnceWithoutTheKey(t *testing.T) {
	var text strings.Builder
	p := inspectors(spec.App{})
	recorded := 0
	p.deps = Deps{Log: slog.New(slog.NewTextHandler(&text, nil)), Journal: func(status.Event) { recorded++ }}
	first := newTalker(t, p, 0)
	for _, message := range []string{`{"x":1}`, `{"source":"_sio_adapter","type":1}`, `{"topic":"log4js:message"}`, `{"source":"_sio_adapter"}`} {
		first.ipc.receive(json.RawMessage(message))
	}
	if got := strings.Count(text.String(), "relay_messages"); got != 1 || recorded != 4 || !strings.Contains(text.String(), "socket.io") {
		t.Errorf("%d hints, %d events:\n%s", got, recorded, text.String())
	}
}

func TestL31LibraryOf(t *testing.T) {
	for message, want := range map[string]string{
		`{"topic":"log4js:message","data":"x"}`:  "log4js",
		`{"source":"_sio_adapter","data":{}}`:    "socket.io",
		`{"type":"process:msg","topic":"other"}`: "",
		`"log4js:message"`:                       "",
	} {
		if got := node.LibraryOf(json.RawMessage(message)); got != want {
			t.Errorf("%s: %q, want %q", message, got, want)
		}
	}
}
