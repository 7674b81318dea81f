//go:build scenarios

package node

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gorun/deploy/scenarios/freeport"
	"gorun/supervisor/sockets"
)

// app is what the workers of a test have in common.
type app struct {
	t      *testing.T
	node   string
	script string
	groups *sockets.Groups
	env    []string // of its workers
	keys   Keys
	owner  sockets.Owner
	tap    func(*net.UnixConn) *net.UnixConn // what stands between a worker and its channel, or nil
}

// realWorker is a Node process.
type realWorker struct {
	*heard
	channel *Channel
	pid     int
	exited  chan struct{}
	result  error
	output  bytes.Buffer // to be read after exited
}

// newApp returns an app with a script, if there is Node.
func newApp(t *testing.T, script string) *app {
	t.Helper()
	node := nodeProgram(t)
	path := filepath.Join(t.TempDir(), "script.js")
	if err := os.WriteFile(path, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	a := &app{t: t, node: node, script: path, groups: sockets.New(sockets.Spread)}
	t.Cleanup(a.groups.Close)
	return a
}

func nodeProgram(t *testing.T) string {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("Node.js is needed: %v", err)
		}
		t.Skipf("no Node.js: %v", err)
	}
	return node
}

// cluster starts a worker in cluster mode; new connections come to it as soon
// as it listens.
func (a *app) cluster() *realWorker {
	a.owner++
	owner := a.owner
	h, options := listener()
	options.TLSData = &a.keys
	options.Share = func(address sockets.Address) (*sockets.Member, error) { return a.groups.Acquire(owner, address) }
	options.Listening = func(address sockets.Address) {
		if err := a.groups.Online(owner); err != nil {
			a.t.Error(err)
		}
		h.listening <- address
	}
	return a.start(h, options, strconv.Itoa(int(owner)))
}

// fork starts a worker in fork mode.
func (a *app) fork() *realWorker {
	h, options := listener()
	options.Cluster = false
	return a.start(h, options, "")
}

// instrumented starts a worker in fork mode that reports its vitals, beside
// what else is in NODE_OPTIONS.
func (a *app) instrumented(options string) *realWorker {
	a.env = Instrument([]string{"NODE_OPTIONS=" + options})
	return a.fork()
}

func (a *app) start(h *heard, options Options, id string) *realWorker {
	a.t.Helper()
	conn, child, err := Pair()
	if err != nil {
		a.t.Fatal(err)
	}
	w := &realWorker{heard: h, exited: make(chan struct{})}
	cmd := exec.Command(a.node, a.script)
	cmd.Dir = filepath.Dir(a.script)
	cmd.Env = slices.Concat(os.Environ(), a.env, Environ(3, id))
	cmd.ExtraFiles = []*os.File{child}
	cmd.Stdout, cmd.Stderr = &w.output, &w.output
	if err := errors.Join(cmd.Start(), child.Close()); err != nil {
		a.t.Fatal(err)
	}
	w.pid = cmd.Process.Pid
	go func() {
		defer close(w.exited)
		w.result = cmd.Wait()
	}()
	if a.tap != nil {
		conn = a.tap(conn)
	}
	w.channel = Open(conn, options)
	a.t.Cleanup(func() {
		w.channel.Close()
		_ = cmd.Process.Kill() // it may have ended
		happens(a.t, w.exited, "the end of Node")
		if a.t.Failed() && w.output.Len() > 0 {
			a.t.Logf("worker %d wrote:\n%s", w.pid, w.output.String())
		}
	})
	return w
}

func (w *realWorker) wantMessage(t *testing.T, want string) {
	t.Helper()
	if got := receive(t, w.messages, "message "+want); got != want {
		t.Errorf("the worker says %s, want %s", got, want)
	}
}

// request returns a response's body over a fresh connection.
func request(t *testing.T, network, address string) string {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, address)
	}}
	client := http.Client{Transport: transport, Timeout: limit}
	return bodyOf(t, &client, "http://worker/")
}

func bodyOf(t *testing.T, client *http.Client, url string) string {
	t.Helper()
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// wantBoth asks until both workers have answered with their PIDs.
func wantBoth(t *testing.T, one, two *realWorker, ask func() string) {
	t.Helper()
	want := map[string]bool{strconv.Itoa(one.pid): true, strconv.Itoa(two.pid): true}
	seen := map[string]bool{}
	eventually(t, "answers of both workers", func() bool {
		pid := ask()
		if !want[pid] {
			t.Fatalf("answer %q, want one of %v", pid, want)
		}
		seen[pid] = true
		return len(seen) == len(want)
	})
}

// local is the address of a port on this host.
func local(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

func TestNodeWorkersShareAPort(t *testing.T) {
	port := freeport.Take(t)
	a := newApp(t, serve+strconv.Itoa(port)+`)`)
	one, two := a.cluster(), a.cluster()
	for _, w := range []*realWorker{one, two} {
		if got := receive(t, w.listening, "listening"); got.Port != port {
			t.Errorf("listening on %v, want port %d", got, port)
		}
	}
	wantBoth(t, one, two, func() string { return request(t, "tcp", local(port)) })
}

func TestNodeWorkersShareAPortThatIsFree(t *testing.T) {
	a := newApp(t, serve+`0, '127.0.0.1', function () { process.send(this.address().port) })`)
	one, two := a.cluster(), a.cluster()
	first, second := receive(t, one.listening, "listening"), receive(t, two.listening, "listening")
	if first.Port == 0 || first != second {
		t.Errorf("listening on %v and %v, want one port", first, second)
	}
	one.wantMessage(t, strconv.Itoa(first.Port))
	two.wantMessage(t, strconv.Itoa(first.Port))
	wantBoth(t, one, two, func() string { return request(t, "tcp", local(first.Port)) })
}

func TestNodeWorkersShareAPath(t *testing.T) {
	a := newApp(t, serve+`{ path: 'http.sock', readableAll: true, writableAll: true })`)
	one, two := a.cluster(), a.cluster()
	path := receive(t, one.listening, "listening").Path
	receive(t, two.listening, "listening")
	if path != filepath.Join(filepath.Dir(a.script), "http.sock") {
		t.Errorf("listening on %s", path)
	}
	// Whoever accepts first answers: only a stopped worker surely leaves it to the other.
	for _, pair := range [][2]*realWorker{{one, two}, {two, one}} {
		stopped, other := pair[0], pair[1]
		signal(t, stopped, syscall.SIGSTOP)
		if got := request(t, "unix", path); got != strconv.Itoa(other.pid) {
			t.Errorf("worker %s answers, want %d", got, other.pid)
		}
		signal(t, stopped, syscall.SIGCONT)
	}
}

func signal(t *testing.T, w *realWorker, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(w.pid, s); err != nil {
		t.Fatal(err)
	}
	if s != syscall.SIGSTOP {
		return
	}
	// The parent is told once none of its threads runs any more.
	err := unix.Waitid(unix.P_PID, w.pid, nil, unix.WSTOPPED|unix.WNOWAIT, nil)
	for errors.Is(err, unix.EINTR) {
		err = unix.Waitid(unix.P_PID, w.pid, nil, unix.WSTOPPED|unix.WNOWAIT, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestNodeWorkersShareAUDPPort(t *testing.T) {
	a := newApp(t, strings.ReplaceAll(`const s = require('dgram').createSocket('udp4');
		s.on('message', (m, from) => s.send(String(process.pid), from.port, from.address)).bind($PORT, '127.0.0.1')`, "$PORT", strconv.Itoa(freeport.Take(t))))
	one, two := a.cluster(), a.cluster()
	first, second := receive(t, one.listening, "listening"), receive(t, two.listening, "listening")
	if first.Kind != sockets.UDP || first.Port == 0 || first != second {
		t.Errorf("listening on %v and %v, want one UDP port", first, second)
	}
	wantBoth(t, one, two, func() string { return datagram(t, local(first.Port)) })
}

// L33: an answer reaches the worker that has asked.
func TestL33AUDPClientHasAPortOfItsOwn(t *testing.T) {
	a := newApp(t, `const clients = [4, 6].flatMap(v => [v, v]).map(v => require('dgram').createSocket('udp' + v));
		let left = clients.length;
		for (const c of clients) c.bind(() => { if (!--left) process.send(clients.map(c => c.address().port)) })`)
	ports := map[string]bool{}
	for range 3 {
		w := a.cluster()
		var own []int
		if err := json.Unmarshal([]byte(receive(t, w.messages, "message")), &own); err != nil {
			t.Fatal(err)
		}
		for i, port := range own {
			ports[fmt.Sprint("udp", 4+i/2*2, " ", port)] = true
		}
	}
	if len(ports) != 12 {
		t.Errorf("%d ports for 12 sockets: %v", len(ports), ports)
	}
}

// datagram returns the answer to a datagram from a fresh port.
func datagram(t *testing.T, address string) string {
	t.Helper()
	conn, err := net.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(limit)); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 100)
	if _, err := conn.Write([]byte("?")); err != nil {
		t.Fatal(err)
	}
	n, err := conn.Read(answer)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer[:n])
}

func TestNodeTLSSessionsResumeOnAnyWorker(t *testing.T) {
	a := newApp(t, `const pem = require('fs').readFileSync('cert.pem');
		require('https').createServer({ key: pem, cert: pem }, (q, r) => r.end(String(process.pid))).listen(0, '127.0.0.1')`)
	writeCertificate(t, filepath.Join(filepath.Dir(a.script), "cert.pem"))
	one, two := a.cluster(), a.cluster()
	port := receive(t, one.listening, "listening").Port
	receive(t, two.listening, "listening")

	config := &tls.Config{InsecureSkipVerify: true, ClientSessionCache: tls.NewLRUClientSessionCache(4)}
	fresh, resumed := 0, 0
	config.VerifyConnection = func(state tls.ConnectionState) error {
		if state.DidResume {
			resumed++
		} else {
			fresh++
		}
		return nil
	}
	ask := func() string {
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: config}, Timeout: limit}
		return bodyOf(t, &client, "https://"+local(port))
	}
	wantBoth(t, one, two, ask)
	replacement := a.cluster()
	receive(t, replacement.listening, "listening")
	if err := errors.Join(a.groups.Offline(1), a.groups.Offline(2)); err != nil {
		t.Fatal(err)
	}
	if got := ask(); got != strconv.Itoa(replacement.pid) {
		t.Errorf("worker %s answers, want the replacement %d", got, replacement.pid)
	}
	if fresh != 1 || resumed < 2 {
		t.Errorf("%d fresh sessions and %d resumed, want 1 fresh", fresh, resumed)
	}
}

// writeCertificate writes a self-signed certificate and its key.
func writeCertificate(t *testing.T, path string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	both := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...)
	if err := os.WriteFile(path, both, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestNodeAppHearsThatItsAddressIsInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	free := freeport.Take(t)
	a := newApp(t, fmt.Sprintf(`const s = require('net').createServer();
		s.once('error', e => { process.send(e.code + ' ' + e.syscall + ' ' + e.port); s.listen(%d, '127.0.0.1') });
		s.listen(%s, '127.0.0.1')`, free, port))
	w := a.cluster()
	w.wantMessage(t, `"EADDRINUSE bind `+port+`"`)
	if got := receive(t, w.listening, "listening"); got.Port != free {
		t.Errorf("listening on %v, want port %d", got, free)
	}
}

func TestNodeServerMayListenAgainAfterItsClose(t *testing.T) {
	port := freeport.Take(t)
	a := newApp(t, strings.ReplaceAll(listenAgain, "$PORT", strconv.Itoa(port)))
	w := a.cluster()
	w.wantMessage(t, `"EADDRINUSE"`) // a second server beside the first
	if err := w.channel.Send("close"); err != nil {
		t.Fatal(err)
	}
	w.wantMessage(t, `"again"`)
	if got := request(t, "tcp", local(port)); got != strconv.Itoa(w.pid) {
		t.Errorf("worker %s answers, want %d", got, w.pid)
	}
}

func TestNodeAppMayLookForAFreePort(t *testing.T) {
	a := newApp(t, lookForAPort)
	one, two := a.cluster(), a.cluster()
	first, second := receive(t, one.messages, "port"), receive(t, two.messages, "port")
	port, err := strconv.Atoi(first)
	if err != nil || first != second {
		t.Fatalf("the workers say %s and %s, want one port", first, second)
	}
	wantBoth(t, one, two, func() string { return request(t, "tcp", local(port)) })
}

func TestNodeWorkerMayHaveManyServers(t *testing.T) {
	w := newApp(t, `let left = 50; const ports = new Set();
		for (let i = 0; i < 50; i++) require('net').createServer().listen(0, function () {
			ports.add(this.address().port); if (!--left) process.send(ports.size) })`).cluster()
	w.wantMessage(t, "50")
}

func TestNodeTalksWithGorun(t *testing.T) {
	message := json.RawMessage(`{"a":["\u2028ü",{"b":null}]}`)
	t.Run("cluster", func(t *testing.T) {
		w := newApp(t, talk).cluster()
		w.wantMessage(t, `"ready"`)
		if err := w.channel.Send(message); err != nil {
			t.Fatal(err)
		}
		w.wantMessage(t, "{\"got\":{\"a\":[\"\u2028ü\",{\"b\":null}]},\"worker\":true,\"id\":1}")
	})
	t.Run("fork", func(t *testing.T) {
		w := newApp(t, talk).fork()
		w.wantMessage(t, `"ready"`)
		if err := w.channel.Send("shutdown"); err != nil {
			t.Fatal(err)
		}
		w.wantMessage(t, `{"got":"shutdown","worker":false}`)
	})
}

func TestNodeMessagesOfAnySizeArrive(t *testing.T) {
	w := newApp(t, `process.on('message', m => process.send(m))`).cluster()
	for _, size := range []int{1, 70_000, 1 << 20} {
		want, err := json.Marshal(strings.Repeat("ü", size))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.channel.Send(json.RawMessage(want)); err != nil {
			t.Fatal(err)
		}
		if got := receive(t, w.messages, "echo"); got != string(want) {
			t.Errorf("the echo of %d bytes has %d", len(want), len(got))
		}
	}
}

func TestNodeMaySendHandlesToGorun(t *testing.T) {
	w := newApp(t, sendHandle).cluster()
	w.wantMessage(t, `{"server":1}`)
	w.wantMessage(t, `"after"`)
}

// The request is answered only after the server has stopped listening.
const lateAnswer = `const s = require('http').createServer((q, r) => {
		process.send('busy');
		const wait = setInterval(() => { if (!s.listening) { clearInterval(wait); r.end('late') } }, 5) });
	s.listen(0, '127.0.0.1')`

func TestNodeWorkerFinishesBeforeItDisconnects(t *testing.T) {
	a := newApp(t, lateAnswer)
	w := a.cluster()
	port := receive(t, w.listening, "listening").Port
	body := make(chan string, 1)
	go func() { body <- request(t, "tcp", local(port)) }()
	w.wantMessage(t, `"busy"`)
	w.channel.Disconnect()
	if got := receive(t, body, "the answer"); got != "late" {
		t.Errorf("the answer is %q, want late", got)
	}
	happens(t, w.channel.Closed(), "the end of the channel")
	happens(t, w.exited, "the end of Node")
	if w.result != nil {
		t.Errorf("Node ends with %v, want 0", w.result)
	}
}

func TestNodeWorkerMayDisconnectItself(t *testing.T) {
	w := newApp(t, serve+`0, () => require('cluster').worker.disconnect())`).cluster()
	happens(t, w.exited, "the end of Node")
	if w.result != nil {
		t.Errorf("Node ends with %v, want 0", w.result)
	}
}

func TestNodeClusterWorkerDoesNotOutliveGorun(t *testing.T) {
	w := newApp(t, serve+`0)`).cluster()
	receive(t, w.listening, "listening")
	if err := w.channel.Close(); err != nil {
		t.Fatal(err)
	}
	happens(t, w.exited, "the end of Node")
}

func TestNodeWorkerThatIsKilledClosesItsChannel(t *testing.T) {
	w := newApp(t, serve+`0)`).cluster()
	receive(t, w.listening, "listening")
	signal(t, w, syscall.SIGKILL)
	happens(t, w.channel.Closed(), "the end of the channel")
}
