//go:build scenarios

package node

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"testing"

	"gorun/supervisor/sockets"
)

// Behind a path there is no other way to ask one worker alone.
func TestEachNodeWorkerIsDialledAlone(t *testing.T) {
	for name, listen := range map[string]string{
		"path": `'http.sock')`, "port": `0, '127.0.0.1')`, "IPv6": `0, '::1')`,
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, serve+listen)
			for _, w := range []*realWorker{a.cluster(), a.cluster()} {
				address := receive(t, w.listening, "listening")
				for range 3 {
					if got := dialled(t, w, address); got != strconv.Itoa(w.pid) {
						t.Errorf("worker %s answers, want %d", got, w.pid)
					}
				}
			}
		})
	}
}

// dialled returns what the worker answers to a request over its channel.
func dialled(t *testing.T, w *realWorker, address sockets.Address) string {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) {
		return w.channel.Dial(address)
	}}
	// The worker's word about the last one may still be on its way.
	eventually(t, "a channel that is free", func() bool { return !w.channel.dialing.Load() })
	return bodyOf(t, &http.Client{Transport: transport, Timeout: limit}, "http://worker/")
}

func TestDialKnowsWhoCannotAnswer(t *testing.T) {
	a := newApp(t, `const s = `+serve+`'http.sock'); process.on('message', () => s.close(() => process.send('closed')))`)
	w := a.cluster()
	if _, err := w.channel.Dial(sockets.Address{Kind: sockets.Unix, Path: "/nowhere"}); !errors.Is(err, ErrNotListening) {
		t.Errorf("Dial = %v, want %v", err, ErrNotListening)
	}
	address := receive(t, w.listening, "listening")

	signal(t, w, syscall.SIGSTOP)
	first, err := w.channel.Dial(address)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.channel.Dial(address); !errors.Is(err, ErrNotTaken) {
		t.Errorf("the second Dial to a stopped worker = %v, want %v", err, ErrNotTaken)
	}
	_ = first.Close()
	signal(t, w, syscall.SIGCONT)
	if got := dialled(t, w, address); got != strconv.Itoa(w.pid) {
		t.Errorf("after it went on worker %s answers, want %d", got, w.pid)
	}

	if err := w.channel.Send("close"); err != nil {
		t.Fatal(err)
	}
	w.wantMessage(t, `"closed"`)
	eventually(t, "an end of its server", func() bool {
		conn, err := w.channel.Dial(address)
		if err == nil {
			_ = conn.Close()
		}
		return errors.Is(err, ErrNotListening)
	})
}
