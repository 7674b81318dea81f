package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// clientCount is how many connections are open at a time.
const clientCount = 32

// traffic is one kind of load.
type traffic struct {
	quantity string
	unit     string
	request  []byte
	once     bool // a connection takes one request, and the server closes it
}

func traffics() []traffic {
	const head = "GET / HTTP/1.1\r\nHost: localhost\r\n"
	return []traffic{
		{quantity: "keep-alive", unit: "requests/s", request: []byte(head + "\r\n")},
		{quantity: "one request each", unit: "connections/s", request: []byte(head + "Connection: close\r\n\r\n"), once: true},
	}
}

// clients puts load on one port of loopback. One thread serves all of them:
// it shares the processors with the servers, and is to leave them the most.
type clients struct {
	traffic
	port    int
	epoll   int
	all     [clientCount]client
	answers int
}

// client is one connection; another takes its place when it is closed.
type client struct {
	fd   int
	sent bool
	got  int // bytes of the answer
	text [1024]byte
}

// rateOf returns the answers per second within a window, which begins when the
// traffic has settled, and the number of all answers.
func rateOf(ctx context.Context, t traffic, port int, window time.Duration) (float64, int, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return 0, 0, fmt.Errorf("make epoll: %w", err)
	}
	defer unix.Close(epoll)
	c := &clients{traffic: t, port: port, epoll: epoll}
	defer c.close()
	for i := range c.all {
		if err := c.open(i); err != nil {
			return 0, 0, err
		}
	}
	if _, err := c.run(ctx, window/8); err != nil {
		return 0, 0, err
	}
	before := c.answers
	took, err := c.run(ctx, window)
	if err != nil {
		return 0, 0, err
	}
	return float64(c.answers-before) / took.Seconds(), c.answers, nil
}

// run returns how long it took: longer than the window where a busy machine
// gave no answer within that.
func (c *clients) run(ctx context.Context, window time.Duration) (time.Duration, error) {
	var events [clientCount]unix.EpollEvent
	before := c.answers
	for begun := time.Now(); ; {
		n, err := unix.EpollWait(c.epoll, events[:], 10)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return 0, fmt.Errorf("wait for answers: %w", err)
		}
		for _, event := range events[:max(n, 0)] {
			if err := c.handle(event); err != nil {
				return 0, err
			}
		}
		took := time.Since(begun)
		if took >= window && c.answers > before || ctx.Err() != nil {
			return took, ctx.Err()
		}
		if took > patience {
			return 0, fmt.Errorf("no answer within %v", took)
		}
	}
}

// open connects a client and sends its request. With a connection per request
// the server closes first, and the client answers by a reset (SO_LINGER 0):
// neither side keeps a TIME_WAIT, of which ports or memory would run out.
func (c *clients) open(i int) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("make socket: %w", err)
	}
	one := &c.all[i]
	one.fd, one.sent, one.got = fd, false, 0
	if c.once {
		if err := unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}); err != nil {
			return fmt.Errorf("prepare socket: %w", err)
		}
	}
	err = unix.Connect(fd, &unix.SockaddrInet4{Port: c.port, Addr: [4]byte{127, 0, 0, 1}})
	if err != nil && !errors.Is(err, unix.EINPROGRESS) {
		return fmt.Errorf("connect: %w", err)
	}
	if err := c.send(one); err != nil {
		return err
	}
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET, Fd: int32(i)}
	if err := unix.EpollCtl(c.epoll, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
		return fmt.Errorf("watch socket: %w", err)
	}
	return nil
}

// send leaves a request unsent while the connection is not established: on
// loopback it almost always is when connect returns.
func (c *clients) send(one *client) error {
	n, err := unix.Write(one.fd, c.request)
	if errors.Is(err, unix.EAGAIN) {
		return nil
	}
	if err == nil && n < len(c.request) {
		err = errors.New("cut short")
	}
	if err != nil {
		return fmt.Errorf("send a request: %w", err)
	}
	one.sent = true
	return nil
}

func (c *clients) handle(event unix.EpollEvent) error {
	one := &c.all[event.Fd]
	if !one.sent {
		return c.send(one)
	}
	if event.Events&^uint32(unix.EPOLLOUT) == 0 {
		return nil
	}
	n, err := unix.Read(one.fd, one.text[one.got:])
	if errors.Is(err, unix.EAGAIN) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read an answer: %w", err)
	}
	one.got += n
	whole, err := complete(one.text[:one.got])
	ended := n == 0 || event.Events&unix.EPOLLRDHUP != 0
	if err == nil && ended && (!whole || !c.once) {
		err = errors.New("the server closed the connection")
	}
	if err != nil || !whole || c.once && !ended {
		return err
	}
	return c.next(int(event.Fd))
}

// next counts an answer and asks again.
func (c *clients) next(i int) error {
	c.answers++
	one := &c.all[i]
	if c.once {
		_ = unix.Close(one.fd)
		return c.open(i)
	}
	one.sent, one.got = false, 0
	return c.send(one)
}

func (c *clients) close() {
	for i := range c.all {
		if fd := c.all[i].fd; fd > 0 {
			_ = unix.Close(fd)
		}
	}
}

// complete tells whether the text is a whole answer.
func complete(text []byte) (bool, error) {
	const good = "HTTP/1.1 200 "
	if !bytes.HasPrefix(text, []byte(good)[:min(len(text), len(good))]) {
		return false, fmt.Errorf("the answer is %q", firstLine(text))
	}
	head, body, found := bytes.Cut(text, []byte("\r\n\r\n"))
	if !found {
		return false, nil
	}
	_, length, found := bytes.Cut(head, []byte("\r\nContent-Length: "))
	if !found {
		return false, errors.New("the answer has no Content-Length")
	}
	length, _, _ = bytes.Cut(length, []byte("\r\n"))
	size, err := strconv.Atoi(string(length))
	if err != nil {
		return false, fmt.Errorf("parse Content-Length: %w", err)
	}
	return len(body) >= size, nil
}
