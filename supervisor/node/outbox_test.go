package node

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// nullFD is a descriptor to give away.
func nullFD(t *testing.T) int {
	t.Helper()
	fd, err := unix.Open(os.DevNull, unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

// isOpen tells whether a descriptor is.
func isOpen(fd int) bool {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	return err == nil
}

func wantNext(t *testing.T, o *outbox, want string) {
	t.Helper()
	got := ""
	if f := o.next(); f != nil {
		got = string(f.line)
	}
	if got != want {
		t.Errorf("next() = %q, want %q", got, want)
	}
}

func push(t *testing.T, o *outbox, f *frame) {
	t.Helper()
	if err := o.push(f); err != nil {
		t.Fatal(err)
	}
}

func TestFramesWaitForTheDescriptorInFlight(t *testing.T) {
	o := newOutbox()
	fd := nullFD(t)
	push(t, o, &frame{line: []byte("a"), fd: fd})
	push(t, o, &frame{line: []byte("b"), fd: none})
	wantNext(t, o, "a")
	wantNext(t, o, "")
	if err := o.pushUrgent([]byte("ack")); err != nil {
		t.Fatal(err)
	}
	wantNext(t, o, "ack")
	if !isOpen(fd) {
		t.Error("the descriptor is closed before its acknowledgement")
	}
	o.acknowledge()
	wantNext(t, o, "b")
	if isOpen(fd) {
		t.Error("the descriptor is open after its acknowledgement")
	}
}

func TestDescriptorThatDoesNotArriveIsSentAgainThenRefused(t *testing.T) {
	o := newOutbox()
	fd := nullFD(t)
	push(t, o, &frame{line: []byte("a"), refusal: []byte("no"), fd: fd})
	push(t, o, &frame{line: []byte("b"), fd: none})
	for range maxTries {
		wantNext(t, o, "a")
		o.reject()
	}
	wantNext(t, o, "no")
	wantNext(t, o, "b")
	if isOpen(fd) {
		t.Error("the descriptor is open after its refusal")
	}
}

func TestAcknowledgementsOfNothingAreIgnored(t *testing.T) {
	o := newOutbox()
	o.acknowledge()
	o.reject()
	push(t, o, &frame{line: []byte("a"), fd: nullFD(t)})
	wantNext(t, o, "a")
	wantNext(t, o, "")
	o.end()
}

func TestOutboxIsBounded(t *testing.T) {
	o := newOutbox()
	push(t, o, &frame{line: make([]byte, maxLine+1), fd: none})
	if err := o.push(&frame{line: []byte("x"), fd: none}); !errors.Is(err, ErrFull) {
		t.Errorf("push of too many bytes = %v, want ErrFull", err)
	}
	o.next()
	for range maxFrames {
		push(t, o, &frame{line: []byte("x"), fd: none})
	}
	fd := nullFD(t)
	if err := o.push(&frame{line: []byte("x"), fd: fd}); !errors.Is(err, ErrFull) || isOpen(fd) {
		t.Errorf("push of too many frames = %v, want ErrFull; descriptor open: %t", err, isOpen(fd))
	}
}

func TestEndClosesAllDescriptors(t *testing.T) {
	o := newOutbox()
	flying, waiting, late := nullFD(t), nullFD(t), nullFD(t)
	push(t, o, &frame{line: []byte("a"), fd: flying})
	push(t, o, &frame{line: []byte("b"), fd: waiting})
	wantNext(t, o, "a")
	o.end()
	if err := o.push(&frame{line: []byte("c"), fd: late}); !errors.Is(err, ErrClosed) {
		t.Errorf("push after the end = %v, want ErrClosed", err)
	}
	if isOpen(flying) || isOpen(waiting) || isOpen(late) {
		t.Error("descriptors are open after the end")
	}
}
