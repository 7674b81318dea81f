package node

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gorun/deploy/scenarios/freeport"
	"gorun/supervisor/sockets"
)

// conversation is what a Node worker and gorun say to each other over the IPC
// channel. What a real Node said is recorded in testdata:
//
//	go test -tags scenarios -run Recordings -update
//
// Each line of a recording begins with its speaker: "node", "gorun", "gorun+" for
// what comes with a descriptor; and "event" for what the channel reports. $DIR is
// the script's folder, $PORT the port that it is about, $KEYS0 a worker's TLS keys.
type conversation struct {
	name    string
	script  string
	workers int  // one after the other; 0 for 1
	fork    bool // not cluster mode
	vitals  bool // with the preload
	last    string
	on      map[string]func(*Channel) // what gorun does at an event
}

const serve = `require('http').createServer((q, r) => r.end(String(process.pid))).listen(`

const talk = `const cluster = require('cluster');
	process.on('message', m => process.send({ got: m, worker: cluster.isWorker, id: cluster.worker && cluster.worker.id }));
	process.send('ready')`

const listenAgain = `const http = require('http');
	const serve = next => { const s = http.createServer((q, r) => r.end(String(process.pid)));
		s.on('error', e => process.send(e.code)); s.listen($PORT, () => next && next(s)) };
	serve(s => serve() || process.once('message', () => s.close(() => serve(() => setImmediate(() => process.send('again'))))))`

const lookForAPort = `const http = require('http');
	const probe = http.createServer().listen(0, () => {
		const port = probe.address().port;
		probe.close(() => http.createServer((q, r) => r.end(String(process.pid)))
			.on('error', e => process.send(e.code)).listen(port, () => process.send(port))) })`

const sendHandle = `const net = require('net');
	const s = net.createServer().listen({ port: 0, host: '127.0.0.1', exclusive: true }, () => {
		process.send({ server: 1 }, s);
		process.send('after') })`

func sends(message any) func(*Channel) {
	return func(c *Channel) { _ = c.Send(message) }
}

// dials sends a connection to the server that listens, and lets go of it.
func dials(c *Channel) {
	for address := range *c.keys.Load() {
		if conn, err := c.Dial(address); err == nil {
			_ = conn.Close()
		}
	}
}

var conversations = []conversation{ // never changes
	{name: "port", script: serve + `$PORT)`, workers: 2, last: "listening *:$PORT"},
	{name: "free-port", script: serve + `0, '127.0.0.1', function () { process.send(this.address().port) })`, workers: 2, last: "listening 127.0.0.1:$PORT"},
	{name: "path", script: serve + `{ path: 'http.sock', readableAll: true, writableAll: true })`, workers: 2, last: "listening $DIR/http.sock"},
	{name: "udp", script: `require('dgram').createSocket('udp4').bind($PORT, '127.0.0.1')`, workers: 2, last: "listening udp/127.0.0.1:$PORT"},
	{name: "tls", script: `require('https').createServer().listen(0, '127.0.0.1')`, workers: 2, last: "listening 127.0.0.1:$PORT"},
	{name: "listen-again", script: listenAgain, last: `message "again"`, on: map[string]func(*Channel){`message "EADDRINUSE"`: sends("close")}},
	{name: "look-for-a-port", script: lookForAPort, workers: 2, last: "listening *:$PORT"},
	{name: "talk-cluster", script: talk, last: "message {\"got\":{\"a\":[\"\u2028ü\",{\"b\":null}]},\"worker\":true,\"id\":1}", on: map[string]func(*Channel){
		`message "ready"`: sends(json.RawMessage(`{"a":["\u2028ü",{"b":null}]}`)),
	}},
	{name: "talk-fork", script: talk, fork: true, last: `message {"got":"shutdown","worker":false}`, on: map[string]func(*Channel){`message "ready"`: sends("shutdown")}},
	{name: "handle-of-the-worker", script: sendHandle, last: `message "after"`},
	{name: "disconnect", script: serve + `0, '127.0.0.1')`, last: "closed", on: map[string]func(*Channel){"listening 127.0.0.1:$PORT": (*Channel).Disconnect}},
	{name: "disconnect-itself", script: serve + `0, () => require('cluster').worker.disconnect())`, last: "closed"},
	{name: "dial", script: serve + `'http.sock'); process.on('disconnect', () => {}); process.on('message', m => process.send(m))`, last: `message "over"`, on: map[string]func(*Channel){
		"listening $DIR/http.sock": func(c *Channel) { dials(c); _ = c.Send("over") },
	}},
	{name: "vitals", script: `setInterval(() => {}, 1000)`, fork: true, vitals: true, last: `message {"type":"gorun:metrics"`},
}

// recordingOf is where a conversation is recorded.
func recordingOf(c conversation) string { return filepath.Join("testdata", c.name+".txt") }

// scene is a conversation under way.
type scene struct {
	conversation
	groups  *sockets.Groups
	keys    Keys
	dir     string
	port    int         // 0: not known yet
	events  chan string // of the worker under way
	keySets []string    // of TLS, as they were seen
}

func newScene(t *testing.T, c conversation) *scene {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{conversation: c, groups: sockets.New(sockets.Spread), dir: dir}
	t.Cleanup(s.groups.Close)
	if strings.Contains(c.script, "$PORT") {
		s.port = freeport.Take(t)
	}
	return s
}

// options are those of the next worker's channel.
func (s *scene) options(owner sockets.Owner) Options {
	events := make(chan string, 100)
	s.events = events
	return Options{
		Cluster:   !s.fork,
		TLSData:   &s.keys,
		Share:     func(a sockets.Address) (*sockets.Member, error) { return s.groups.Acquire(owner, a) },
		Listening: func(a sockets.Address) { events <- fmt.Sprintf("listening %d %s", a.Port, a) },
		Message:   func(m json.RawMessage) { events <- "message " + string(m) },
	}
}

// next returns the channel's next event, as it is recorded.
func (s *scene) next(t *testing.T, c *Channel) string {
	t.Helper()
	var event string
	select {
	case event = <-s.events:
	case <-c.Closed():
		select {
		case event = <-s.events: // reported before
		default:
			return "closed"
		}
	case <-time.After(limit):
		t.Fatal("no event")
	}
	words := strings.Fields(event)
	if s.port == 0 { // a listening one comes first, or a message that is its number
		s.port, _ = strconv.Atoi(words[1])
	}
	if words[0] == "listening" {
		event = "listening " + words[2]
	}
	return s.anonymous(event)
}

// anonymous puts words for what is different in every run.
func (s *scene) anonymous(line string) string {
	if s.port != 0 {
		line = regexp.MustCompile(fmt.Sprintf(`\b%d\b`, s.port)).ReplaceAllString(line, "$$PORT")
	}
	for _, unspecified := range []string{"[::]:", "0.0.0.0:"} { // a machine may have no IPv6
		line = strings.Replace(line, "listening "+unspecified, "listening *:", 1)
	}
	line = ticketKeys.ReplaceAllStringFunc(line, s.nameOf)
	if strings.Contains(line, TypeVitals) {
		line = regexp.MustCompile(`:[0-9][0-9.e-]*`).ReplaceAllString(line, ":1")
	}
	return strings.ReplaceAll(line, s.dir, "$DIR")
}

var ticketKeys = regexp.MustCompile(`"ticketKeys":"[^"]*"`)

// nameOf numbers TLS keys: $KEYS0 are the first that were seen.
func (s *scene) nameOf(keys string) string {
	n := slices.Index(s.keySets, keys)
	if n < 0 {
		n, s.keySets = len(s.keySets), append(s.keySets, keys)
	}
	return fmt.Sprintf(`"ticketKeys":"$KEYS%d"`, n)
}

// actual is the opposite of anonymous.
func (s *scene) actual(line string) string {
	return strings.NewReplacer("$DIR", s.dir, "$PORT", strconv.Itoa(s.port)).Replace(line)
}

// respond does what gorun does at an event.
func (s *scene) respond(c *Channel, event string) {
	if f := s.on[event]; f != nil {
		f(c)
	}
}

func TestGorunAnswersARecordedNode(t *testing.T) {
	for _, c := range conversations {
		t.Run(c.name, func(t *testing.T) {
			text, err := os.ReadFile(recordingOf(c))
			if err != nil {
				t.Fatal(err)
			}
			s := newScene(t, c)
			workers := strings.Split(string(text), "worker\n")[1:]
			if len(workers) != max(c.workers, 1) {
				t.Fatalf("%d workers are recorded", len(workers))
			}
			for owner, recorded := range workers {
				s.replay(t, sockets.Owner(owner), strings.Split(strings.TrimSpace(recorded), "\n"))
			}
		})
	}
}

// replay plays the Node of a recording.
func (s *scene) replay(t *testing.T, owner sockets.Owner, recorded []string) {
	t.Helper()
	conn, p := pair(t)
	c := Open(conn, s.options(owner))
	t.Cleanup(func() { c.Close() })
	for i, line := range recorded {
		speaker, words, _ := strings.Cut(line, " ")
		switch speaker {
		case "node":
			p.say(s.actual(words))
		case "gorun":
			p.wantHear(s.actual(words))
		case "gorun+":
			p.wantHear(s.actual(words))
			s.learn(p.handle())
		case "event":
			if words == "closed" {
				p.conn.Close()
			}
			event := s.next(t, c)
			if event != words {
				t.Errorf("line %d: event %q, want %q", i+1, event, words)
			}
			if strings.Contains(event, TypeVitals) {
				wantVitals(t, event)
			}
			s.respond(c, event)
		default:
			t.Fatalf("line %d: %s", i+1, line)
		}
	}
}

// learn looks for the port in a descriptor that gorun gives away.
func (s *scene) learn(fd int) {
	name, err := unix.Getsockname(fd)
	if err != nil || s.port != 0 {
		return
	}
	switch at := name.(type) {
	case *unix.SockaddrInet4:
		s.port = at.Port
	case *unix.SockaddrInet6:
		s.port = at.Port
	}
}

func wantVitals(t *testing.T, event string) {
	t.Helper()
	_, message, _ := strings.Cut(event, " ")
	if _, _, ok := ParseVitals(json.RawMessage(message)); !ok || TypeOf(json.RawMessage(message)) != TypeVitals {
		t.Errorf("the preload's report is not understood: %s", message)
	}
}
