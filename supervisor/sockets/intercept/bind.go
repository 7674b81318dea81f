package intercept

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"gorun/supervisor/sockets"
)

// request is a bind(2) with its arguments.
type request struct {
	call       call
	descriptor int
	socket     socket
	address    sockets.Address
	reusePort  bool
}

// bind answers bind(2). A signal can make the caller ask again, also after the
// socket was replaced: then the answer is the same.
func (s *server) bind(asked call, descriptor int) answer {
	r, err := s.read(asked, descriptor)
	if err != nil || !s.channel.waits(asked.ID) || !s.wants(r.address) || s.private(r) {
		return proceed()
	}
	if placed, again := s.placed[r.socket.inode]; again { // interrupted by a signal
		if placed.address == r.address {
			return answer{}
		}
		return proceed() // EINVAL: it is bound
	}
	if s.Observe || !bindable(r.address) {
		s.recordBind(r)
		return proceed()
	}
	if s.occupied(r) {
		return refuse(unix.EADDRINUSE)
	}
	return s.share(r)
}

// private reports whether the address is the caller's own.
func (s *server) private(r request) bool {
	if s.Private == nil {
		return false
	}
	var p Process
	err := s.withRights(func() (err error) {
		p, err = callerOf(r.call.TID).process()
		return err
	})
	return err == nil && s.channel.waits(r.call.ID) && s.Private(p, r.address)
}

// read reads the arguments of bind(2). An error means that there is nothing to share.
func (s *server) read(asked call, descriptor int) (request, error) {
	r := request{call: asked, descriptor: descriptor}
	length := int32(asked.Data.Args[2])
	if length < 0 || length > maxSockaddr {
		return r, unix.EINVAL
	}
	raw := make([]byte, length)
	from := callerOf(asked.TID)
	err := s.withRights(func() (err error) {
		if r.socket, err = from.socket(descriptor); err != nil {
			return err
		}
		if err := from.memory(asked.Data.Args[1], raw); err != nil {
			return err
		}
		return from.sharesNetwork()
	})
	if err != nil {
		return r, err
	}
	of, known := protocols[r.socket.protocol]
	if !known {
		return r, unix.EPROTONOSUPPORT
	}
	address, ok := parse(raw, of)
	if !ok {
		return r, unix.EADDRNOTAVAIL
	}
	state := s.states.of(r.socket.inode, s.v6Only)
	address.V6Only = of.family == unix.AF_INET6 && state.v6Only
	if address.Kind == sockets.Unix {
		path := address.Path
		err = s.withRights(func() (err error) {
			address.Path, err = from.absolute(path)
			return err
		})
	}
	r.address, r.reusePort = address, state.reusePort
	return r, err
}

// bindable reports whether gorun could bind a path: it needs the absolute path, and
// struct sockaddr_un has room for 107 bytes and a NUL.
func bindable(address sockets.Address) bool {
	var name unix.RawSockaddrUnix
	return len(address.Path) < len(name.Path)
}

// recordBind records the address of a socket that the kernel binds.
func (s *server) recordBind(r request) {
	state := s.states.of(r.socket.inode, s.v6Only)
	state.address, state.bound = r.address, true
	s.states.put(r.socket.inode, state)
	if r.address.Kind == sockets.UDP {
		s.report(r.address)
	}
}

// occupied reports whether the tree itself uses the address: without gorun the program
// would get EADDRINUSE. A member that was closed, or whose process has ended, is free
// again. Where both sockets have SO_REUSEPORT, the same member serves both: the
// program's own processes share one accept queue.
func (s *server) occupied(r request) bool {
	for inode, placed := range s.placed {
		both := placed.reusePort && r.reusePort
		if overlap(placed.address, r.address) && !both && s.inUse(inode, r.call.TID) {
			return true
		}
	}
	return false
}

// inUse reports whether the caller's process or any other of the tree has a member
// open.
func (s *server) inUse(inode uint64, tid uint32) bool {
	processes := []int{int(tid)}
	if s.Tree != nil {
		processes = append(processes, s.Tree()...)
	}
	for _, pid := range processes {
		var holds bool
		err := s.withRights(func() (err error) {
			holds, err = callerOf(uint32(pid)).holds(inode)
			return err
		})
		if err == nil && holds {
			return true
		}
	}
	return false
}

// share puts the worker's member in place of the caller's socket.
func (s *server) share(r request) answer {
	member, err := s.acquire(r.address)
	if err != nil {
		s.Log.Warn("address cannot be shared", "address", r.address.String(), "err", err)
		return refuse(err)
	}
	inode, err := inodeOf(member)
	if err != nil {
		return refuse(err)
	}
	// Before the caller can use it: the mode belongs to the socket, not to the descriptor.
	if err := unix.SetNonblock(member.Descriptor(), r.socket.nonblock); err != nil {
		return refuse(fmt.Errorf("set blocking mode: %w", err))
	}
	s.placed[inode] = placement{member: member, address: r.address, reusePort: r.reusePort}
	err = s.channel.place(r.call.ID, member.Descriptor(), r.descriptor, r.socket.cloexec)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ESRCH) { // gone, or interrupted and about to ask again
		return proceed()
	}
	if err != nil {
		s.Log.Error("cannot pass a socket to the program", "address", r.address.String(), "err", err)
		return refuse(err)
	}
	if r.address.Kind == sockets.UDP {
		s.report(r.address)
	}
	return answer{}
}

// acquire acquires the member. A path is bound with the workers' rights: gorun as root
// must not create files where the workers could not.
func (s *server) acquire(address sockets.Address) (member *sockets.Member, err error) {
	if s.User == nil || address.Kind != sockets.Unix || int(s.User.Uid) == unix.Geteuid() {
		return s.Share(address)
	}
	err = as(s.User, func() error {
		member, err = s.Share(address)
		return err
	})
	return member, err
}

// inodeOf returns the inode that identifies a member among the sockets of the tree.
func inodeOf(member *sockets.Member) (uint64, error) {
	var stat unix.Stat_t
	if err := unix.Fstat(member.Descriptor(), &stat); err != nil {
		return 0, fmt.Errorf("stat member: %w", err)
	}
	return stat.Ino, nil
}

// listen makes the member listen before the program does, so that the group knows the
// order. The program's own listen(2) sets the backlog.
func (s *server) listen(ctx context.Context, asked call, descriptor int) answer {
	var inode uint64
	err := s.withRights(func() (err error) {
		inode, err = callerOf(asked.TID).inode(descriptor)
		return err
	})
	if err != nil || !s.channel.waits(asked.ID) {
		return proceed()
	}
	if placed, shared := s.placed[inode]; shared {
		return s.listenOn(placed, inode, int(int32(asked.Data.Args[1])))
	}
	if state := s.states.of(inode, s.v6Only); state.bound {
		s.confirm(ctx, asked.TID, inode, state.address)
	}
	return proceed()
}

func (s *server) listenOn(placed placement, inode uint64, backlog int) answer {
	if now, err := inodeOf(placed.member); err != nil || now != inode {
		return proceed() // the group has removed the member: its descriptor may have been reused
	}
	if err := placed.member.Listen(backlog); err != nil {
		s.Log.Warn("cannot listen", "address", placed.address.String(), "err", err)
		return refuse(err)
	}
	s.report(placed.address)
	return proceed()
}
