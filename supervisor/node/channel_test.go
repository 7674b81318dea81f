package node

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gorun/supervisor/sockets"
)

// puppet is the worker's end of a channel, in a test's hands.
type puppet struct {
	t       *testing.T
	conn    *net.UnixConn
	lines   splitter
	pending [][]byte
	fds     []int
}

// pair returns a channel's ends.
func pair(t *testing.T) (*net.UnixConn, *puppet) {
	t.Helper()
	ours, child, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := connOf(child)
	if err != nil {
		t.Fatal(err)
	}
	p := &puppet{t: t, conn: theirs, lines: splitter{limit: maxLine}}
	t.Cleanup(func() {
		theirs.Close()
		ours.Close()
		for _, fd := range p.fds {
			unix.Close(fd)
		}
	})
	return ours, p
}

func (p *puppet) say(line string) {
	p.t.Helper()
	if _, err := p.conn.Write([]byte(line + "\n")); err != nil {
		p.t.Fatal(err)
	}
}

// hear returns the next message.
func (p *puppet) hear() string {
	p.t.Helper()
	if err := p.conn.SetReadDeadline(time.Now().Add(limit)); err != nil {
		p.t.Fatal(err)
	}
	for len(p.pending) == 0 {
		b, oob := make([]byte, 64<<10), make([]byte, 256)
		n, oobn, _, _, err := p.conn.ReadMsgUnix(b, oob)
		if err != nil {
			p.t.Fatalf("gorun says nothing: %v", err)
		}
		p.fds = append(p.fds, rightsIn(p.t, oob[:oobn])...)
		p.pending = append(p.pending, p.lines.add(b[:n])...)
	}
	line := p.pending[0]
	p.pending = p.pending[1:]
	return string(line)
}

func rightsIn(t *testing.T, oob []byte) []int {
	t.Helper()
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		t.Fatal(err)
	}
	var fds []int
	for _, m := range messages {
		rights, err := unix.ParseUnixRights(&m)
		if err != nil {
			t.Fatal(err)
		}
		fds = append(fds, rights...)
	}
	return fds
}

func (p *puppet) wantHear(want string) {
	p.t.Helper()
	if got := p.hear(); got != want {
		p.t.Errorf("gorun says\n%s, want\n%s", got, want)
	}
}

// handle returns the descriptor that came with what was heard last.
func (p *puppet) handle() int {
	p.t.Helper()
	if len(p.fds) != 1 {
		p.t.Fatalf("%d descriptors came, want 1", len(p.fds))
	}
	fd := p.fds[0]
	p.fds = nil
	p.t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// heard collects what a channel reports.
type heard struct {
	messages  chan string
	listening chan sockets.Address
}

func listener() (*heard, Options) {
	h := &heard{messages: make(chan string, 100), listening: make(chan sockets.Address, 100)}
	return h, Options{
		Cluster:   true,
		Message:   func(m json.RawMessage) { h.messages <- string(m) },
		Listening: func(a sockets.Address) { h.listening <- a },
	}
}

// opened returns a cluster channel to a puppet, with a real group of sockets.
func opened(t *testing.T) (*Channel, *puppet, *heard) {
	t.Helper()
	groups := sockets.New(sockets.Spread)
	t.Cleanup(groups.Close)
	h, options := listener()
	options.Share = func(a sockets.Address) (*sockets.Member, error) { return groups.Acquire(1, a) }
	conn, p := pair(t)
	c := Open(conn, options)
	t.Cleanup(func() { c.Close() })
	return c, p, h
}

// fakeSocket is a socket that cannot be listened on.
type fakeSocket struct {
	address sockets.Address
	err     error
}

func (f fakeSocket) Descriptor() int          { return 0 }
func (f fakeSocket) Address() sockets.Address { return f.address }
func (f fakeSocket) Listen(int) error         { return f.err }

// sharing returns a channel whose sockets come from share.
func sharing(t *testing.T, share func(sockets.Address) (socket, error)) *puppet {
	t.Helper()
	_, options := listener()
	conn, p := pair(t)
	c := open(conn, options, share)
	t.Cleanup(func() { c.Close() })
	return p
}

const anyPort = `{"cmd":"NODE_CLUSTER","act":"queryServer","index":0,"data":null,"address":"127.0.0.1","port":0,"addressType":4,"flags":0,"backlog":9,"seq":1}`

func portOf(t *testing.T, fd int) int {
	t.Helper()
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	switch at := name.(type) {
	case *unix.SockaddrInet4:
		return at.Port
	case *unix.SockaddrInet6:
		return at.Port
	}
	t.Fatalf("the socket has no port: %#v", name)
	return 0
}

func TestWorkerGetsAListeningSocket(t *testing.T) {
	_, p, h := opened(t)
	p.say(`{"cmd":"NODE_CLUSTER","act":"online","seq":0}`)
	p.say(anyPort)
	p.wantHear(`{"cmd":"NODE_HANDLE","type":"net.Native","msg":{"cmd":"NODE_CLUSTER","ack":1,"errno":0,"key":"127.0.0.1:0:4:undefined:0","data":null}}`)
	fd := p.handle()
	p.say(`{"cmd":"NODE_HANDLE_ACK"}`)

	port := portOf(t, fd)
	if listens, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); listens != 1 || err != nil {
		t.Errorf("SO_ACCEPTCONN = %d, %v, want 1", listens, err)
	}
	if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); flags&unix.O_NONBLOCK == 0 || err != nil {
		t.Errorf("flags = %#x, %v, want O_NONBLOCK", flags, err)
	}
	p.say(strings.NewReplacer("queryServer", "listening", `"port":0`, fmt.Sprintf(`"port":%d`, port)).Replace(anyPort))
	if got := receive(t, h.listening, "listening"); got.Port != port || got.Kind != sockets.TCP {
		t.Errorf("listening on %v, want port %d", got, port)
	}
}

func TestWorkersGetOnePortFor0(t *testing.T) {
	groups := sockets.New(sockets.Spread)
	t.Cleanup(groups.Close)
	ports := map[int]bool{}
	for owner := range sockets.Owner(3) {
		conn, p := pair(t)
		c := Open(conn, Options{Cluster: true, Share: func(a sockets.Address) (*sockets.Member, error) { return groups.Acquire(owner, a) }})
		t.Cleanup(func() { c.Close() })
		p.say(anyPort)
		p.hear()
		ports[portOf(t, p.handle())] = true
	}
	if len(ports) != 1 {
		t.Errorf("ports %v, want one", ports)
	}
}

func TestWorkerGetsAUDPSocket(t *testing.T) {
	_, p, h := opened(t)
	query := `{"cmd":"NODE_CLUSTER","act":"queryServer","index":0,"data":null,"address":"::1","addressType":"udp6","fd":-1,"flags":0,"seq":3}`
	p.say(query)
	p.wantHear(`{"cmd":"NODE_HANDLE","type":"dgram.Native","msg":{"cmd":"NODE_CLUSTER","ack":3,"errno":0,"key":"::1:undefined:udp6:-1:0","data":null}}`)
	port := portOf(t, p.handle())
	p.say(strings.NewReplacer("queryServer", "listening", `"flags":0`, fmt.Sprintf(`"port":%d`, port)).Replace(query))
	want := sockets.Address{Kind: sockets.UDP, IP: netip.MustParseAddr("::1"), Port: port}
	got := receive(t, h.listening, "listening")
	if got.Key = ""; got != want {
		t.Errorf("listening on %+v, want %+v", got, want)
	}
}

func TestWorkerGetsAPathThatAllMayUse(t *testing.T) {
	_, p, h := opened(t)
	path := filepath.Join(t.TempDir(), "s")
	query := `{"cmd":"NODE_CLUSTER","act":"queryServer","index":0,"data":null,"address":"` + path + `","port":-1,"addressType":-1,"backlog":0,"readableAll":true,"writableAll":true,"seq":0}`
	p.say(query)
	p.hear()
	p.handle()
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o666 != 0o666 {
		t.Errorf("mode %v, %v, want rw for all", info, err)
	}
	p.say(strings.Replace(query, "queryServer", "listening", 1))
	if got := receive(t, h.listening, "listening"); got.Path != path {
		t.Errorf("listening on %v, want %s", got, path)
	}
}

func TestNothingButASocketGetsAMode(t *testing.T) {
	dir := t.TempDir()
	secret, link := filepath.Join(dir, "secret"), filepath.Join(dir, "s")
	if err := errors.Join(os.WriteFile(secret, nil, 0o600), os.Symlink(secret, link)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{secret, link} {
		if err := addMode(path, 0o666); !errors.Is(err, unix.ENOTSOCK) {
			t.Errorf("permit(%s) = %v, want ENOTSOCK", path, err)
		}
	}
	if info, err := os.Stat(secret); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", info, err)
	}
}

func TestWorkerHearsWhyItCannotListen(t *testing.T) {
	four := netip.MustParseAddr("127.0.0.1")
	tests := []struct {
		name  string
		share func(sockets.Address) (socket, error)
		errno unix.Errno
	}{
		{"refused", func(sockets.Address) (socket, error) { return nil, fmt.Errorf("bind: %w", unix.EACCES) }, unix.EACCES},
		{"in use", func(sockets.Address) (socket, error) { return nil, fmt.Errorf("bind: %w", unix.EADDRINUSE) }, unix.EADDRINUSE},
		{"unknown", func(sockets.Address) (socket, error) { return nil, errors.New("odd") }, unix.EINVAL},
		{"at listen", func(sockets.Address) (socket, error) {
			return fakeSocket{sockets.Address{IP: four}, unix.EADDRINUSE}, nil
		}, unix.EADDRINUSE},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := sharing(t, tt.share)
			p.say(anyPort)
			p.wantHear(fmt.Sprintf(`{"cmd":"NODE_CLUSTER","ack":1,"errno":-%d,"key":"127.0.0.1:0:4:undefined:0","data":null}`, tt.errno))
			if len(p.fds) > 0 {
				t.Errorf("%d descriptors came", len(p.fds))
			}
		})
	}
}

func TestAnyAddressFallsBackToIPv4UnlessInUse(t *testing.T) {
	tests := []struct {
		name   string
		errno  unix.Errno
		asked  string
		answer int
	}{
		{"no IPv6", unix.EAFNOSUPPORT, "[::]:80 0.0.0.0:80 ", -int(unix.EACCES)},
		{"in use", unix.EADDRINUSE, "[::]:80 ", -int(unix.EADDRINUSE)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var mu sync.Mutex
			asked := ""
			p := sharing(t, func(a sockets.Address) (socket, error) {
				mu.Lock()
				defer mu.Unlock()
				asked += a.String() + " "
				if a.IP.Is6() {
					return nil, tt.errno
				}
				return nil, unix.EACCES
			})
			p.say(`{"cmd":"NODE_CLUSTER","act":"queryServer","index":0,"data":null,"address":null,"port":80,"addressType":4,"seq":0}`)
			p.wantHear(fmt.Sprintf(`{"cmd":"NODE_CLUSTER","ack":0,"errno":%d,"key":"null:80:4:undefined:0","data":null}`, tt.answer))
			mu.Lock()
			defer mu.Unlock()
			if asked != tt.asked {
				t.Errorf("asked for %s, want %s", asked, tt.asked)
			}
		})
	}
}

func TestTwoServersOfAWorkerCannotHaveOneAddress(t *testing.T) {
	_, p, _ := opened(t)
	p.say(anyPort)
	p.hear()
	port := portOf(t, p.handle())
	p.say(`{"cmd":"NODE_HANDLE_ACK"}`)
	again := fmt.Sprintf(`{"cmd":"NODE_CLUSTER","act":"queryServer","index":0,"data":null,"address":"127.0.0.1","port":%d,"addressType":4,"seq":2}`, port)
	key := fmt.Sprintf("127.0.0.1:%d:4:undefined:0", port)
	p.say(again)
	p.wantHear(fmt.Sprintf(`{"cmd":"NODE_CLUSTER","ack":2,"errno":-98,"key":"%s","data":null}`, key))
	p.say(`{"cmd":"NODE_CLUSTER","act":"close","key":"127.0.0.1:0:4:undefined:0","seq":3}`)
	p.say(again)
	p.wantHear(fmt.Sprintf(`{"cmd":"NODE_HANDLE","type":"net.Native","msg":{"cmd":"NODE_CLUSTER","ack":2,"errno":0,"key":"%s","data":null}}`, key))
	if got := portOf(t, p.handle()); got != port {
		t.Errorf("port %d, want %d", got, port)
	}
}

func TestLaterWorkersGetTheFirstOnesTLSData(t *testing.T) {
	var keys Keys
	share := func(sockets.Address) (*sockets.Member, error) { return nil, unix.EACCES }
	for worker, want := range []string{"null", `{"ticketKeys":"1"}`, `{"ticketKeys":"1"}`} {
		conn, p := pair(t)
		c := Open(conn, Options{Cluster: true, Share: share, TLSData: &keys})
		t.Cleanup(func() { c.Close() })
		data := fmt.Sprintf(`{"ticketKeys":"%d"}`, worker)
		if worker == 0 {
			data = "null"
		}
		p.say(strings.Replace(anyPort, `"data":null`, `"data":`+data, 1))
		p.wantHear(`{"cmd":"NODE_CLUSTER","ack":1,"errno":-13,"key":"127.0.0.1:0:4:undefined:0","data":` + want + `}`)
	}
}

func TestHandleIsSentAgainUntilItIsRefused(t *testing.T) {
	c, p, _ := opened(t)
	p.say(anyPort)
	if err := c.Send("later"); err != nil {
		t.Fatal(err)
	}
	seen := false
	for range maxTries {
		got := p.hear()
		if got == `"later"` && !seen { // sent before the query came
			seen = true
			got = p.hear()
		}
		if !strings.Contains(got, "NODE_HANDLE") {
			t.Errorf("gorun says %s, want the handle again", got)
		}
		p.handle()
		p.say(`{"cmd":"NODE_HANDLE_NACK"}`)
	}
	p.wantHear(`{"cmd":"NODE_CLUSTER","ack":1,"errno":-24,"key":"127.0.0.1:0:4:undefined:0","data":null}`)
	if !seen {
		p.wantHear(`"later"`)
	}
}

func TestMessagesPassBothWays(t *testing.T) {
	for _, cluster := range []bool{true, false} {
		h, options := listener()
		options.Cluster = cluster
		conn, p := pair(t)
		c := Open(conn, options)
		t.Cleanup(func() { c.Close() })
		for _, m := range []string{`"ready"`, `{"type":"axm:monitor","data":{}}`, `[1,"a\nb"]`, `null`} {
			p.say(m)
			if got := receive(t, h.messages, "message"); got != m {
				t.Errorf("got %s, want %s", got, m)
			}
		}
		if err := errors.Join(c.Send("shutdown"), c.Send(map[string]any{"a": 1}), c.Send(json.RawMessage("{\n\"b\": 2\n}"))); err != nil {
			t.Fatal(err)
		}
		p.wantHear(`"shutdown"`)
		p.wantHear(`{"a":1}`)
		p.wantHear(`{"b":2}`)
	}
}

func TestForkModeKnowsNoCluster(t *testing.T) {
	h, options := listener()
	options.Cluster = false
	conn, p := pair(t)
	c := Open(conn, options)
	t.Cleanup(func() { c.Close() })
	p.say(anyPort)
	p.say(`{"cmd":"NODE_X"}`)
	p.say(`"end"`)
	if got := receive(t, h.messages, "message"); got != `"end"` {
		t.Errorf("the app hears of %s", got)
	}
	c.Disconnect()
	if err := c.Send("first"); err != nil {
		t.Fatal(err)
	}
	p.wantHear(`"first"`)
}

func TestLeavingWorkerGetsNoMoreSockets(t *testing.T) {
	t.Run("told", func(t *testing.T) {
		c, p, h := opened(t)
		c.Disconnect()
		p.wantHear(`{"cmd":"NODE_CLUSTER","act":"disconnect"}`)
		p.say(anyPort)
		p.say(`"done"`)
		receive(t, h.messages, "message")
		if err := c.Send("end"); err != nil {
			t.Fatal(err)
		}
		p.wantHear(`"end"`)
	})
	t.Run("by itself", func(t *testing.T) {
		c, p, h := opened(t)
		p.say(`{"cmd":"NODE_CLUSTER","act":"exitedAfterDisconnect","seq":4}`)
		p.wantHear(`{"cmd":"NODE_CLUSTER","ack":4,"errno":0,"data":null}`)
		p.say(anyPort)
		p.say(`"done"`)
		receive(t, h.messages, "message")
		if err := c.Send("end"); err != nil {
			t.Fatal(err)
		}
		p.wantHear(`"end"`)
	})
}

func TestHandlesOfTheWorkerAreClosedAndAcknowledged(t *testing.T) {
	_, p, h := opened(t)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	line := []byte(`{"cmd":"NODE_HANDLE","type":"net.Socket","msg":{"hello":1}}` + "\n")
	if _, _, err := p.conn.WriteMsgUnix(line, unix.UnixRights(int(write.Fd())), nil); err != nil {
		t.Fatal(err)
	}
	write.Close()
	p.wantHear(`{"cmd":"NODE_HANDLE_ACK"}`)
	if got := receive(t, h.messages, "message"); got != `{"hello":1}` {
		t.Errorf("got %s, want the message of the handle", got)
	}
	if err := read.SetReadDeadline(time.Now().Add(limit)); err != nil {
		t.Fatal(err)
	}
	if n, err := read.Read(make([]byte, 1)); n != 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the pipe is still open: %v", err)
	}
}

func TestBrokenLinesAreDroppedAndToldOnce(t *testing.T) {
	var log bytes.Buffer
	h, options := listener()
	options.Log = slog.New(slog.NewTextHandler(&log, nil))
	options.Share = func(sockets.Address) (*sockets.Member, error) { return nil, unix.EACCES }
	conn, p := pair(t)
	c := Open(conn, options)
	for range 2 {
		p.say(`not JSON`)
		p.say(``)
		p.say(strings.Repeat(`{"a":`, 100_000))
		p.say(strings.Repeat("x", maxLine+1))
		p.say(strings.Replace(anyPort, `"seq":1`, `"seq":{}`, 1))
		p.say(`{"cmd":"NODE_CLUSTER","act":7}`)
		p.say(`{"cmd":"NODE_CLUSTER","act":"listening","port":{}}`)
		p.say(`{"cmd":"NODE_CLUSTER","act":"close","key":[]}`)
		p.say(`{"cmd":"NODE_HANDLE_ACK"}`)
		p.say(`{"cmd":"NODE_HANDLE_NACK"}`)
		p.say(`{"cmd":"NODE_HANDLE"}`)
		p.say(`"alive"`)
		if got := receive(t, h.messages, "message"); got != `"alive"` {
			t.Errorf("the app hears of %.100s", got)
		}
	}
	p.conn.Close()
	happens(t, c.Closed(), "the end of the channel")
	if got := strings.Count(log.String(), "\n"); got != 4 {
		t.Errorf("%d lines logged, want 4:\n%s", got, log.String())
	}
}

func TestSendRefusesWhatIsNoMessage(t *testing.T) {
	c, p, _ := opened(t)
	tests := []struct {
		name    string
		message any
		want    error
	}{
		{"Node's own", map[string]string{"cmd": "NODE_CLUSTER"}, ErrInternal},
		{"too long", strings.Repeat("x", maxLine), ErrTooLong},
	}
	for _, tt := range tests {
		if err := c.Send(tt.message); !errors.Is(err, tt.want) {
			t.Errorf("Send of what is %s = %v, want %v", tt.name, err, tt.want)
		}
	}
	if err := c.Send(make(chan int)); err == nil {
		t.Error("Send of what is no JSON = nil")
	}
	p.conn.Close()
	happens(t, c.Closed(), "the end of the channel")
	eventually(t, "ErrClosed", func() bool { return errors.Is(c.Send("x"), ErrClosed) })
}

func TestSendNeverWaitsForAWorkerThatDoesNotRead(t *testing.T) {
	c, _, _ := opened(t)
	message := strings.Repeat("x", 1<<20)
	eventually(t, "ErrFull", func() bool { return errors.Is(c.Send(message), ErrFull) })
}

func TestEndOfTheWorkerEndsTheChannelAfterItsLastWords(t *testing.T) {
	c, p, h := opened(t)
	p.say(anyPort)
	p.say(`"last"`)
	p.conn.Close()
	happens(t, c.Closed(), "the end of the channel")
	if got := receive(t, h.messages, "message"); got != `"last"` {
		t.Errorf("got %s, want the last message", got)
	}
	if err := c.Close(); err != nil {
		t.Errorf("Close after the end = %v", err)
	}
}

func TestEndsAreNotInherited(t *testing.T) {
	ours, child, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	defer child.Close()
	raw, err := ours.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	check := func(fd uintptr) {
		if flags, err := unix.FcntlInt(fd, unix.F_GETFD, 0); flags&unix.FD_CLOEXEC == 0 || err != nil {
			t.Errorf("descriptor flags %d, %v, want FD_CLOEXEC", flags, err)
		}
	}
	if err := raw.Control(check); err != nil {
		t.Fatal(err)
	}
	check(child.Fd())
}
