package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// greetings is where workers in mode hello or lines tell that they run.
type greetings struct {
	socket   string
	listener *net.UnixListener
	open     []net.Conn
}

func (l *lab) greetings() (*greetings, error) {
	path := l.path("socket")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listen for workers: %w", err)
	}
	return &greetings{socket: path, listener: listener}, nil
}

// next waits for a worker, and tells when it came.
func (g *greetings) next(ctx context.Context) (net.Conn, time.Time, error) {
	limit := time.Now().Add(patience)
	if end, set := ctx.Deadline(); set && end.Before(limit) {
		limit = end
	}
	if err := g.listener.SetDeadline(limit); err != nil {
		return nil, limit, fmt.Errorf("wait for a worker: %w", err)
	}
	conn, err := g.listener.Accept()
	now := time.Now()
	if err != nil {
		return nil, now, fmt.Errorf("wait for a worker: %w", err)
	}
	g.open = append(g.open, conn)
	return conn, now, nil
}

// nextPid is next for a worker in mode hello, which tells its pid.
func (g *greetings) nextPid(ctx context.Context) (int, time.Time, error) {
	conn, now, err := g.next(ctx)
	if err != nil {
		return 0, now, err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return 0, now, fmt.Errorf("read a worker's pid: %w", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		return 0, now, fmt.Errorf("read a worker's pid: %w", err)
	}
	return pid, now, nil
}

// close ends the workers, which live as long as their connections.
func (g *greetings) close() {
	_ = g.listener.Close()
	g.hangUp()
}

// hangUp ends the workers there are.
func (g *greetings) hangUp() {
	for _, conn := range g.open {
		_ = conn.Close()
	}
	g.open = nil
}
