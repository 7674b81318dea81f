//go:build scenarios

package scenarios_test

import (
	"fmt"
	"io"
	"maps"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// answers tells how many connections each worker answered, by what it calls
// itself.
type answers map[string]int

const request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

// who is what every program of testdata/runtimes answers.
var who = regexp.MustCompile(`worker (\w+)`)

// ask opens that many connections, four at a time, with one request each. All
// must be answered.
func ask(t *testing.T, address string, connections int) answers {
	t.Helper()
	var left atomic.Int64
	left.Store(int64(connections))
	found := make([]answers, 4)
	var all sync.WaitGroup
	for i := range found {
		found[i] = answers{}
		all.Go(func() {
			for left.Add(-1) >= 0 {
				name, err := askOnce(address)
				if err != nil {
					t.Errorf("a connection failed: %v", err)
					return
				}
				found[i][name]++
			}
		})
	}
	all.Wait()
	sum := answers{}
	for _, some := range found {
		for name, n := range some {
			sum[name] += n
		}
	}
	return sum
}

// askOnce returns the name of the worker that answers.
func askOnce(address string) (string, error) {
	network := "tcp"
	if strings.HasPrefix(address, "/") {
		network = "unix"
	}
	conn, err := net.DialTimeout(network, address, patience)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(conn, request); err != nil {
		return "", err
	}
	text, err := io.ReadAll(conn)
	if err != nil {
		return "", err
	}
	name := who.FindSubmatch(text)
	if name == nil {
		return "", fmt.Errorf("no worker answers, but %q", text)
	}
	return string(name[1]), nil
}

// names lists who answered.
func (a answers) names() []string { return slices.Sorted(maps.Keys(a)) }

// even fails the test unless three workers answered, with shares within 25 %
// of each other.
func (a answers) even(t *testing.T) {
	t.Helper()
	counts := slices.Sorted(maps.Values(a))
	if len(counts) != 3 {
		t.Fatalf("answers came from %v, want three workers", a)
	}
	if least, most := counts[0], counts[2]; 4*most > 5*least {
		t.Errorf("the shares are %v, want them within 25 %% of each other", a)
	}
}

// everyone fails the test unless the three instances answered, and nobody else.
func (a answers) everyone(t *testing.T) {
	t.Helper()
	if got := strings.Join(a.names(), " "); got != "0 1 2" {
		t.Errorf("answers came from the workers %q, want 0, 1 and 2", got)
	}
}
