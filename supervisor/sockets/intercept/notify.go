package intercept

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// call is a system call that waits for its answer: struct seccomp_notif of
// <linux/seccomp.h>.
type call struct {
	ID    uint64
	TID   uint32 // the calling thread; 0: not visible from here
	Flags uint32
	Data  seccompData
}

// reply is struct seccomp_notif_resp.
type reply struct {
	ID    uint64
	Value int64
	Error int32 // negative errno
	Flags uint32
}

// addition is struct seccomp_notif_addfd.
type addFD struct {
	ID       uint64
	Flags    uint32
	Source   uint32
	Target   uint32
	NewFlags uint32
}

// answer is the answer to a call: it continues in the kernel, or it returns 0 or an
// error.
type answer struct {
	proceeds bool
	errno    unix.Errno
}

// channel is the notification descriptor, for one goroutine.
type channel struct {
	file    *os.File
	conn    syscall.RawConn
	fd      uintptr
	request []uint64 // as large as the kernel's structures, which may be larger than these
	answer  []uint64
}

func open(listener *os.File) (*channel, error) {
	conn, err := listener.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("listener: %w", err)
	}
	c := &channel{file: listener, conn: conn}
	if err := conn.Control(func(fd uintptr) { c.fd = fd }); err != nil {
		return nil, fmt.Errorf("listener: %w", err)
	}
	var sizes struct{ Request, Answer, Data uint16 }
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_GET_NOTIF_SIZES, 0, uintptr(unsafe.Pointer(&sizes)))
	if errno != 0 {
		return nil, fmt.Errorf("sizes of notifications: %w", errno)
	}
	c.request = words(max(uintptr(sizes.Request), unsafe.Sizeof(call{})))
	c.answer = words(max(uintptr(sizes.Answer), unsafe.Sizeof(reply{})))
	return c, nil
}

// words returns a buffer for a number of bytes, aligned for the kernel's structures.
func words(bytes uintptr) []uint64 { return make([]uint64, (bytes+7)/8) }

// until makes next return when ctx ends. Call stop when done.
func (c *channel) until(ctx context.Context) (stop func() bool) {
	return context.AfterFunc(ctx, func() { _ = c.file.SetReadDeadline(time.Unix(1, 0)) })
}

// next waits for a call. It returns io.EOF when no process is left that could make one
// (POLLHUP).
func (c *channel) next() (call, error) {
	var received call
	var failed error
	err := c.conn.Read(func(fd uintptr) (done bool) {
		received, done, failed = c.receive(fd)
		return done
	})
	return received, errors.Join(err, failed)
}

// receive polls first, because SECCOMP_IOCTL_NOTIF_RECV waits even with O_NONBLOCK.
// After POLLIN it does not: the kernel counts the calls that came in, also those whose
// callers were killed since (ENOENT then).
func (c *channel) receive(fd uintptr) (received call, done bool, err error) {
	for {
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		_, err := unix.Poll(poll, 0)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return call{}, true, fmt.Errorf("poll: %w", err)
		case poll[0].Revents&unix.POLLIN != 0:
		case poll[0].Revents != 0:
			return call{}, true, io.EOF
		default:
			return call{}, false, nil
		}
		clear(c.request) // the kernel requires it
		err = control(fd, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&c.request[0]))
		switch {
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.ENOENT):
		case err != nil:
			return call{}, true, fmt.Errorf("receive call: %w", err)
		default:
			return *(*call)(unsafe.Pointer(&c.request[0])), true, nil
		}
	}
}

// waits reports whether the caller still waits: only then did the earlier reads of
// /proc/TID see its process and no other (seccomp_unotify(2)).
func (c *channel) waits(id uint64) bool {
	return control(c.fd, unix.SECCOMP_IOCTL_NOTIF_ID_VALID, unsafe.Pointer(&id)) == nil
}

// place duplicates the descriptor source onto the caller's descriptor target.
// SECCOMP_ADDFD_FLAG_SEND does not help here: it answers the call with the number, and
// bind(2) must return 0.
func (c *channel) place(id uint64, source, target int, cloexec cloexec) error {
	request := addFD{
		ID:       id,
		Flags:    unix.SECCOMP_ADDFD_FLAG_SETFD,
		Source:   uint32(source),
		Target:   uint32(target),
		NewFlags: uint32(cloexec),
	}
	return control(c.fd, unix.SECCOMP_IOCTL_NOTIF_ADDFD, unsafe.Pointer(&request))
}

// send answers a call. A caller that was killed, or interrupted by a signal on a kernel
// without WAIT_KILLABLE_RECV, does not wait any more: that is no error.
func (c *channel) send(id uint64, a answer) error {
	clear(c.answer)
	response := (*reply)(unsafe.Pointer(&c.answer[0]))
	response.ID = id
	response.Error = -int32(a.errno)
	if a.proceeds {
		response.Flags = unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE
	}
	err := control(c.fd, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(response))
	if err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("answer call: %w", err)
	}
	return nil
}

func control(fd uintptr, request uint, argument unsafe.Pointer) error {
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, fd, uintptr(request), uintptr(argument))
		if errno == 0 {
			return nil
		}
		if errno != unix.EINTR || request == unix.SECCOMP_IOCTL_NOTIF_RECV {
			return errno
		}
	}
}
