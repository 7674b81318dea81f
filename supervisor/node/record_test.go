//go:build scenarios

package node

import (
	"bytes"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"gorun/supervisor/sockets"
)

var update = flag.Bool("update", false, "record what this machine's node says")

// TestRecordingsAreWhatNodeSays has the conversations with the node of this
// machine, where that is of the version that was recorded: others say other things.
func TestRecordingsAreWhatNodeSays(t *testing.T) {
	node := nodeProgram(t)
	version, err := exec.Command(node, "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	header := "# node " + string(version)
	for _, c := range conversations {
		t.Run(c.name, func(t *testing.T) {
			text := header + newScene(t, c).record(t)
			if *update {
				if err := os.WriteFile(recordingOf(c), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			old, err := os.ReadFile(recordingOf(c))
			if err != nil {
				t.Fatal(err)
			}
			if major(string(old)) != major(text) {
				t.Skipf("recorded of another version than %s", strings.TrimSpace(string(version)))
			}
			for _, speaker := range []string{"node", "gorun", "event"} { // the order between them is chance
				if got, want := linesOf(text, speaker), linesOf(string(old), speaker); got != want {
					t.Errorf("%s says\n%s, recorded is\n%s", speaker, got, want)
				}
			}
		})
	}
}

func major(recording string) string {
	return regexp.MustCompile(`^# node v\d+`).FindString(recording)
}

func linesOf(recording, speaker string) string {
	var b strings.Builder
	for line := range strings.Lines(recording) {
		if strings.HasPrefix(line, speaker) || line == "worker\n" {
			b.WriteString(line)
		}
	}
	return b.String()
}

// record has the conversation with real workers.
func (s *scene) record(t *testing.T) string {
	t.Helper()
	a := newApp(t, s.actual(s.script))
	s.dir = filepath.Dir(a.script)
	var text strings.Builder
	for owner := range max(s.workers, 1) {
		r := &recorder{}
		a.tap = r.between(t)
		if s.vitals {
			a.env = Instrument(nil)
		}
		id := ""
		if !s.fork {
			id = fmt.Sprint(owner + 1)
		}
		w := a.start(&heard{}, s.options(sockets.Owner(owner)), id)
		for {
			event := s.next(t, w.channel)
			r.add("event " + event)
			s.respond(w.channel, event)
			if strings.HasPrefix(event, s.last) {
				break
			}
		}
		text.WriteString("worker\n")
		for _, line := range r.all() {
			text.WriteString(s.anonymous(line) + "\n")
		}
	}
	return text.String()
}

// recorder stands between a Node and its channel.
type recorder struct {
	mu    sync.Mutex
	lines []string
	done  sync.WaitGroup
}

func (r *recorder) add(line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, line)
}

func (r *recorder) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lines
}

// between returns what makes a channel's end from a Node's, with the recorder in
// the middle.
func (r *recorder) between(t *testing.T) func(*net.UnixConn) *net.UnixConn {
	t.Helper()
	return func(node *net.UnixConn) *net.UnixConn {
		ours, child, err := Pair()
		if err != nil {
			t.Fatal(err)
		}
		gorun, err := connOf(child)
		if err != nil {
			t.Fatal(err)
		}
		r.done.Go(func() { r.pass(node, gorun, "node") })
		r.done.Go(func() { r.pass(gorun, node, "gorun") })
		t.Cleanup(r.done.Wait)
		return ours
	}
}

// pass hands on what one side says, with its descriptors.
func (r *recorder) pass(from, to *net.UnixConn, speaker string) {
	defer to.Close()
	defer from.Close()
	lines := splitter{limit: maxLine}
	b, oob := make([]byte, 64<<10), make([]byte, 256)
	for {
		n, oobn, _, _, err := from.ReadMsgUnix(b, oob)
		if err != nil || n == 0 {
			return
		}
		for _, line := range lines.add(b[:n]) {
			who := speaker
			if who == "gorun" && bytes.HasPrefix(line, []byte(`{"cmd":"NODE_HANDLE",`)) {
				who = "gorun+"
			}
			r.add(who + " " + string(line))
		}
		_, _, err = to.WriteMsgUnix(b[:n], oob[:oobn], nil)
		drop(oob[:oobn])
		if err != nil {
			return
		}
	}
}

// drop closes descriptors that have been handed on. What WriteMsgUnix sent is
// the control message as it was read: the numbers are valid here.
func drop(oob []byte) {
	messages, _ := unix.ParseSocketControlMessage(oob)
	for _, m := range messages {
		fds, _ := unix.ParseUnixRights(&m)
		for _, fd := range fds {
			unix.Close(fd)
		}
	}
}
