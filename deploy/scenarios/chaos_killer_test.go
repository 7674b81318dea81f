//go:build scenarios

package scenarios_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// killer kills gorun's workers in turn.
type killer struct {
	gorun    *gorun
	workers  []int // alive and not killed, in the order they came
	killed   []int
	accepted []int // the clients' ports of connections that died with a worker
	relayed  int   // how many of those came from gorun, which passed them on
}

// killEvery kills the oldest worker again and again while load runs.
func (k *killer) killEvery(t *testing.T, every time.Duration, load func() []reply) []reply {
	t.Helper()
	done := make(chan []reply, 1)
	go func() { done <- load() }()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case replies := <-done:
			return replies
		case <-tick.C:
			k.look()
			if len(k.workers) > 0 {
				k.note(t, k.workers[0])
				k.kill(t)
			}
		}
	}
}

// look brings the list of workers up to date.
func (k *killer) look() {
	var alive []int
	for _, p := range childrenOf(k.gorun.pid) {
		if p.state != "Z" && !slices.Contains(k.killed, p.pid) {
			alive = append(alive, p.pid)
		}
	}
	k.workers = slices.DeleteFunc(k.workers, func(pid int) bool { return !slices.Contains(alive, pid) })
	for _, pid := range alive {
		if !slices.Contains(k.workers, pid) {
			k.workers = append(k.workers, pid)
		}
	}
}

// note remembers which connections a worker has accepted. For that it has to
// stand still.
func (k *killer) note(t *testing.T, worker int) {
	t.Helper()
	freeze(t, worker)
	own := connectionsOf(t, k.gorun.pid)
	for _, accepted := range connectionsOf(t, worker) {
		k.accepted = append(k.accepted, accepted.peer)
		if slices.Contains(own, end{accepted.peer, accepted.own}) {
			k.relayed++
		}
	}
}

// kill kills the oldest.
func (k *killer) kill(t *testing.T) {
	t.Helper()
	kill(t, k.workers[0])
	k.killed = append(k.killed, k.workers[0])
}

// judge counts the failures that the deaths of workers do not explain.
func (k *killer) judge(bad []reply) (refused, lost int) {
	for _, r := range bad {
		switch {
		case errors.Is(r.err, unix.ECONNREFUSED):
			refused++
		case !slices.Contains(k.accepted, r.port):
			lost++
		}
	}
	return refused, lost
}

// freeze stops a process and waits until none of its threads runs any more.
func freeze(t *testing.T, pid int) {
	t.Helper()
	if err := unix.Kill(pid, unix.SIGSTOP); err != nil {
		t.Errorf("stop %d: %v", pid, err)
		return
	}
	eventually(t, fmt.Sprintf("all threads of %d stand still", pid), func() bool {
		states := threadStates(pid)
		return !bytes.ContainsFunc(states, func(r rune) bool { return r != 'T' })
	})
}

// threadStates returns the letters of a process's threads.
func threadStates(pid int) []byte {
	paths, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	var states []byte
	for _, path := range paths {
		if p, ok := readProcess(path); ok {
			states = append(states, p.state[0])
		}
	}
	return states
}

// end is the ports of one connection.
type end struct{ own, peer int }

// connectionsOf returns the TCP connections that a process has.
func connectionsOf(t *testing.T, pid int) []end {
	t.Helper()
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Errorf("pidfd of %d: %v", pid, err)
		return nil
	}
	defer func() { _ = unix.Close(pidfd) }()
	entries, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	var ends []end
	for _, entry := range entries {
		link, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, entry.Name()))
		number, err := strconv.Atoi(entry.Name())
		if err != nil || !strings.HasPrefix(link, "socket:") {
			continue
		}
		if fd, err := unix.PidfdGetfd(pidfd, number, 0); err == nil { // else it is closed by now
			ends = append(ends, endOf(fd)...)
			_ = unix.Close(fd)
		}
	}
	return ends
}

// endOf returns nothing for what is no connection.
func endOf(fd int) []end {
	own, _ := unix.Getsockname(fd)
	peer, _ := unix.Getpeername(fd)
	if portOf(own) == 0 || portOf(peer) == 0 {
		return nil
	}
	return []end{{portOf(own), portOf(peer)}}
}

func portOf(address unix.Sockaddr) int {
	switch at := address.(type) {
	case *unix.SockaddrInet4:
		return at.Port
	case *unix.SockaddrInet6:
		return at.Port
	}
	return 0
}

// kill ends a process with -9.
func kill(t *testing.T, pid int) {
	t.Helper()
	if err := unix.Kill(pid, unix.SIGKILL); err != nil {
		t.Errorf("kill %d: %v", pid, err)
	}
}

// fifo makes a named pipe that a worker waits at.
func fifo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// letGo lets the worker go on that waits at the named pipe.
func letGo(t *testing.T, path string) {
	t.Helper()
	var end *os.File
	eventually(t, "somebody waits at "+path, func() (open bool) {
		var err error
		end, err = os.OpenFile(path, os.O_WRONLY|unix.O_NONBLOCK, 0)
		return err == nil
	})
	_ = end.Close()
}
