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
		c.complain("an IPC message is not JSON")
		return
	}
	switch m.cmd {
	case "":
		c.deliver(line)
	case "NODE_HANDLE":
		c.unhand(m.fields["msg"])
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

// deliver hands on a message of the app.
func (c *Channel) deliver(line []byte) {
	if c.options.Message != nil {
		c.options.Message(bytes.Clone(line))
	}
}

// unhand takes a message that came with a descriptor, without it. Until this
// is acknowledged the worker sends nothing more.
func (c *Channel) unhand(line json.RawMessage) {
	c.complain("gorun takes no handles")
	if err := c.out.hurry(handleAck()); err != nil {
		c.complain(err.Error())
	}
	if m, err := parse(line); err == nil && m.cmd == "" {
		c.deliver(line)
	}
}

// serve does what a worker asks of its cluster's primary.
func (c *Channel) serve(f fields) {
	switch f.text("act") {
	case "queryServer":
		if !c.leaving.Load() { // a server opened now would keep the worker alive
			c.query(f)
		}
	case "listening":
		c.publish()
		if address, found := c.servers.listening(f); found && c.options.Listening != nil {
			c.options.Listening(address)
		}
	case "close":
		delete(c.servers.open, f.text("key"))
		c.publish()
	case "exitedAfterDisconnect": // the worker leaves by itself
		c.leaving.Store(true)
		c.reply(f, answer{}, none)
	}
}

// query answers a wish to listen.
func (c *Channel) query(f fields) {
	q, err := parseQuery(f)
	fd := none
	if err == nil {
		fd, err = c.servers.take(q)
	}
	a := answer{Key: q.key, Data: c.options.TLSData.first(q.key, f["data"])}
	if err != nil {
		a.Errno = errnoOf(err)
		c.options.Log.Debug("a worker cannot listen", "key", q.key, "error", err)
	}
	c.reply(f, a, fd)
}

// reply answers a request, with a descriptor unless that is none. A request
// without a number expects no answer.
func (c *Channel) reply(request fields, a answer, fd int) {
	a.Cmd, a.Ack = "NODE_CLUSTER", request.number("seq", none)
	f, err := replyFrame(a, fd, c.servers.open[a.Key].Kind)
	if a.Ack < 0 || err != nil {
		f.drop()
		c.complain("a request of the worker is broken")
		return
	}
	if err := c.out.push(f); err != nil {
		c.complain(err.Error())
	}
}

// replyFrame makes the frame of an answer, and of what to say instead should
// the worker never get the descriptor.
func replyFrame(a answer, fd int, kind sockets.Kind) (*frame, error) {
	f := &frame{fd: fd}
	var err error
	if fd == none {
		f.line, err = encode(a)
		return f, err
	}
	name := "net.Native"
	if kind == sockets.UDP {
		name = "dgram.Native"
	}
	if f.line, err = encode(handed{Cmd: "NODE_HANDLE", Type: name, Msg: a}); err != nil {
		return f, err
	}
	a.Errno = errnoOf(unix.EMFILE)
	f.refusal, err = encode(a)
	return f, err
}
