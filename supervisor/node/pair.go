package node

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Pair returns the two ends of a channel: gorun's, for Open, and the worker's, which
// becomes its descriptor 3; the caller closes it after the start. The worker's end is
// blocking, as Node expects: Node changes that itself.
func Pair() (*net.UnixConn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("open an IPC channel: %w", err)
	}
	ours, child := os.NewFile(uintptr(fds[0]), "ipc"), os.NewFile(uintptr(fds[1]), "worker's ipc")
	conn, err := connOf(ours)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("open an IPC channel: %w", err), child.Close())
	}
	return conn, child, nil
}

// connOf turns an end into a connection.
func connOf(end *os.File) (*net.UnixConn, error) {
	conn, err := net.FileConn(end) // a duplicate
	if err := errors.Join(err, end.Close()); err != nil {
		return nil, err
	}
	stream, ok := conn.(*net.UnixConn)
	if !ok {
		return nil, errors.Join(unix.EINVAL, conn.Close())
	}
	return stream, nil
}

// Environ returns the variables that announce the channel, descriptor fd, to a
// worker. In cluster mode uniqueID is a number, different for each run of an app's
// workers; it is "" in fork mode.
func Environ(fd int, uniqueID string) []string {
	env := []string{"NODE_CHANNEL_FD=" + strconv.Itoa(fd), "NODE_CHANNEL_SERIALIZATION_MODE=json"}
	if uniqueID != "" {
		env = append(env, "NODE_UNIQUE_ID="+uniqueID)
	}
	return env
}
