package node

import (
	"bytes"
	"encoding/json"

	"golang.org/x/sys/unix"

	"gorun/supervisor/sockets"
)

// receive handles one line of the worker.
func (c *Channel) receive(line []byte) {
	m, err := parse(line)
	if err != nil {
		c.warnOnce("an IPC message is not JSON")
		return
	}
	switch m.cmd {
	case "":
		c.deliver(line)
	case "NODE_HANDLE":
		c.receiveHandle(m.fields["msg"])
	case "NODE_HANDLE_ACK":
		c.out.acknowledge()
	case "NODE_HANDLE_NACK":
		c.out.reject()
	case "NODE_CLUSTER":
		if c.options.Cluster {
			c.serve(m.fields)
		}
	}
}

// deliver passes on a message of the app.
func (c *Channel) deliver(line []byte) {
	if c.options.Message != nil {
		c.options.Message(bytes.Clone(line))
	}
}

// receiveHandle accepts a message that came with a descriptor, without the
// descriptor. The worker sends nothing more until it is acknowledged.
func (c *Channel) receiveHandle(line json.RawMessage) {
	c.warnOnce("gorun accepts no handles")
	if err := c.out.pushUrgent(handleAck()); err != nil {
		c.warnOnce(err.Error())
	}
	if m, err := parse(line); err == nil && m.cmd == "" {
		c.deliver(line)
	}
}

// serve handles a worker's request to its cluster's primary.
func (c *Channel) serve(f fields) {
	switch f.text("act") {
	case "queryServer":
		if !c.disconnecting.Load() { // a server opened now would keep the worker alive
			c.query(f)
		}
	case "listening":
		c.publish()
		if address, found := c.servers.listening(f); found && c.options.Listening != nil {
			c.options.Listening(address)
		}
	case "close":
		c.closeServer(f.text("key"))
	case "exitedAfterDisconnect": // the worker has called disconnect itself
		c.disconnecting.Store(true)
		c.reply(f, answer{}, handle{fd: none})
	}
}

// closeServer takes note that the worker has closed a server.
func (c *Channel) closeServer(key string) {
	address, found := c.servers.open[key]
	if !found {
		return
	}
	delete(c.servers.open, key)
	c.publish()
	if c.options.Closed != nil {
		c.options.Closed(address)
	}
	if !IsClient(address) && !c.servers.serves() {
		select {
		case c.unserved <- struct{}{}:
		default:
		}
	}
}

// query answers a request to listen.
func (c *Channel) query(f fields) {
	q, err := parseQuery(f)
	c.nameAsNode(q)
	fd := none
	if err == nil {
		fd, err = c.servers.acquire(q)
	}
	a := answer{Key: q.key, Data: c.options.TLSData.first(q.key, f["data"])}
	if err != nil {
		a.Errno = errnoOf(err)
		c.options.Log.Debug("a worker cannot listen", "key", q.key, "error", err)
	}
	kind := sockets.TCP
	if len(q.candidates) > 0 {
		kind = q.candidates[0].Kind
	}
	c.reply(f, a, handle{fd, kind})
}

// handle is a socket on its way to the worker.
type handle struct {
	fd   int // or none
	kind sockets.Kind
}

// reply answers a request, with a descriptor unless that is none. A request
// without a number expects no answer.
func (c *Channel) reply(request fields, a answer, h handle) {
	a.Cmd, a.Ack = "NODE_CLUSTER", request.number("seq", none)
	f, err := replyFrame(a, h)
	if a.Ack < 0 || err != nil {
		f.drop()
		c.warnOnce("a request of the worker is malformed")
		return
	}
	if err := c.out.push(f); err != nil {
		c.warnOnce(err.Error())
	}
}

// replyFrame makes the frame of an answer, and the refusal to send instead should
// the descriptor never arrive.
func replyFrame(a answer, h handle) (*frame, error) {
	f := &frame{fd: h.fd}
	var err error
	if h.fd == none {
		f.line, err = encode(a)
		return f, err
	}
	name := "net.Native"
	if h.kind == sockets.UDP {
		name = "dgram.Native"
	}
	if f.line, err = encode(handleMessage{Cmd: "NODE_HANDLE", Type: name, Msg: a}); err != nil {
		return f, err
	}
	a.Errno = errnoOf(unix.EMFILE)
	f.refusal, err = encode(a)
	return f, err
}
