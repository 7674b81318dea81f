//go:build scenarios

package scenarios_test

import (
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// output collects a stream of gorun's.
type output struct {
	mu      sync.Mutex
	bytes   []byte
	changed chan struct{} // closed and replaced at every change
	closed  chan struct{}
	writer  *os.File
}

func newOutput() *output {
	return &output{changed: make(chan struct{}), closed: make(chan struct{})}
}

// pipe returns the end that gorun writes to.
func (o *output) pipe(t *testing.T) *os.File {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	o.writer = write
	go o.collect(read)
	t.Cleanup(func() { _ = read.Close() })
	return write
}

// started drops our copy of the writing end, once gorun has its own.
func (o *output) started() {
	if o.writer != nil {
		_ = o.writer.Close()
	}
}

func (o *output) collect(from *os.File) {
	defer close(o.closed)
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		o.add(buf[:n])
		if err != nil {
			return
		}
	}
}

func (o *output) add(b []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bytes = append(o.bytes, b...)
	close(o.changed)
	o.changed = make(chan struct{})
}

func (o *output) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.bytes)
}

// all waits for the end of the stream and returns everything.
func (o *output) all(t *testing.T) string {
	t.Helper()
	select {
	case <-o.closed:
	case <-time.After(patience):
		t.Errorf("somebody still holds the stream after %v", patience)
	}
	return o.text()
}

// next waits until the text has a match and returns its groups.
func (o *output) next(t *testing.T, pattern string) []string {
	t.Helper()
	return o.nth(t, pattern, 1)
}

// nth waits for the nth match of a pattern.
func (o *output) nth(t *testing.T, pattern string, n int) []string {
	t.Helper()
	expression := regexp.MustCompile("(?m)" + pattern)
	deadline := time.After(patience)
	for {
		o.mu.Lock()
		text, changed := string(o.bytes), o.changed
		o.mu.Unlock()
		if matches := expression.FindAllStringSubmatch(text, n); len(matches) >= n {
			return matches[n-1]
		}
		select {
		case <-changed:
		case <-o.closed:
			if text == o.text() {
				t.Fatalf("the stream ended without %d times %q:\n%s", n, pattern, shorten(text))
			}
		case <-deadline:
			t.Fatalf("not %d times %q within %v in:\n%s", n, pattern, patience, shorten(text))
		}
	}
}

// count tells how often a pattern matches by now.
func (o *output) count(pattern string) int {
	return len(regexp.MustCompile("(?m)"+pattern).FindAllString(o.text(), -1))
}

func (o *output) has(text string) bool {
	return strings.Contains(o.text(), text)
}
