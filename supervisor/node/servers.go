package node

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"gorun/supervisor/sockets"
)

const (
	maxGranted = 1024    // different addresses that one run of a worker may have
	maxOpen    = 1 << 16 // sockets that it may have open, UDP clients included
)

// socket is a *sockets.Member.
type socket interface {
	Descriptor() int
	Address() sockets.Address
	Listen(backlog int) error
}

// servers are the servers of one worker.
type servers struct {
	share   func(sockets.Address) (socket, error)
	open    map[string]sockets.Address          // by Node's key
	granted map[sockets.Address]sockets.Address // requested address → bound address, without Key; never shrinks
}

// acquire returns a listening socket for a worker's request: a duplicate descriptor,
// which the caller owns. The error is or carries a unix.Errno.
func (s *servers) acquire(q query) (int, error) {
	var last error
	for _, address := range q.candidates {
		fd, err := s.acquireOne(q, address)
		if err == nil || errors.Is(err, unix.EADDRINUSE) {
			return fd, err // Node tries no other address than one in use
		}
		last = err
	}
	return none, last
}

func (s *servers) acquireOne(q query, address sockets.Address) (int, error) {
	address, err := numericZone(address)
	if err != nil {
		return none, err
	}
	if IsClient(address) {
		return s.openOwn(q.key, address)
	}
	if s.usedByOther(q.key, address) {
		return none, unix.EADDRINUSE // as without a cluster
	}
	address = s.requested(address)
	if _, known := s.granted[address]; !known && len(s.granted) >= maxGranted {
		return none, unix.EMFILE
	}
	member, err := s.share(address)
	if err != nil {
		return none, err
	}
	s.granted[address] = withoutKey(member.Address())
	if err := listen(member, q); err != nil {
		return none, err
	}
	fd, err := duplicate(member.Descriptor())
	if err != nil {
		return none, err
	}
	s.open[q.key] = member.Address()
	return fd, nil
}

// IsClient reports whether a socket is a UDP client's: one that was bound to any free port.
// Shared, as Node's own primary shares it, its answers would go to any worker.
func IsClient(a sockets.Address) bool { return a.Kind == sockets.UDP && a.Key != "" }

// openOwn returns a socket that no other worker gets.
func (s *servers) openOwn(key string, address sockets.Address) (int, error) {
	if len(s.open) >= maxOpen {
		return none, unix.EMFILE
	}
	fd, port, err := sockets.Own(address)
	if err != nil {
		return none, err //nolint:wrapcheck // the kernel's word is passed on to the program
	}
	address.Port = port
	s.open[key] = address
	return fd, nil
}

// serves reports whether a server is left, and not only clients.
func (s *servers) serves() bool {
	for _, address := range s.open {
		if !IsClient(address) {
			return true
		}
	}
	return false
}

// usedByOther reports whether another server of the worker has the address. For
// port 0 no two are the same.
func (s *servers) usedByOther(key string, address sockets.Address) bool {
	for other, open := range s.open {
		if other != key && withoutKey(open) == withoutKey(address) {
			return true
		}
	}
	return false
}

// requested returns the request that an address was granted for: an app may look for
// a free port with port 0, and then name that port.
func (s *servers) requested(address sockets.Address) sockets.Address {
	for request, granted := range s.granted {
		if granted == address {
			return request
		}
	}
	return address
}

// withoutKey returns an address without the key that distinguishes addresses with port 0.
func withoutKey(a sockets.Address) sockets.Address {
	a.Key = ""
	return a
}

// listening returns the address of a server that listens. The worker names the
// bound port: its request may have named 0, or none.
func (s *servers) listening(f fields) (sockets.Address, bool) {
	asked := maps.Clone(f)
	asked["port"] = []byte("0")
	unnamed := maps.Clone(f)
	delete(unnamed, "port")
	for _, request := range []fields{f, asked, unnamed} {
		if address, found := s.open[request.key()]; found {
			return address, true
		}
	}
	return sockets.Address{}, false
}

// listen makes a member listen, and lets others use its path.
func listen(member socket, q query) error {
	address := member.Address()
	if address.Kind == sockets.UDP {
		return nil
	}
	if err := member.Listen(q.backlog); err != nil {
		return err
	}
	if address.Kind == sockets.Unix && q.mode != 0 && address.Path[0] != 0 {
		return addMode(address.Path, q.mode)
	}
	return nil
}

// duplicate returns another descriptor of a socket, non-blocking: Node 16 and 18
// would hang in accept(2), and all processes with the socket share the mode.
func duplicate(fd int) (int, error) {
	twin, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return none, fmt.Errorf("duplicate a socket: %w", err)
	}
	if err := unix.SetNonblock(twin, true); err != nil {
		return none, errors.Join(fmt.Errorf("duplicate a socket: %w", err), unix.Close(twin))
	}
	return twin, nil
}

// addMode adds to the mode of a socket's file, and to no other file that a worker may
// have put in its place: gorun may have more rights than the worker.
func addMode(path string, add os.FileMode) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	defer unix.Close(fd)
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return fmt.Errorf("stat %s: %w", path, err)
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return fmt.Errorf("chmod %s: %w", path, unix.ENOTSOCK)
	}
	if err := unix.Chmod("/proc/self/fd/"+strconv.Itoa(fd), stat.Mode&0o7777|uint32(add)); err != nil {
		return fmt.Errorf("chmod %s: %w", path, err)
	}
	return nil
}

// numericZone turns the zone of a link-local IP into a number, as package
// sockets wants it.
func numericZone(a sockets.Address) (sockets.Address, error) {
	zone := a.IP.Zone()
	if _, err := strconv.Atoi(zone); zone == "" || err == nil {
		return a, nil
	}
	link, err := net.InterfaceByName(zone)
	if err != nil {
		return a, fmt.Errorf("find interface %s: %w", zone, errors.Join(err, unix.EINVAL))
	}
	a.IP = a.IP.WithZone(strconv.Itoa(link.Index))
	return a, nil
}

// errnoOf returns an error as Node expects it: negative.
func errnoOf(err error) int {
	var errno unix.Errno
	if !errors.As(err, &errno) || errno == 0 {
		errno = unix.EINVAL
	}
	return -int(errno)
}
