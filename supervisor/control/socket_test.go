package control

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gorun/supervisor/control/client"
)

func listenAt(t *testing.T, p client.Address) *Listener {
	t.Helper()
	l, err := Listen(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func TestListenMakesTheFileThatIsAskedFor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l := listenAt(t, client.Address{Socket: path})
	info, err := os.Stat(path)
	if err != nil || info.Mode() != fs.ModeSocket|fileMode || l.Address() != path {
		t.Errorf("socket: %v, %v; address %s", info, err, l.Address())
	}
}

func TestCloseRemovesWhatListenMade(t *testing.T) {
	folder := t.TempDir()
	l := listenAt(t, client.Address{Socket: filepath.Join(folder, "s")})
	for range 2 {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	left, _ := os.ReadDir(folder)
	if len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestListenReplacesTheSocketOfADeadGorun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	leaveSocket(t, path)
	if err := os.WriteFile(path+".lock", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l := listenAt(t, client.Address{Socket: path})
	if taken, ok := errors.AsType[*InUseError](holder(path)); !ok || taken.Pid != os.Getpid() {
		t.Errorf("nobody listens at %s: %v", l.Address(), taken)
	}
}

// leaveSocket makes what a killed gorun leaves.
func leaveSocket(t *testing.T, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	_ = l.Close()
}

func TestOnlyOneOfManyReplacesADeadOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	leaveSocket(t, path)
	const many = 8
	results := make(chan *Listener, many)
	for range many {
		go func() {
			l, _ := Listen(client.Address{Socket: path})
			results <- l
		}()
	}
	won := 0
	for range many {
		if l := receive(t, results, "a result"); l != nil {
			won++
			defer func() { _ = l.Close() }()
		}
	}
	if won != 1 || holder(path) == nil {
		t.Errorf("%d listen; reachable: %v", won, holder(path))
	}
}

func TestListenRefusesAnAddressInUse(t *testing.T) {
	for name, address := range map[string]string{
		"file":     filepath.Join(t.TempDir(), "s"),
		"abstract": "@gorun-test-" + filepath.Base(filepath.Dir(pidsLink(t))) + strconv.Itoa(os.Getpid()),
	} {
		t.Run(name, func(t *testing.T) {
			listenAt(t, client.Address{Socket: address})
			_, err := Listen(client.Address{Socket: address})
			if err == nil || !strings.Contains(err.Error(), "pid "+strconv.Itoa(os.Getpid())) {
				t.Errorf("second Listen: %v", err)
			}
		})
	}
}

func TestListenRefusesWhatItCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for address, word := range map[string]string{
		file:                     "not a socket",
		"@":                      "empty",
		strings.Repeat("x", 108): "107",
		"/nowhere/at/all":        "no such file",
	} {
		_, err := Listen(client.Address{Socket: address})
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("Listen at %s: %v, want one with %q", address, err, word)
		}
	}
	if text, _ := os.ReadFile(file); string(text) != "mine" {
		t.Error("a file that is not a socket was removed")
	}
}

func TestDefaultAddresses(t *testing.T) {
	pids := pidsLink(t)
	link, _ := os.Readlink(pids)
	abstract := "@gorun-pidns-" + strings.Trim(link, "pid:[]")
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	writable := filepath.Join(t.TempDir(), "run")

	for _, test := range []struct {
		name    string
		address client.Address
		want    string
	}{
		{"a folder that can be written", client.Address{RunDir: writable, PIDNamespace: pids}, filepath.Join(writable, "gorun.sock")},
		{"a folder that cannot", client.Address{RunDir: filepath.Join(blocked, "run"), PIDNamespace: pids}, abstract},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := listenAt(t, test.address)
			if l.Address() != test.want {
				t.Errorf("address %s, want %s", l.Address(), test.want)
			}
			go acceptAll(l)
			c, err := client.Dial(t.Context(), test.address)
			if err != nil || c.Address() != test.want {
				t.Fatalf("Dial: %v", err)
			}
			_, err = Listen(test.address)
			if taken, ok := errors.AsType[*InUseError](err); !ok || taken.Pid != os.Getpid() {
				t.Errorf("second Listen: %v", err)
			}
		})
	}
}

func acceptAll(l *Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		_ = conn.Close()
	}
}

func TestNoAbstractNameWithoutProc(t *testing.T) {
	address := client.Address{RunDir: filepath.Join(os.DevNull, "run"), PIDNamespace: "/nowhere"}
	if _, err := Listen(address); err == nil {
		t.Error("Listen has found a address")
	}
	_, err := client.Dial(t.Context(), address)
	if _, ok := errors.AsType[*client.NotRunningError](err); !ok {
		t.Errorf("Dial: %v", err)
	}
}

func TestASecondGorunRunsWithoutControl(t *testing.T) {
	var text strings.Builder
	o := options(t, &fake{})
	o.Address = client.Address{RunDir: t.TempDir(), PIDNamespace: pidsLink(t)}
	serveWith(t, t.Context(), o)
	o.Log = slog.New(slog.NewTextHandler(&text, nil))
	second, err := Serve(t.Context(), o)
	if err != nil || second.listener != nil {
		t.Fatalf("Serve: %v", err)
	}
	closeServer(t, second)
	if warned := text.String(); strings.Count(warned, "\n") != 1 || !strings.Contains(warned, "GORUN_SOCKET") {
		t.Errorf("log:\n%s", warned)
	}
}

func TestASocketThatWasAskedForMustWork(t *testing.T) {
	o := options(t, &fake{})
	serveWith(t, t.Context(), o)
	if _, err := Serve(t.Context(), o); err == nil || !strings.Contains(err.Error(), "GORUN_SOCKET") {
		t.Errorf("Serve: %v", err)
	}
}

// slow takes its time for the end of an answer.
type slow struct{ *Listener }

func (s slow) Accept() (net.Conn, error) {
	conn, err := s.Listener.Accept()
	if who, ok := conn.(*clientConn); ok {
		closed := make(chan struct{})
		who.Conn = slowConn{who.Conn, closed, sync.OnceFunc(func() { close(closed) })}
	}
	return conn, err
}

type slowConn struct {
	net.Conn
	closed <-chan struct{}
	cut    func() // closes closed
}

func (c slowConn) Write(text []byte) (int, error) {
	if bytes.HasSuffix(text, []byte("0\r\n\r\n")) {
		select {
		case <-c.closed:
		case <-time.After(50 * time.Millisecond):
		}
	}
	return c.Conn.Write(text)
}

func (c slowConn) Close() error {
	c.cut()
	return c.Conn.Close()
}

// net/http writes the end of an answer when its handler has returned.
func TestCloseCutsNoAnswerOff(t *testing.T) {
	_, s := serveWith(t, t.Context(), options(t, &fake{apps: twoApps()}))
	address := client.Address{Socket: filepath.Join(t.TempDir(), "slow")}
	l, err := Listen(address)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.http.Serve(slow{l}) }() // ends with s
	c, err := client.Dial(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	response := openStream(t, c, "/v1/events?follow=1")
	defer response.Body.Close()
	closeServer(t, s)
	if text, err := io.ReadAll(response.Body); err != nil || len(text) > 0 {
		t.Errorf("the stream ended with %q, %v", text, err)
	}
}

// openStream asks for a stream whose connection ends with it.
func openStream(t *testing.T, c *client.Client, path string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://gorun"+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	transport := transportTo(c.Address())
	transport.DisableKeepAlives = true
	response, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

func TestCloseLeavesNothingBehind(t *testing.T) {
	before, routines := descriptors(t), runtime.NumGoroutine()
	o := options(t, &fake{apps: twoApps()})
	s, err := Serve(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.Dial(t.Context(), o.Address)
	if err != nil {
		t.Fatal(err)
	}
	var streams []io.ReadCloser
	for _, path := range []string{"/v1/logs?follow=1", "/v1/events?follow=1"} {
		streams = append(streams, openStream(t, c, path).Body) //nolint:bodyclose // below
	}
	closeServer(t, s)
	for _, one := range streams {
		if text, err := io.ReadAll(one); err != nil || len(text) > 0 {
			t.Errorf("a stream ended with %q, %v", text, err)
		}
		_ = one.Close()
	}
	c.Close()
	_ = o.Output.Close(t.Context())
	eventually(t, "descriptors and goroutines are back", func() bool {
		return descriptors(t) <= before && runtime.NumGoroutine() <= routines
	})
	if _, err := c.Ping(t.Context()); err == nil {
		t.Error("a closed server answers")
	} else if _, ok := errors.AsType[*client.NotRunningError](err); !ok {
		t.Errorf("Ping: %v", err)
	}
}

func drain[T any](from func(func(T, error) bool)) (last error) {
	for _, err := range from {
		last = err
	}
	return last
}
