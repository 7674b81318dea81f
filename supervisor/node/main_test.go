package node

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"
)

// limit is how long a test waits for anything.
const limit = time.Minute

// TestMain sees to it that the tests leave nothing behind.
func TestMain(m *testing.M) {
	flag.Parse()
	if fuzzing := flag.Lookup("test.fuzz"); fuzzing != nil && fuzzing.Value.String() != "" {
		os.Exit(m.Run()) // the fuzzer leaves its own things
	}
	if err := openPoller(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	descriptors, goroutines := openDescriptors(), runtime.NumGoroutine()
	code := m.Run()
	clean := func() bool { return openDescriptors() <= descriptors && runtime.NumGoroutine() <= goroutines }
	if code == 0 && !becomes(clean) {
		fmt.Printf("left: %d descriptors, was %d; %d goroutines, was %d\n",
			openDescriptors(), descriptors, runtime.NumGoroutine(), goroutines)
		code = 1
	}
	os.Exit(code)
}

// openPoller makes the runtime open the descriptors that it keeps.
func openPoller() error {
	ours, child, err := Pair()
	if err != nil {
		return err
	}
	return errors.Join(ours.Close(), child.Close())
}

// becomes waits until a condition holds.
func becomes(condition func() bool) bool {
	deadline := time.After(limit)
	for !condition() {
		select {
		case <-time.After(time.Millisecond):
		case <-deadline:
			return false
		}
	}
	return true
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	if !becomes(condition) {
		t.Fatalf("not in time: %s", what)
	}
}

func openDescriptors() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return -1
	}
	return len(entries)
}

// receive waits for a value.
func receive[T any](t *testing.T, from <-chan T, what string) T {
	t.Helper()
	select {
	case value, ok := <-from:
		if !ok {
			t.Fatalf("closed: %s", what)
		}
		return value
	case <-time.After(limit):
	}
	t.Fatalf("not in time: %s", what)
	panic("unreachable")
}

// happens waits for a channel to be closed.
func happens(t *testing.T, done <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(limit):
		t.Fatalf("not in time: %s", what)
	}
}
