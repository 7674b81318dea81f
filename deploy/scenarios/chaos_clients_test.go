//go:build scenarios

package scenarios_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// reply is how one request ended.
type reply struct {
	pid  int // who answered
	port int // the client's, 0 when it got no connection
	err  error
	took time.Duration
}

// asker makes requests, each over a connection of its own.
type asker struct {
	network, address string
	from             string // local IP; "" is the kernel's choice
	path             string
	limit            time.Duration // for one request; 0: patience
}

func (a asker) dial() (net.Conn, error) {
	d := net.Dialer{Timeout: a.timeout()}
	if a.from != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(a.from)}
	}
	conn, err := d.DialContext(context.Background(), a.network, a.address)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return conn, conn.SetDeadline(time.Now().Add(a.timeout()))
}

func (a asker) timeout() time.Duration {
	if a.limit == 0 {
		return patience
	}
	return a.limit
}

func (a asker) ask() reply {
	begun := time.Now()
	conn, err := a.dial()
	if err != nil {
		return reply{err: err, took: time.Since(begun)}
	}
	defer func() { _ = conn.Close() }()
	r := reply{}
	if local, ok := conn.LocalAddr().(*net.TCPAddr); ok {
		r.port = local.Port
	}
	r.pid, r.err = a.exchange(conn)
	r.took = time.Since(begun)
	return r
}

func (a asker) exchange(conn net.Conn) (pid int, err error) {
	if err := a.send(conn); err != nil {
		return 0, err
	}
	return a.receive(conn)
}

func (a asker) send(conn net.Conn) error {
	_, err := fmt.Fprintf(conn, "GET /%s HTTP/1.1\r\nHost: chaos\r\nConnection: close\r\n\r\n", a.path)
	if err != nil {
		return fmt.Errorf("send: %w", err)
	}
	return nil
}

var answered = regexp.MustCompile(`^HTTP/1.1 200 [^$]*pid (\d+)\n`)

func (asker) receive(conn net.Conn) (pid int, err error) {
	content, err := io.ReadAll(conn)
	match := answered.FindSubmatch(content)
	switch {
	case match != nil:
		return strconv.Atoi(string(match[1]))
	case err == nil:
		return 0, fmt.Errorf("receive: %w after %q", io.ErrUnexpectedEOF, content)
	}
	return 0, fmt.Errorf("receive: %w", err)
}

// mustSend makes a request that is still to be answered.
func (a asker) mustSend(t *testing.T) net.Conn {
	t.Helper()
	conn, err := a.dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := a.send(conn); err != nil {
		t.Fatal(err)
	}
	return conn
}

// mustHear returns the pid of who answers, as soon as it has said so: what it does
// next may keep it from ever closing the connection.
func (a asker) mustHear(t *testing.T) int {
	t.Helper()
	conn := a.mustSend(t)
	defer func() { _ = conn.Close() }()
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		if digits, found := strings.CutPrefix(lines.Text(), "pid "); found {
			pid, err := strconv.Atoi(digits)
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
	}
	t.Fatalf("%s %s: %s: nobody answers: %v", a.network, a.address, a.path, lines.Err())
	return 0
}

// mustAsk returns the pid of who answers.
func (a asker) mustAsk(t *testing.T) int {
	t.Helper()
	r := a.ask()
	if r.err != nil {
		t.Fatalf("%s %s from %q: %v", a.network, a.address, a.from, r.err)
	}
	return r.pid
}

// refused tells whether nobody listens.
func (a asker) refused() bool { return errors.Is(a.ask().err, unix.ECONNREFUSED) }

// many makes n requests, so many at a time.
func many(n, atATime int, ask func(i int) reply) []reply {
	replies := make([]reply, n)
	var next atomic.Int64
	var clients sync.WaitGroup
	for range atATime {
		clients.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				replies[i] = ask(i)
			}
		})
	}
	clients.Wait()
	return replies
}

// failed returns the replies that are errors.
func failed(replies []reply) []reply {
	return slices.DeleteFunc(slices.Clone(replies), func(r reply) bool { return r.err == nil })
}

// wantAll fails the test unless every request was answered.
func wantAll(t *testing.T, replies []reply) {
	t.Helper()
	if bad := failed(replies); len(bad) > 0 {
		t.Errorf("%d of %d requests failed: %v", len(bad), len(replies), kinds(bad))
	}
}

// kinds counts failures by what they say, without the addresses.
func kinds(replies []reply) map[string]int {
	found := map[string]int{}
	for _, r := range replies {
		text := r.err.Error()
		if errors.Is(r.err, os.ErrDeadlineExceeded) {
			text = "timeout"
		}
		if errno, ok := errors.AsType[syscall.Errno](r.err); ok {
			text = strings.SplitN(text, ":", 2)[0] + ": " + unix.ErrnoName(errno)
		}
		found[text]++
	}
	return found
}

// byWorker counts the answers of each worker.
func byWorker(replies []reply) map[int]int {
	counts := map[int]int{}
	for _, r := range replies {
		if r.err == nil {
			counts[r.pid]++
		}
	}
	return counts
}

func shares(counts map[int]int) []int {
	return slices.Sorted(maps.Values(counts))
}
