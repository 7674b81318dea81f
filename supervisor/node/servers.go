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

// maxTaken is how many different addresses one run of a worker may have.
const maxTaken = 1024

// socket is a *sockets.Member.
type socket interface {
	Descriptor() int
	Address() sockets.Address
	Listen(backlog int) error
}

// servers are what one worker listens on.
type servers struct {
	share func(sockets.Address) (socket, error)
	open  map[string]sockets.Address          // by Node's key
	taken map[sockets.Address]sockets.Address // ever, by wish: what it got, without Key
}

// take returns a descriptor of the socket that a worker asks for: listening,
// a duplicate, the caller's. The error is or carries a unix.Errno.
func (s *servers) take(q query) (int, error) {
	var last error
	for _, wish := range q.wishes {
		fd, err := s.takeOne(q, wish)
		if err == nil || errors.Is(err, unix.EADDRINUSE) {
			return fd, err // Node tries no other address than one in use
		}
		last = err
	}
	return none, last
}

func (s *servers) takeOne(q query, wish sockets.Address) (int, error) {
	wish, err := numericZone(wish)
	if err != nil {
		return none, err
	}
	if s.usedBesides(q.key, wish) {
		return none, unix.EADDRINUSE // as it would be without a cluster
	}
	wish = s.first(wish)
	if _, known := s.taken[wish]; !known && len(s.taken) >= maxTaken {
		return none, unix.EMFILE
	}
	member, err := s.share(wish)
	if err != nil {
		return none, err
	}
	s.taken[wish] = plain(member.Address())
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

// usedBesides tells whether another server of the worker has the address. For
// port 0 no two are the same.
func (s *servers) usedBesides(key string, wish sockets.Address) bool {
	for other, address := range s.open {
		if other != key && plain(address) == plain(wish) {
			return true
		}
	}
	return false
}

// first returns the wish that has got an address before: an app may look for a
// free port with port 0, and then name that port.
func (s *servers) first(wish sockets.Address) sockets.Address {
	for earlier, address := range s.taken {
		if address == wish {
			return earlier
		}
	}
	return wish
}

// plain returns an address without what tells ports 0 apart.
func plain(a sockets.Address) sockets.Address {
	a.Key = ""
	return a
}

// listening returns the address of a server that listens. The worker names the
// port that it has got: it may have asked for 0, or not named any.
func (s *servers) listening(f fields) (sockets.Address, bool) {
	asked := maps.Clone(f)
	asked["port"] = []byte("0")
	unnamed := maps.Clone(f)
	delete(unnamed, "port")
	for _, wish := range []fields{f, asked, unnamed} {
		if address, found := s.open[wish.key()]; found {
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
		return permit(address.Path, q.mode)
	}
	return nil
}

// duplicate returns another descriptor of a socket, not blocking: Node 16 and
// 18 would hang in accept(2), and all who have the socket share the mode.
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

// permit adds to the mode of a socket's file, and of nothing that a worker may
// have put in its place: gorun may have more rights than the worker.
func permit(path string, add os.FileMode) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	defer unix.Close(fd)
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return fmt.Errorf("look at %s: %w", path, err)
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

// errnoOf returns an error as Node wants it: negative.
func errnoOf(err error) int {
	var errno unix.Errno
	if !errors.As(err, &errno) || errno == 0 {
		errno = unix.EINVAL
	}
	return -int(errno)
}
