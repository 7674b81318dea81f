package intercept

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// victim does what it is told, prints an outcome for each step, and serves
// until its standard input ends.
func victim(text string) int {
	var wishes []wish
	if err := json.Unmarshal([]byte(text), &wishes); err != nil {
		return 99
	}
	signal.Notify(make(chan os.Signal, 100), unix.SIGUSR1)
	var sockets []int
	for _, w := range wishes {
		for range max(1, w.Times) {
			for _, o := range w.fulfil(&sockets) {
				line, _ := json.Marshal(o)
				os.Stdout.Write(append(line, '\n'))
			}
		}
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

func (w wish) fulfil(open *[]int) []outcome {
	switch w.Do {
	case "net":
		return []outcome{w.listen()}
	case "close":
		for _, fd := range *open {
			unix.Close(fd)
		}
		*open = nil
		return []outcome{{}}
	case "bad":
		return bad()
	case "child":
		return w.child()
	case "threads":
		return w.threads()
	case "rebind":
		_, o := w.bindOn((*open)[len(*open)-1])
		return []outcome{o}
	}
	fd, o := w.bind()
	*open = append(*open, fd)
	return []outcome{o}
}

func failed(err error) outcome {
	var errno unix.Errno
	errors.As(err, &errno)
	return outcome{Errno: int(errno), Text: fmt.Sprint(err)}
}

func (w wish) bind() (int, outcome) {
	fd, err := unix.Socket(w.Family, w.Kind, 0)
	if err != nil {
		return fd, failed(err)
	}
	if w.V6Only != nil {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, *w.V6Only); err != nil {
			return fd, failed(err)
		}
	}
	if w.Reuse {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
			return fd, failed(err)
		}
	}
	return w.bindOn(fd)
}

func (w wish) bindOn(fd int) (int, outcome) {
	var at unix.Sockaddr
	switch w.Family {
	case unix.AF_UNIX:
		at = &unix.SockaddrUnix{Name: w.Path}
	case unix.AF_INET:
		at = &unix.SockaddrInet4{Port: w.Port, Addr: netip.MustParseAddr(w.IP).As4()}
	case unix.AF_INET6:
		at = &unix.SockaddrInet6{Port: w.Port, Addr: netip.MustParseAddr(w.IP).As16()}
	}
	if err := unix.Bind(fd, at); err != nil {
		return fd, failed(err)
	}
	if stream := w.Kind&0xf == unix.SOCK_STREAM; stream && !w.Mute {
		if err := unix.Listen(fd, max(w.Backlog, 10)); err != nil {
			return fd, failed(err)
		}
		go accept(fd)
	} else if !stream {
		go echo(fd)
	}
	return fd, look(fd)
}

func look(fd int) outcome {
	o := outcome{}
	flags, _ := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	o.Nonblock = flags&unix.O_NONBLOCK != 0
	flags, _ = unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	o.Cloexec = flags&unix.FD_CLOEXEC != 0
	o.V6Only, _ = unix.GetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY)
	var stat unix.Stat_t
	_ = unix.Fstat(fd, &stat)
	o.Inode = stat.Ino
	at, _ := unix.Getsockname(fd)
	switch at := at.(type) {
	case *unix.SockaddrInet4:
		o.Name = netip.AddrPortFrom(netip.AddrFrom4(at.Addr), uint16(at.Port)).String()
	case *unix.SockaddrInet6:
		o.Name = netip.AddrPortFrom(netip.AddrFrom16(at.Addr), uint16(at.Port)).String()
	case *unix.SockaddrUnix:
		o.Name = at.Name
	}
	return o
}

func accept(fd int) {
	for {
		conn, _, err := unix.Accept(fd)
		if errors.Is(err, unix.EAGAIN) {
			_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, -1)
			continue
		}
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return
		}
		_, _ = unix.Write(conn, []byte(strconv.Itoa(os.Getpid())))
		unix.Close(conn)
	}
}

func echo(fd int) {
	buffer := make([]byte, 100)
	for {
		_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, -1)
		n, from, err := unix.Recvfrom(fd, buffer, 0)
		if err == nil {
			_ = unix.Sendto(fd, buffer[:n], 0, from)
		} else if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// listen is what Go programs do: MPTCP, from a socket that is not blocking.
func (w wish) listen() outcome {
	l, err := net.Listen("tcp", net.JoinHostPort(w.IP, strconv.Itoa(w.Port)))
	if err != nil {
		return failed(err)
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(conn, os.Getpid())
			conn.Close()
		}
	}()
	var o outcome
	if listener, ok := l.(*net.TCPListener); ok {
		raw, _ := listener.SyscallConn()
		_ = raw.Control(func(fd uintptr) { o = look(int(fd)) })
	}
	return o
}

// bad calls bind(2) in ways that the kernel refuses.
func bad() []outcome {
	fd, _ := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	pages, _ := unix.Mmap(-1, 0, 2*os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	_ = unix.Mprotect(pages[os.Getpagesize():], unix.PROT_NONE)
	end := uintptr(unsafe.Pointer(&pages[os.Getpagesize()-8]))
	good := unix.RawSockaddrInet4{Family: unix.AF_INET, Port: 0x5c11}
	at := uintptr(unsafe.Pointer(&good))
	file, _ := os.Open("/dev/null")
	var all []outcome
	for _, args := range [][3]uintptr{
		{uintptr(fd), 0, 16},
		{uintptr(fd), 1, 16},
		{uintptr(fd), ^uintptr(0) - 100, 16},
		{uintptr(fd), end, 16},
		{uintptr(fd), at, ^uintptr(0)},
		{uintptr(fd), at, 129},
		{uintptr(fd), at, 1},
		{999, at, 16},
		{file.Fd(), at, 16},
	} {
		_, _, errno := unix.Syscall(unix.SYS_BIND, args[0], args[1], args[2])
		all = append(all, outcome{Errno: int(errno)})
	}
	runtime.KeepAlive(&good)
	return all
}

// child runs another victim, which shares standard input and output: who of the
// two would speak first is open.
func (w wish) child() []outcome {
	env := []string{victimVariable + "=" + w.Argv[0]}
	path, _ := os.Executable()
	_, err := syscall.ForkExec(path, []string{path}, &syscall.ProcAttr{Env: env, Files: []uintptr{0, 1, 2}})
	if err != nil {
		return []outcome{failed(err)}
	}
	return nil
}

// threads binds many ports at the same time, each on a thread of its own.
func (w wish) threads() []outcome {
	all := make([]outcome, len(w.Ports))
	begin := make(chan struct{})
	var ready, done sync.WaitGroup
	for i, port := range w.Ports {
		ready.Add(1)
		done.Go(func() {
			runtime.LockOSThread()
			ready.Done()
			<-begin
			at := w
			at.Port = port
			_, all[i] = at.bind()
		})
	}
	ready.Wait()
	close(begin)
	done.Wait()
	return all
}
