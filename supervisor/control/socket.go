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

// Every user may connect, so that one who is refused gets the reason; SO_PEERCRED
// decides. The folder is no secret either.
const (
	fileMode   = 0o666
	folderMode = 0o755
)

// InUseError says that another gorun listens at an address.
type InUseError struct {
	Address string
	Pid     int // 0: unknown, or in another PID namespace

	elsewhere bool // in another PID namespace, which shares the folder
}

// Error names the other one.
func (e *InUseError) Error() string {
	who := "another process"
	if e.Pid != 0 {
		who = fmt.Sprintf("pid %d", e.Pid)
	}
	return fmt.Sprintf("listen at %s: %s listens there already", e.Address, who)
}

// Listener accepts clients and knows who they are. Close removes its files.
type Listener struct {
	unix    *net.UnixListener
	guard   guard
	close   func() error
	refused atomic.Int64
}

// Listen listens at the address: at the socket that was asked for, or at the first
// default that works.
func Listen(p client.Address) (*Listener, error) {
	if p.Socket != "" {
		return listen(p.Socket)
	}
	l, err := listenDefault(p.Path())
	if err == nil {
		return l, nil
	}
	if taken, ok := errors.AsType[*InUseError](err); ok && !taken.elsewhere {
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

func listenDefault(path string) (*Listener, error) {
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
	lock, err := acquireLock(address)
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
		return &InUseError{Address: address}
	}
	defer func() { _ = conn.Close() }()
	p, err := client.PeerOf(conn)
	return &InUseError{Address: address, Pid: p.Pid, elsewhere: err == nil && p.Pid == 0}
}

// Address is where clients find it.
func (l *Listener) Address() string { return l.guard.address }

// Addr implements net.Listener.
func (l *Listener) Addr() net.Addr { return l.unix.Addr() }

// Close stops listening and removes the socket. It may be called again.
func (l *Listener) Close() error { return l.close() }

// maxRefused is how many connections of refused users may be open at a time: they
// wait for the reason only.
const maxRefused = 16

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

// admit returns nil where too many refused connections are open.
func (l *Listener) admit(conn *net.UnixConn) net.Conn {
	p, err := client.PeerOf(conn)
	if err != nil {
		return nil
	}
	refusal := l.guard.refuse(p)
	if refusal == nil {
		return &clientConn{Conn: conn}
	}
	if l.refused.Add(1) > maxRefused {
		l.refused.Add(-1)
		return nil
	}
	return &clientConn{Conn: conn, refusal: refusal, closed: sync.OnceFunc(func() { l.refused.Add(-1) })}
}

// clientConn is a connection with the decision about its user.
type clientConn struct {
	net.Conn
	refusal   error  // nil: it may
	closed    func() // nil unless refused
	inRequest bool   // its request is under way; belongs to the connection's goroutine
}

// Close implements net.Conn.
func (v *clientConn) Close() error {
	if v.closed != nil {
		v.closed()
	}
	return v.Conn.Close() //nolint:wrapcheck // a net.Conn like any other
}
