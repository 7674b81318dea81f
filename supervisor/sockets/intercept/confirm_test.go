package intercept

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gorun/supervisor/sockets"
)

// The address was reported before the kernel listened: clients that connected then
// were refused.
func TestAnAddressIsConfirmedWhenItsSocketListens(t *testing.T) {
	for name, family := range map[string]int{"IPv4": unix.AF_INET, "IPv6": unix.AF_INET6} {
		t.Run(name, func(t *testing.T) {
			fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				t.Skipf("no %s: %v", name, err)
			}
			defer unix.Close(fd)
			var any4 unix.Sockaddr = &unix.SockaddrInet4{}
			if family == unix.AF_INET6 {
				any4 = &unix.SockaddrInet6{}
			}
			if err := unix.Bind(fd, any4); err != nil {
				t.Skipf("bind: %v", err)
			}
			var stat unix.Stat_t
			if err := unix.Fstat(fd, &stat); err != nil {
				t.Fatal(err)
			}
			reported := make(chan sockets.Address, 2)
			s := &server{Options: Options{Listening: func(a sockets.Address) { reported <- a }}, reported: map[sockets.Address]bool{}}
			address := sockets.Address{Kind: sockets.TCP, Port: 1}
			s.confirm(t.Context(), uint32(unix.Gettid()), stat.Ino, address)
			select {
			case <-reported:
				t.Error("reported before it listens")
			case <-time.After(100 * time.Millisecond):
			}
			if err := unix.Listen(fd, 1); err != nil {
				t.Fatal(err)
			}
			if got := <-reported; got != address {
				t.Errorf("reported %v", got)
			}
			s.confirming.Wait()
			s.confirm(t.Context(), uint32(unix.Gettid()), stat.Ino, address)
			if s.confirming.Wait(); len(reported) > 0 {
				t.Error("reported twice")
			}
		})
	}
}

func TestASocketThatCannotBeInspectedIsReported(t *testing.T) {
	reported := make(chan sockets.Address, 1)
	s := &server{Options: Options{Listening: func(a sockets.Address) { reported <- a }}, reported: map[sockets.Address]bool{}}
	const noThread = 1<<31 - 1
	s.confirm(t.Context(), noThread, 1, sockets.Address{Kind: sockets.TCP, Port: 1})
	<-reported
}
