package logs

import (
	"context"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func TestWritesOutsideAWaitWakeNobody(t *testing.T) {
	in, child := openPipe(t)
	write(t, child)
	if awaited(t, in) {
		t.Error("before a wait")
	}
	receive(t, in)
	write(t, child)
	if awaited(t, in) {
		t.Error("after a read")
	}
	receive(t, in)

	waits, passed := make(chan struct{}, 10), make(chan error)
	go func() {
		passed <- in.wait(func() error {
			_, err := in.read(make([]byte, 1))
			waits <- struct{}{}
			return err
		})
	}()
	<-waits
	<-waits // armed
	write(t, child)
	if err := <-passed; err != nil {
		t.Error(err)
	}
	write(t, child)
	if awaited(t, in) {
		t.Error("after a wait")
	}
}

func TestNoWriteIsMissedWhileTheReaderIsArmed(t *testing.T) {
	in, child := openPipe(t)
	stop := context.AfterFunc(soon(t), in.interrupt) // instead of a hang
	defer stop()
	next := make(chan struct{})
	go func() {
		for range next {
			write(t, child)
		}
	}()
	defer close(next)
	for range 20_000 {
		next <- struct{}{}
		receive(t, in)
	}
}

func TestCapturesLeaveNoDescriptors(t *testing.T) {
	var out buffer
	w := output(t, Options{Stdout: &out, Stderr: &out}).Worker(Identity{App: "api"}, Config{})
	end(t, capture(t, w)) // opens what Go's poller needs
	before := descriptors(t)
	for range 20 {
		run(t, w, "lines3000")
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}

func openPipe(t *testing.T) (*pipeReader, *os.File) {
	t.Helper()
	in, child, err := newPipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = in.close(), child.Close() })
	return in, child
}

func write(t *testing.T, child *os.File) {
	t.Helper()
	if _, err := child.WriteString("a"); err != nil {
		t.Error(err)
	}
}

func receive(t *testing.T, in *pipeReader) {
	t.Helper()
	p := make([]byte, 10)
	n := 0
	err := in.wait(func() (err error) {
		n, err = in.read(p)
		return err
	})
	if n != 1 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// awaited reports whether Go's poller has an event from the reader.
func awaited(t *testing.T, in *pipeReader) bool {
	t.Helper()
	n := 0
	err := in.conn.Control(func(fd uintptr) {
		n, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
	})
	if err != nil {
		t.Error(err)
	}
	return n > 0
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
