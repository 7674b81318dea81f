package node

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"gorun/supervisor/sockets"
)

// What Dial may answer.
var (
	ErrNotListening = errors.New("the worker does not listen there")
	ErrNotTaken     = errors.New("the worker does not take connections over its IPC channel")
)

// connected is what a cluster's primary says to a worker that it gives a
// connection to: lib/internal/cluster/child.js of Node.
type connected struct {
	Cmd string `json:"cmd"`
	Act string `json:"act"`
	Key string `json:"key"`
	Seq int    `json:"seq"`
}

// Dial connects to a server of exactly this worker: what a cluster worker
// listens on it takes connections for from its primary, too. The server sees a
// unix socket without a peer's address. The connection is the caller's; it is
// closed when the worker does not want it. Dial never waits, and gives the
// worker the next one when it has taken the last.
func (c *Channel) Dial(address sockets.Address) (net.Conn, error) {
	keys := c.keys.Load()
	if keys == nil || (*keys)[plain(address)] == "" {
		return nil, ErrNotListening
	}
	if !c.dialing.CompareAndSwap(false, true) {
		return nil, ErrNotTaken
	}
	conn, theirs, err := connection()
	if err != nil {
		c.dialing.Store(false)
		return nil, err
	}
	f := &frame{fd: theirs, gone: func() { c.dialing.Store(false) }}
	f.line, err = encode(handed{"NODE_HANDLE", "net.Native", connected{"NODE_CLUSTER", "newconn", (*keys)[plain(address)], 0}})
	if err != nil {
		f.drop()
		return nil, errors.Join(err, conn.Close())
	}
	if err := c.out.push(f); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// connection returns two ends of a connection, one for a worker.
func connection() (net.Conn, int, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, none, fmt.Errorf("make a connection: %w", err)
	}
	ours := os.NewFile(uintptr(fds[0]), "connection")
	defer ours.Close()
	conn, err := net.FileConn(ours)
	if err != nil {
		return nil, none, errors.Join(fmt.Errorf("make a connection: %w", err), unix.Close(fds[1]))
	}
	return conn, fds[1], nil
}

// publish tells Dial what the worker listens on.
func (c *Channel) publish() {
	keys := make(map[sockets.Address]string, len(c.servers.open))
	for key, address := range c.servers.open {
		keys[plain(address)] = key
	}
	c.keys.Store(&keys)
}
