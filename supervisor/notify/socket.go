// Package notify is the service manager's side of sd_notify(3): one datagram socket
// for each run of a worker, over which the worker reports that it is ready, alive
// or stopping; and Send, which reports the same of gorun to its own service
// manager. Run is the only goroutine of a Socket.
//
// Accepted senders. The address belongs to one run of one worker, so every datagram
// is about that run; the credentials that the kernel adds decide whether it is
// accepted. An abstract name is no secret: /proc/net/unix lists it to all
// processes in the network namespace.
//
//   - A process of the worker's tree is accepted.
//   - A process that has ended is accepted if it ran as the worker's user, as
//     gorun's or as root: `systemd-notify --ready` may be gone before it can be
//     looked up, and such a user could do worse.
//   - A living process outside the tree is refused, and so is one outside this PID
//     namespace.
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

// Options describe the worker that a socket is for.
type Options struct {
	// Dirs are the directories for its file: the first that works. Else it has an
	// abstract name, which needs no disk but which Ruby's libraries (puma, sidekiq)
	// do not understand. /dev/shm can be written even under --read-only.
	Dirs []string
	// User is the uid that the worker runs as.
	User int
	// Watchdog is the interval of the worker's keep-alives; 0: no watchdog.
	Watchdog time.Duration
	// Owns reports whether a process is in the worker's tree. It is required, and
	// only Run calls it.
	Owns func(pid int) bool
	// Log gets refused datagrams, at most one a minute; nil: no log.
	Log *slog.Logger
}

// Socket is the notification socket of one run of a worker.
type Socket struct {
	options    Options
	conn       *net.UnixConn
	address    string        // as in NOTIFY_SOCKET
	refused    atomic.Uint64 // datagrams that were refused or could not be parsed
	quietUntil time.Time     // no refusal is logged before; Run's
}

// Listen opens the socket. Datagrams wait for Run, up to net.unix.max_dgram_qlen
// (10): then the sender waits.
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

// listen binds the address and then enables credentials: no sender knows the name
// before.
func listen(address string, options Options) (*Socket, error) {
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		return nil, err
	}
	s := &Socket{options: options, conn: conn, address: address}
	if err := errors.Join(s.passCredentials(), s.allowAll()); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// passCredentials makes the kernel add the sender's credentials to each datagram.
func (s *Socket) passCredentials() error {
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

// allowAll lets every user write to a socket that has a file: the worker may have
// changed its user, and the credentials decide.
func (s *Socket) allowAll() error {
	if !s.hasFile() {
		return nil
	}
	return os.Chmod(s.address, 0o666)
}

func (s *Socket) hasFile() bool { return !strings.HasPrefix(s.address, "@") }

// Environ returns the variables for the worker's environment. WATCHDOG_PID, which
// would limit the watchdog to one process, must not be in it.
func (s *Socket) Environ() []string {
	environ := []string{"NOTIFY_SOCKET=" + s.address}
	if s.options.Watchdog > 0 {
		environ = append(environ, "WATCHDOG_USEC="+strconv.FormatInt(s.options.Watchdog.Microseconds(), 10))
	}
	return environ
}

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
