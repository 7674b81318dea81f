// Package intercept lets any unmodified program share addresses. A seccomp filter
// notifies gorun of the program's bind(2) and listen(2), and gorun puts a socket of its
// own in place of the program's: seccomp_unotify(2). Serve owns the notification
// descriptor; the program waits while it works, so Options' functions must be quick.
//
// The state of the program's own socket before bind(2) is lost with it, except
// O_NONBLOCK, close-on-exec, IPV6_V6ONLY and SO_REUSEPORT, which are applied, and
// SO_REUSEADDR, which is always set. Lost are: SO_RCVBUF,
// SO_SNDBUF, SO_KEEPALIVE, SO_LINGER, SO_BROADCAST, SO_MARK, SO_PRIORITY,
// SO_BINDTODEVICE, SO_TIMESTAMP, TCP_NODELAY, TCP_DEFER_ACCEPT, TCP_FASTOPEN,
// IP_TOS, IP_TRANSPARENT, IP_FREEBIND, IP_PKTINFO and their IPv6 siblings,
// membership in multicast groups, F_SETOWN, MPTCP, and the registration in an
// epoll instance (Netty's native transport). Options set after bind(2) have effect, and
// stay with the socket when the next worker gets it.
//
// Not seen, and bound as if there were no gorun: what 32-bit and x32 programs
// bind, io_uring's IORING_OP_BIND (Linux 6.11), processes in a network
// namespace of their own, paths under a root or mounts of their own. None of
// this is a fence: a program that wants around it gets around it.
//
// Serve keeps its caller's goroutine: one for each run of a worker, which ends with
// the last process under the filter. Whatever takes another user's rights does so on a
// thread that ends with it. While a call is answered its program waits in the kernel:
// nothing here may wait for that program.
package intercept

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"gorun/supervisor/sockets"
)

// Options are how one worker's tree is served. Unless noted otherwise, its functions are
// called by the goroutine of Serve, or while that waits; the program waits for them.
type Options struct {
	Share     func(sockets.Address) (*sockets.Member, error) // acquires the worker's member
	Wanted    func(sockets.Address) bool                     // which addresses the app shares; nil: all. Port 0 is never asked for
	Private   func(Process, sockets.Address) bool            // an address that is the process's own: left to the kernel, and not reported; nil: none
	Listening func(sockets.Address)                          // called once for each wanted address, by any goroutine: the tree listens; for UDP, it is bound, or about to be
	Tree      func() []int                                   // the processes of the tree, which may have an address already
	User      *syscall.Credential                            // of the workers; nil: gorun's
	Observe   bool                                           // nothing is shared: Listening alone
	Log       *slog.Logger
}

// server serves one tree. It belongs to the goroutine of Serve.
type server struct {
	Options

	channel *channel
	v6Only  bool                 // of a new socket
	states  socketStates         // on sockets of the tree
	placed  map[uint64]placement // by the member's inode
	warned  bool                 // that the tree cannot be inspected

	confirming sync.WaitGroup // goroutines of confirm
	mu         sync.Mutex
	reported   map[sockets.Address]bool // guarded by mu
}

// placement is a member in place of a program's socket.
type placement struct {
	member    *sockets.Member
	address   sockets.Address
	reusePort bool
}

// Serve answers the calls of one worker's tree, and closes the listener when it
// returns: nil when no process is left under the filter, else the cause of ctx. On
// Linux before 6.11 a process counts until it has been waited for. Members must not be
// closed before Serve has returned.
func Serve(ctx context.Context, listener *os.File, options Options) error {
	defer listener.Close()
	channel, err := open(listener)
	if err != nil {
		return fmt.Errorf("intercept bind: %w", err)
	}
	defer channel.until(ctx)()
	s := &server{
		Options:  options,
		channel:  channel,
		v6Only:   v6OnlyByDefault(),
		placed:   map[uint64]placement{},
		reported: map[sockets.Address]bool{},
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	defer s.confirming.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := s.serve(ctx); err != nil && ctx.Err() == nil {
		return fmt.Errorf("intercept bind: %w", err)
	}
	return ctx.Err()
}

func (s *server) serve(ctx context.Context) error {
	for {
		asked, err := s.channel.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.channel.send(asked.ID, s.answer(ctx, asked)); err != nil {
			return err
		}
	}
}

// v6OnlyByDefault returns the default of IPV6_V6ONLY (ipv6(7)); false without IPv6.
func v6OnlyByDefault() bool {
	text, err := os.ReadFile("/proc/sys/net/ipv6/bindv6only")
	return err == nil && bytes.HasPrefix(text, []byte("1"))
}

// proceed leaves a call to the kernel, which reads its arguments again: they may have
// changed, to the harm of nothing but the program.
func proceed() answer { return answer{proceeds: true} }

// refuse ends a call with the errno of an error.
func refuse(err error) answer {
	var errno unix.Errno
	if !errors.As(err, &errno) {
		errno = unix.EIO
	}
	return answer{errno: errno}
}

// answer never fails: a call that cannot be understood is left to the kernel.
func (s *server) answer(ctx context.Context, asked call) answer {
	if asked.TID == 0 { // in a PID namespace that is not below gorun's
		return proceed()
	}
	descriptor := int(int32(asked.Data.Args[0]))
	switch asked.Data.Call {
	case unix.SYS_BIND:
		return s.bind(asked, descriptor)
	case unix.SYS_LISTEN:
		return s.listen(ctx, asked, descriptor)
	case unix.SYS_SETSOCKOPT:
		s.recordOption(asked, descriptor)
	}
	return proceed()
}

// recordOption records options that matter at bind(2).
func (s *server) recordOption(asked call, descriptor int) {
	const size = 4 // an int
	if int32(asked.Data.Args[4]) < size {
		return
	}
	var value [size]byte
	var inode uint64
	from := callerOf(asked.TID)
	err := s.withRights(func() (err error) {
		if inode, err = from.inode(descriptor); err != nil {
			return err
		}
		return from.memory(asked.Data.Args[3], value[:])
	})
	if err != nil || !s.channel.waits(asked.ID) {
		return
	}
	set := binary.NativeEndian.Uint32(value[:]) != 0
	state := s.states.of(inode, s.v6Only)
	if uint32(asked.Data.Args[1]) == unix.SOL_SOCKET {
		state.reusePort = set
	} else {
		state.v6Only = set
	}
	s.states.put(inode, state)
}

// withRights runs f, which reads the tree's files in /proc, and once more with the
// workers' rights where gorun's do not suffice: as root without CAP_SYS_PTRACE.
func (s *server) withRights(f func() error) error {
	err := f()
	if s.User != nil && errors.Is(err, fs.ErrPermission) {
		err = as(s.User, f)
	}
	if errors.Is(err, fs.ErrPermission) && !s.warned {
		s.warned = true
		s.Log.Warn("cannot inspect the program: it binds its sockets itself", "err", err)
	}
	return err
}

func (s *server) wants(address sockets.Address) bool {
	return s.Wanted == nil || s.Wanted(address)
}

// report reports an address once.
func (s *server) report(address sockets.Address) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.reported[address] && s.Listening != nil {
		s.reported[address] = true
		s.Listening(address)
	}
}
