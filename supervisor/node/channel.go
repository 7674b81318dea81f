// Package node speaks the IPC protocol of Node.js over a worker's channel. To a
// worker in cluster mode gorun is the cluster's primary: it owns the sockets that
// the workers listen on. Each Channel has two goroutines, a reader and a writer;
// the reader calls the functions of Options, which must not block.
package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"gorun/supervisor/sockets"
)

// maxLine is how long one message may be, in bytes.
const maxLine = 16 << 20

// Errors of Send.
var (
	ErrClosed   = errors.New("the worker has closed its IPC channel")
	ErrFull     = errors.New("the worker does not read its IPC channel")
	ErrTooLong  = errors.New("the message is longer than 16 MiB")
	ErrInternal = errors.New("a message with a cmd of NODE_… is Node's own")
)

// Options are what a channel needs to know, and the functions that its reading
// goroutine calls: they must not block.
type Options struct {
	// Cluster: the worker was started with NODE_UNIQUE_ID and asks for sockets.
	Cluster bool
	// Share returns the worker's socket for an address. Its errors carry a unix.Errno.
	Share func(sockets.Address) (*sockets.Member, error)
	// LibUV returns the version of the worker's libuv, such as 1.48.0; "": unknown. It may
	// take as long as node does to start. nil: unknown.
	LibUV func() string
	// TLSData is shared by all channels of an app.
	TLSData *Keys
	// Listening is called when the worker listens.
	Listening func(sockets.Address)
	// Closed is called when the worker has closed its server at the address.
	Closed func(sockets.Address)
	// Message is called for each message that the app sends.
	Message func(json.RawMessage)
	// Log may be nil.
	Log *slog.Logger
}

// Channel is the IPC channel of one run of a Node worker. Safe for concurrent
// use.
type Channel struct {
	options       Options
	conn          *net.UnixConn
	out           *outbox
	closed        chan struct{}
	unserved      chan struct{} // the worker has closed its last server; at most one pending
	keys          atomic.Pointer[map[sockets.Address]string]
	dialing       atomic.Bool // a connection is on its way
	disconnecting atomic.Bool // by Disconnect or by itself: it gets no more sockets

	// The reading goroutine's:
	servers servers
	warned  map[string]bool // warnings logged so far
}

// Open starts a channel on conn, which is gorun's end of a Pair, and owns it from
// then on. The caller must close the channel.
func Open(conn *net.UnixConn, options Options) *Channel {
	return open(conn, options, func(address sockets.Address) (socket, error) {
		if options.Share == nil {
			return nil, unix.EINVAL
		}
		return options.Share(address)
	})
}

func open(conn *net.UnixConn, options Options, share func(sockets.Address) (socket, error)) *Channel {
	if options.TLSData == nil {
		options.TLSData = &Keys{}
	}
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	c := &Channel{
		options: options,
		conn:    conn,
		out:     newOutbox(),
		closed:  make(chan struct{}), unserved: make(chan struct{}, 1),
		servers: servers{share: share, open: map[string]sockets.Address{}, granted: map[sockets.Address]sockets.Address{}},
		warned:  map[string]bool{},
	}
	go c.read()
	go c.write()
	return c
}

// Send sends the app a message: anything that can be marshalled to JSON. It never
// waits for the worker.
func (c *Channel) Send(message any) error {
	line, err := encode(message)
	if err != nil {
		return fmt.Errorf("send a message to the worker: %w", err)
	}
	if parsed, _ := parse(line); parsed.cmd != "" {
		return fmt.Errorf("send a message to the worker: %w", ErrInternal)
	}
	if err := c.out.push(&frame{line: line, fd: none}); err != nil {
		return fmt.Errorf("send a message to the worker: %w", err)
	}
	return nil
}

// Idle reports whether everything sent has been written to the channel: a worker
// that reads nothing need not be asked again.
func (c *Channel) Idle() bool { return c.out.empty() }

// Disconnect makes a cluster worker close its servers, finish the requests in
// flight and exit 0. It does nothing to a worker in fork mode.
func (c *Channel) Disconnect() {
	if !c.options.Cluster {
		return
	}
	c.disconnecting.Store(true)
	if err := c.out.push(&frame{line: disconnect(), fd: none}); err != nil {
		c.options.Log.Debug("cannot send disconnect to the worker", "error", err)
	}
}

// Unserved has something once the worker has closed its last server, if it does so
// after the call. One caller at a time.
func (c *Channel) Unserved() <-chan struct{} {
	select {
	case <-c.unserved:
	default:
	}
	return c.unserved
}

// Leave ends the channel, which would keep a worker alive whose loop is else empty: a
// cluster worker is told to disconnect, and does so when its servers are closed.
// Another one sees the channel's end.
func (c *Channel) Leave() {
	if c.options.Cluster {
		c.Disconnect()
		return
	}
	_ = c.Close()
}

// Closed is closed when the worker has closed its end or died, and all its messages
// have been handled; or after Close.
func (c *Channel) Closed() <-chan struct{} { return c.closed }

// Close closes gorun's end: a cluster worker exits at once.
func (c *Channel) Close() error {
	if err := c.conn.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close the IPC channel: %w", err)
	}
	return nil
}

// read handles the worker's messages. A plain read(2) makes the kernel drop the
// descriptors that a worker attaches: none ever gets into gorun.
func (c *Channel) read() {
	defer close(c.closed)
	defer c.conn.Close()
	lines := splitter{limit: maxLine}
	buffer := make([]byte, 32<<10)
	for {
		n, err := c.conn.Read(buffer)
		for _, line := range lines.add(buffer[:n]) {
			c.receive(line)
		}
		if lines.dropped > 0 {
			c.warnOnce("an IPC message is too long")
		}
		if err != nil {
			return // closed by either side, whatever the reason
		}
	}
}

// write sends the frames of the outbox, and owns their descriptors.
func (c *Channel) write() {
	defer c.out.end()
	for {
		f := c.out.next()
		if f == nil {
			select {
			case <-c.out.wake:
			case <-c.closed:
				return
			}
			continue
		}
		err := c.transmit(f)
		if errors.Is(err, unix.ETOOMANYREFS) && c.pause(f) {
			c.out.reject()
			continue
		}
		if err != nil {
			return // the reader sees the end, after the worker's last message
		}
	}
}

// transmit sends a frame. Its descriptor travels with the first byte.
func (c *Channel) transmit(f *frame) error {
	line := f.line
	if f.fd != none {
		n, _, err := c.conn.WriteMsgUnix(line, unix.UnixRights(f.fd), nil)
		if err != nil {
			return fmt.Errorf("send a socket: %w", err)
		}
		line = line[n:]
	}
	if _, err := c.conn.Write(line); err != nil {
		return fmt.Errorf("send a message: %w", err)
	}
	return nil
}

// pause waits for descriptors in flight to arrive, after ETOOMANYREFS. It reports
// whether the channel is still open.
func (c *Channel) pause(f *frame) bool {
	select {
	case <-time.After(50 * time.Millisecond << f.tries):
		return true
	case <-c.closed:
		return false
	}
}

// warnOnce logs each problem with the worker's messages once.
func (c *Channel) warnOnce(problem string) {
	if !c.warned[problem] {
		c.warned[problem] = true
		c.options.Log.Warn("IPC message of the worker ignored", "reason", problem)
	}
}
