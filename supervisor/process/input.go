package process

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Errors of Input.Write.
var (
	ErrInputFull   = errors.New("the program does not read its standard input")
	ErrInputClosed = errors.New("the program has closed its standard input")
)

// Input is gorun's end of the pipe that is a program's standard input, which stays
// open until Close: many programs end with their input. Safe for concurrent use. nil
// stands for /dev/null, of which there is nothing to close.
type Input struct {
	read  *os.File // the program's end, until it has been started
	write *os.File // non-blocking, unlike the other end

	mu     sync.Mutex
	busy   bool // the rest of a text is being written
	closed bool
}

// OpenInput makes a pipe for a program that runs as the user; nil: gorun's own. The
// caller must close it.
func OpenInput(user *syscall.Credential) (*Input, error) {
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		return nil, fmt.Errorf("make a pipe for standard input: %w", err)
	}
	err := unix.SetNonblock(ends[1], true)
	in := &Input{read: os.NewFile(uintptr(ends[0]), "stdin"), write: os.NewFile(uintptr(ends[1]), "stdin")}
	if user != nil { // it may open /dev/stdin
		err = errors.Join(err, unix.Fchown(ends[0], int(user.Uid), int(user.Gid)))
	}
	if err != nil {
		in.Started()
		in.Close()
		return nil, fmt.Errorf("make a pipe for standard input: %w", err)
	}
	return in, nil
}

// File is the program's end.
func (in *Input) File() *os.File { return in.read }

// Started gives up the program's end, which the program has now, or will not need.
func (in *Input) Started() {
	if in != nil {
		_ = in.read.Close()
	}
}

// Write writes text to the program, all of it or nothing. It never waits: while a
// program does not read, it fails. What is longer than the room in the pipe is written by a
// goroutine, which ends with Close; until it has, Write fails.
func (in *Input) Write(text []byte) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case in.closed:
		return ErrInputClosed
	case in.busy:
		return ErrInputFull
	}
	n, err := in.writeSome(text)
	switch {
	case errors.Is(err, unix.EAGAIN):
		return ErrInputFull
	case errors.Is(err, unix.EPIPE):
		return ErrInputClosed
	case err != nil:
		return fmt.Errorf("write to standard input: %w", err)
	}
	if n < len(text) {
		in.busy = true
		go in.finish(text[n:])
	}
	return nil
}

// writeSome writes what there is room for.
func (in *Input) writeSome(text []byte) (n int, err error) {
	raw, err := in.write.SyscallConn()
	if err != nil {
		return 0, err
	}
	var failed error
	err = raw.Write(func(fd uintptr) bool {
		for {
			if n, failed = unix.Write(int(fd), text); failed != unix.EINTR {
				return true
			}
		}
	})
	return n, errors.Join(err, failed)
}

// finish writes the rest of a text, however long the program takes to read it.
func (in *Input) finish(rest []byte) {
	_, _ = in.write.Write(rest) // closed by either side: there is nobody to tell
	in.mu.Lock()
	defer in.mu.Unlock()
	in.busy = false
}

// Close ends the program's input.
func (in *Input) Close() {
	if in == nil {
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.closed = true
	_ = in.write.Close()
}
