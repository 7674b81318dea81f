// Package notify is the other end of sd_notify(3): one datagram socket for each
// run of a worker, over which it tells that it is ready, alive or stopping, and
// Tell, with which gorun tells the same to whoever runs it.
//
// Who is believed. The address belongs to one run of one worker, so whoever
// sends to it speaks of that run; whether it may is decided by the credentials
// that the kernel adds. An abstract name is no secret, for /proc/net/unix lists
// it to all in the network namespace: the credentials decide.
//
//   - A process of the worker's tree is believed.
//   - One that has ended is believed if it ran as the worker's user, as gorun's or
//     as root: `systemd-notify --ready` may be gone before it can be looked up,
//     and such a user could do worse.
//   - One that is alive elsewhere is refused, and so is one that this PID namespace
//     does not know.
package notify

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Options say whose socket it is.
type Options struct {
	// Dirs are where its file may be: the first that works. Else it has an abstract
	// name, which needs no disk but which Ruby's libraries (puma, sidekiq) do not
	// understand. /dev/shm can be written even under --read-only.
	Dirs []string
	// User is the uid that the worker runs as.
	User int
	// Watchdog is how often the worker is to keep alive; 0: it need not.
	Watchdog time.Duration
	// Owns tells whether a process is of the worker's tree. It is needed, and
	// called by Run alone.
	Owns func(pid int) bool
	// Log is told of what was refused, at most once a minute; nil: nobody is.
	Log *slog.Logger
}

// Socket is what one run of a worker notifies.
type Socket struct {
	options Options
	conn    *net.UnixConn
	address string // as in NOTIFY_SOCKET
	refused atomic.Uint64
	silence time.Time // nothing is logged before; Run's
}

// Listen opens the socket. What is sent to it waits for Run, up to
// net.unix.max_dgram_qlen datagrams (10): then the sender waits.
func Listen(options Options) (*Socket, error) {
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	name := "gorun-notify-" + rand.Text()
	var problems []error
	for _, dir := range options.Dirs {
		s, err := listen(filepath.Join(dir, name), options)
		if err == nil {
			return s, nil
		}
		problems = append(problems, err)
	}
	s, err := listen("@"+name, options)
	if err != nil {
		return nil, fmt.Errorf("open a notify socket: %w", errors.Join(append(problems, err)...))
	}
	return s, nil
}

// listen binds the address and only then takes datagrams that the kernel has
// signed: nobody knows the name before.
func listen(address string, options Options) (*Socket, error) {
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		return nil, err
	}
	s := &Socket{options: options, conn: conn, address: address}
	if err := errors.Join(s.sign(), s.open()); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// sign has the kernel add the sender's credentials to each datagram.
func (s *Socket) sign() error {
	control, err := s.conn.SyscallConn()
	if err != nil {
		return err
	}
	var problem error
	err = control.Control(func(fd uintptr) {
		problem = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PASSCRED, 1)
	})
	return errors.Join(err, os.NewSyscallError("setsockopt SO_PASSCRED", problem))
}

// open lets every user write to a socket that has a file: the worker may have
// given up its first user, and the credentials decide.
func (s *Socket) open() error {
	if !s.hasFile() {
		return nil
	}
	return os.Chmod(s.address, 0o666)
}

func (s *Socket) hasFile() bool { return !strings.HasPrefix(s.address, "@") }

// Environ is what the worker's environment needs. WATCHDOG_PID, which would
// limit the watchdog to one process, should not be in it.
func (s *Socket) Environ() []string {
	environ := []string{"NOTIFY_SOCKET=" + s.address}
	if s.options.Watchdog > 0 {
		environ = append(environ, "WATCHDOG_USEC="+strconv.FormatInt(s.options.Watchdog.Microseconds(), 10))
	}
	return environ
}

// Refused counts the datagrams that were not believed or not understood.
func (s *Socket) Refused() uint64 { return s.refused.Load() }

// Close closes the socket and ends Run. Later notifications fail at the sender.
func (s *Socket) Close() error {
	if err := s.conn.Close(); err != nil {
		return fmt.Errorf("close a notify socket: %w", err)
	}
	if !s.hasFile() {
		return nil
	}
	if err := os.Remove(s.address); err != nil && !errors.Is(err, syscall.ENOENT) {
		return fmt.Errorf("remove a notify socket: %w", err)
	}
	return nil
}
