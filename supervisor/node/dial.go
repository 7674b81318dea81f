package node

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"gorun/supervisor/sockets"
)

// Errors of Dial.
var (
	ErrNotListening = errors.New("the worker does not listen there")
	ErrNotTaken     = errors.New("the worker does not take connections over its IPC channel")
)

// newConnection is the message with which a cluster's primary passes a connection to
// a worker: lib/internal/cluster/child.js of Node.
type newConnection struct {
	Cmd string `json:"cmd"`
	Act string `json:"act"`
	Key string `json:"key"`
	Seq int    `json:"seq"`
}

// Dial connects to a server of exactly this worker: a cluster worker accepts
// connections from its primary for each address that it listens on. The server sees
// a unix socket without a peer's address. The caller owns the connection, which the
// worker may close at once. Dial never waits, and fails while the worker has not
// taken the connection before.
func (c *Channel) Dial(address sockets.Address) (net.Conn, error) {
	keys := c.keys.Load()
	if keys == nil || (*keys)[withoutKey(address)] == "" {
		return nil, ErrNotListening
	}
	if !c.dialing.CompareAndSwap(false, true) {
		return nil, ErrNotTaken
	}
	conn, theirs, err := connectionPair()
	if err != nil {
		c.dialing.Store(false)
		return nil, err
	}
	f := &frame{fd: theirs, onClose: func() { c.dialing.Store(false) }}
	f.line, err = encode(handleMessage{"NODE_HANDLE", "net.Native", newConnection{"NODE_CLUSTER", "newconn", (*keys)[withoutKey(address)], 0}})
	if err != nil {
		f.drop()
		return nil, errors.Join(err, conn.Close())
	}
	if err := c.out.push(f); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// connectionPair returns the two ends of a connection, the second for a worker.
func connectionPair() (net.Conn, int, error) {
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

// publish makes the worker's servers known to Dial.
func (c *Channel) publish() {
	keys := make(map[sockets.Address]string, len(c.servers.open))
	for key, address := range c.servers.open {
		if !IsClient(address) {
			keys[withoutKey(address)] = key
		}
	}
	c.keys.Store(&keys)
}
