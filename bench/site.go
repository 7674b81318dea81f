package main

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// site is a web server that runs, in as many processes as it may have.
type site struct {
	name     string
	port     int
	programs []*running
	workers  map[int]bool // by pid
}

// served is what a site did in a window.
type served struct {
	rate float64 // answers per second
	cost float64 // microseconds of a processor per answer, the supervisor's included
}

func (s *site) close() {
	for _, one := range s.programs {
		one.stop()
	}
}

func (s *site) serve(ctx context.Context, t traffic, window time.Duration) (served, error) {
	before, err := s.cpu()
	if err != nil {
		return served{}, err
	}
	rate, answers, err := rateOf(ctx, t, s.port, window)
	if err != nil {
		return served{}, s.fail(fmt.Errorf("%s, %s: %w", s.name, t.quantity, err))
	}
	after, err := s.cpu()
	return served{rate, (after - before) * 1e6 / float64(answers)}, err
}

// cpu adds up what the supervisor and the workers have run, in seconds.
func (s *site) cpu() (float64, error) {
	pids := maps.Clone(s.workers)
	for _, one := range s.programs {
		pids[one.pid()] = true
	}
	var sum float64
	for pid := range pids {
		used, err := cpuOf(pid)
		if err != nil {
			return 0, err
		}
		sum += used
	}
	return sum, nil
}

// fail adds what the first of the programs wrote to stderr.
func (s *site) fail(err error) error {
	if len(s.programs) == 0 {
		return err
	}
	return s.programs[0].fail(err)
}

// sites starts a service under every contestant. Those that it started are
// returned with an error too.
func (l *lab) sites(ctx context.Context, s service) ([]*site, error) {
	all := []*site{{name: single}, {name: twins}}
	if err := l.unsupervised(ctx, all[0], s, 1); err != nil {
		return all, err
	}
	if err := l.unsupervised(ctx, all[1], s, sharers); err != nil {
		return all, err
	}
	contestants, err := l.supervisors(s.app)
	if err != nil {
		return all, err
	}
	for _, c := range contestants {
		if c.name == pm2 && s.app.Interpreter == "none" {
			continue // in its cluster mode pm2 runs Node alone
		}
		one := &site{name: c.name}
		all = append(all, one)
		if err := l.supervised(ctx, one, c, sharers); err != nil {
			return all, err
		}
	}
	return all, nil
}

// supervised starts a supervisor, and returns when n workers have answered.
func (l *lab) supervised(ctx context.Context, s *site, c contestant, n int, env ...string) error {
	port, err := freePort(ctx)
	if err != nil {
		return err
	}
	if s.port, err = strconv.Atoi(port); err != nil {
		return fmt.Errorf("find a port: %w", err)
	}
	one, err := l.launch(ctx, launch{words: c.before, env: append([]string{"PORT=" + port}, env...), apart: true})
	if err != nil {
		return err
	}
	s.programs = append(s.programs, one)
	return s.await(ctx, n)
}

// unsupervised gives each of n processes a listening socket on the same port.
// Each has a session of its own, as gorun's workers have: where the kernel
// groups tasks by session (sched_autogroup), it decides how they are scheduled.
func (l *lab) unsupervised(ctx context.Context, s *site, how service, n int) error {
	for range n {
		socket, err := s.listen(ctx)
		if err != nil {
			return err
		}
		env := append([]string{"LISTEN_FD=3"}, how.env...)
		one, err := l.launch(ctx, launch{words: how.words, env: env, files: []*os.File{socket}, apart: true})
		_ = socket.Close()
		if err != nil {
			return err
		}
		s.programs = append(s.programs, one)
	}
	return s.await(ctx, n)
}

// listen opens one more socket on the site's port, which the first one chooses.
func (s *site) listen(ctx context.Context) (*os.File, error) {
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		failed := c.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
		})
		if failed != nil {
			return failed
		}
		return err
	}}
	listener, err := config.Listen(ctx, "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)))
	if err != nil {
		return nil, fmt.Errorf("share a port: %w", err)
	}
	defer listener.Close()
	tcp, is := listener.(*net.TCPListener)
	if !is {
		return nil, fmt.Errorf("share a port: %T", listener)
	}
	if address, is := tcp.Addr().(*net.TCPAddr); is {
		s.port = address.Port
	}
	file, err := tcp.File()
	if err != nil {
		return nil, fmt.Errorf("share a port: %w", err)
	}
	return file, nil
}

// await returns when n processes have answered.
func (s *site) await(ctx context.Context, n int) error {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	s.workers = map[int]bool{}
	err := until(ctx, 5*time.Millisecond, func() error {
		pid, err := s.answering(ctx, &client)
		if err != nil {
			return err
		}
		if s.workers[pid] = true; len(s.workers) < n {
			return fmt.Errorf("%d of %d processes answer", len(s.workers), n)
		}
		return nil
	})
	if err != nil {
		return s.fail(fmt.Errorf("%s: %w", s.name, err))
	}
	return nil
}

// answering is the process that answers a request: the page tells its pid.
func (s *site) answering(ctx context.Context, client *http.Client) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+strconv.Itoa(s.port), nil)
	if err != nil {
		return 0, fmt.Errorf("make request: %w", err)
	}
	answer, err := client.Do(request)
	if err != nil {
		return 0, fmt.Errorf("ask the server: %w", err)
	}
	defer answer.Body.Close()
	var pid int
	if _, err := fmt.Fscanf(answer.Body, "hello from %d\n", &pid); err != nil {
		return 0, fmt.Errorf("read the answer: %w", err)
	}
	return pid, nil
}
