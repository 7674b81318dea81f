package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"gorun/supervisor/control/client"
)

// The file lets everybody connect, so that a stranger is told who he is and
// whom gorun answers; SO_PEERCRED decides. The folder is no secret either.
const (
	fileMode   = 0o666
	folderMode = 0o755
)

// TakenError says that another gorun listens at an address.
type TakenError struct {
	Address string
	Pid     int // 0: unknown, or in another PID namespace

	elsewhere bool // in another PID namespace, which shares the folder
}

// Error names the other one.
func (e *TakenError) Error() string {
	who := "another process"
	if e.Pid != 0 {
		who = fmt.Sprintf("pid %d", e.Pid)
	}
	return fmt.Sprintf("listen at %s: %s listens there already", e.Address, who)
}

// Listener accepts clients and knows who they are. Close removes its files.
type Listener struct {
	unix      *net.UnixListener
	guard     guard
	close     func() error
	strangers atomic.Int64
}

// Listen takes the place: what is asked for, or the first of the usual ones
// that can be had.
func Listen(p client.Address) (*Listener, error) {
	if p.Socket != "" {
		return listen(p.Socket)
	}
	l, err := listenUsual(p.Path())
	if err == nil {
		return l, nil
	}
	if taken, ok := errors.AsType[*TakenError](err); ok && !taken.elsewhere {
		return nil, err
	}
	name, noName := p.Abstract()
	if noName != nil {
		return nil, errors.Join(err, noName)
	}
	l, second := listen(name)
	if second != nil {
		return nil, errors.Join(err, second)
	}
	return l, nil
}

func listenUsual(path string) (*Listener, error) {
	if err := os.MkdirAll(filepath.Dir(path), folderMode); err != nil {
		return nil, fmt.Errorf("make a folder for the control socket: %w", err)
	}
	return listen(path)
}

func listen(address string) (*Listener, error) {
	if err := client.CheckSocket(address); err != nil {
		return nil, err
	}
	if client.IsAbstract(address) {
		return bind(address, nil)
	}
	lock, err := claim(address)
	if err != nil {
		return nil, err
	}
	l, err := listenFile(address, lock)
	if err != nil {
		return nil, errors.Join(err, lock.release())
	}
	return l, nil
}

// listenFile replaces what a dead gorun has left behind, and nothing else.
func listenFile(path string, lock *lock) (*Listener, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("look for an old control socket: %w", err)
	case info.Mode().Type() != fs.ModeSocket:
		return nil, fmt.Errorf("listen at %s: there is something that is not a socket", path)
	default:
		if taken := holder(path); taken != nil {
			return nil, taken
		}
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("remove the socket of a gorun that is gone: %w", err)
		}
	}
	l, err := bind(path, lock)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, fileMode); err != nil {
		return nil, errors.Join(fmt.Errorf("open the control socket to clients: %w", err), l.unix.Close())
	}
	return l, nil
}

func bind(address string, lock *lock) (*Listener, error) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: address, Net: "unix"})
	if errors.Is(err, unix.EADDRINUSE) {
		if taken := holder(address); taken != nil {
			return nil, taken
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open the control socket: %w", err)
	}
	return &Listener{unix: l, guard: newGuard(address), close: sync.OnceValue(func() error {
		err := l.Close() // removes the file, too
		return errors.Join(err, lock.release())
	})}, nil
}

// holder asks who listens at an address; nil if nobody does.
func holder(address string) error {
	conn, err := (&net.Dialer{}).DialContext(context.Background(), "unix", address) // local: it answers or fails at once
	if errors.Is(err, unix.ECONNREFUSED) || errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return &TakenError{Address: address}
	}
	defer func() { _ = conn.Close() }()
	p, err := client.PeerOf(conn)
	return &TakenError{Address: address, Pid: p.Pid, elsewhere: err == nil && p.Pid == 0}
}

// Address is where clients find it.
func (l *Listener) Address() string { return l.guard.address }

// Addr implements net.Listener.
func (l *Listener) Addr() net.Addr { return l.unix.Addr() }

// Close stops to listen and removes the socket. It may be called again.
func (l *Listener) Close() error { return l.close() }

// maxStrangers is how many connections of users that gorun does not answer may
// be open at a time: they wait for their refusal only.
const maxStrangers = 16

// Accept implements net.Listener.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.unix.AcceptUnix()
		if err != nil {
			return nil, err //nolint:wrapcheck // http.Server looks at it
		}
		if one := l.admit(conn); one != nil {
			return one, nil
		}
		_ = conn.Close()
	}
}

// admit returns nil for whom there is no room.
func (l *Listener) admit(conn *net.UnixConn) net.Conn {
	p, err := client.PeerOf(conn)
	if err != nil {
		return nil
	}
	refusal := l.guard.refuse(p)
	if refusal == nil {
		return &visitor{Conn: conn}
	}
	if l.strangers.Add(1) > maxStrangers {
		l.strangers.Add(-1)
		return nil
	}
	return &visitor{Conn: conn, refusal: refusal, left: sync.OnceFunc(func() { l.strangers.Add(-1) })}
}

// visitor is a connection of which is known whether it may ask.
type visitor struct {
	net.Conn
	refusal error  // nil: it may
	left    func() // nil unless refused
	inside  bool   // its request is under way; belongs to the connection's goroutine
}

// Close implements net.Conn.
func (v *visitor) Close() error {
	if v.left != nil {
		v.left()
	}
	return v.Conn.Close() //nolint:wrapcheck // a net.Conn like any other
}
