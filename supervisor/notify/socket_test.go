package notify

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func everybody(int) bool { return true }
func nobody(int) bool    { return false }

// receiver runs a socket and returns its address and the accepted messages. At the
// end of the test it must have released everything.
func receiver(t *testing.T, options Options) (s *Socket, address string, messages chan Message) {
	t.Helper()
	s, err := Listen(options)
	if err != nil {
		t.Fatal(err)
	}
	address = strings.TrimPrefix(s.Environ()[0], "NOTIFY_SOCKET=")
	messages = make(chan Message, 100)
	ended := make(chan error, 1)
	go func() { ended <- s.Run(context.Background(), func(m Message) { messages <- m }) }()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return s, address, messages
}

// notify sends, or fails the test.
func notify(t *testing.T, address string, lines ...string) {
	t.Helper()
	if err := Send(address, lines...); err != nil {
		t.Fatal(err)
	}
}

// barrier returns once everything sent before has been handled, as
// sd_notify_barrier does. It sends files descriptors along.
func barrier(t *testing.T, address, text string, files int) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	fds := make([]int, files)
	for i := range fds {
		fds[i] = int(write.Fd())
	}
	to, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	err = unix.Sendmsg(to, []byte(text), unix.UnixRights(fds...), &unix.SockaddrUnix{Name: address}, 0)
	_ = unix.Close(to)
	_ = write.Close()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := read.Read(make([]byte, 1)); err != io.EOF {
		t.Fatalf("the barrier ends with %v", err)
	}
}

func TestMessagesComeInOrderAndWithCredentials(t *testing.T) {
	dir := shortDir(t)
	for name, options := range map[string]Options{
		"abstract":        {Owns: everybody},
		"file":            {Owns: everybody, Dirs: []string{dir}},
		"no usable place": {Owns: everybody, Dirs: []string{"/proc", filepath.Join(dir, strings.Repeat("x", 108))}},
		"second place":    {Owns: everybody, Dirs: []string{"/proc", dir}},
	} {
		t.Run(name, func(t *testing.T) {
			_, address, messages := receiver(t, options)
			notify(t, address, "READY=1", "STATUS=a\nSTOPPING=1")
			notify(t, address)
			notify(t, address, "WATCHDOG=1")
			first, second, third := <-messages, <-messages, <-messages
			if !first.Ready || first.Stopping || *first.Status != "a STOPPING=1" || first.Sender != os.Getpid() {
				t.Errorf("the first message is %+v", first)
			}
			if second != (Message{Sender: os.Getpid()}) || third != (Message{KeepAlive: true, Sender: os.Getpid()}) {
				t.Errorf("the others are %+v and %+v", second, third)
			}
			if wants := strings.HasPrefix(name, "file") || strings.HasPrefix(name, "second"); wants != strings.HasPrefix(address, dir) {
				t.Errorf("the address is %s", address)
			}
		})
	}
	if left, _ := filepath.Glob(dir + "/*"); len(left) > 0 {
		t.Errorf("%q are left", left)
	}
}

func TestEnvironWithWatchdog(t *testing.T) {
	s, err := Listen(Options{Owns: everybody, Watchdog: 30 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	environ := s.Environ()
	if len(environ) != 2 || !strings.HasPrefix(environ[0], "NOTIFY_SOCKET=@gorun-notify-") || environ[1] != "WATCHDOG_USEC=30000000" {
		t.Errorf("the environment is %q", environ)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	s, err := Listen(Options{Owns: everybody})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx, func(Message) {}) }()
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestBarrierWaitsForWhatCameBefore(t *testing.T) {
	_, address, messages := receiver(t, Options{Owns: everybody})
	for i := range 20 {
		notify(t, address, fmt.Sprintf("STATUS=%d", i))
	}
	barrier(t, address, "BARRIER=1", 1)
	if len(messages) != 20 {
		t.Errorf("%d messages were handed out before the barrier ended, want 20, and no more", len(messages))
	}
}

func TestDescriptorsDoNotLeak(t *testing.T) {
	_, address, messages := receiver(t, Options{Owns: everybody})
	refusing, refused, _ := receiver(t, Options{Owns: nobody})
	for _, to := range []string{address, refused} {
		barrier(t, to, "FDSTORE=1\nFDNAME=x", maxFiles) // ends when the last one is closed
		barrier(t, to, strings.Repeat("x", maxDatagram+1), 3)
		barrier(t, to, "a\x00b", 2)
	}
	if len(messages) != 1 || refusing.refused.Load() != 3 {
		t.Errorf("%d handed out and %d refused, want 1 and 3", len(messages), refusing.refused.Load())
	}
}

func TestSecondProcessOfTheSameUserIsRefusedWhileItLives(t *testing.T) {
	var log bytes.Buffer
	s, address, messages := receiver(t, Options{Owns: nobody, Log: slog.New(slog.NewTextHandler(&log, nil))})
	for range 10 {
		notify(t, address, "READY=1")
	}
	barrier(t, address, "BARRIER=1", 1) // refused too, and yet closed
	if len(messages) != 0 || s.refused.Load() != 11 {
		t.Errorf("%d handed out and %d refused, want 0 and 11", len(messages), s.refused.Load())
	}
	if lines := strings.Count(log.String(), "\n"); lines != 1 || !strings.Contains(log.String(), "not in the worker's process tree") {
		t.Errorf("%d lines are logged: %s", lines, log.String())
	}
}

// shortDir is for a socket: its whole path has 107 bytes, see unix(7).
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "n") //nolint:usetesting // t.TempDir contains the long name of the test
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
