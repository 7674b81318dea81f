package sockets

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Sizes and offsets of linux/inet_diag.h and linux/netlink.h.
const (
	requestSize = unix.NLMSG_HDRLEN + 56 // struct inet_diag_req_v2
	socketSize  = 72                     // struct inet_diag_msg
	diagInfo    = 2                      // INET_DIAG_INFO: a struct tcp_info
)

// infoSize is what must be there of tcp_info: since Linux 4.6, all that is used.
const infoSize = int(unsafe.Offsetof(unix.TCPInfo{}.Delivery_rate))

// served are the states in which a process may still read or write. In the
// other ones both sides have closed, and what is left is the kernel's.
const served = 1<<unix.BPF_TCP_ESTABLISHED | 1<<unix.BPF_TCP_FIN_WAIT1 |
	1<<unix.BPF_TCP_FIN_WAIT2 | 1<<unix.BPF_TCP_CLOSE_WAIT

// part is one port of the kernel's tables. The IPv6 one has the dual-stack
// sockets too, with IPv4 clients.
type part struct {
	family uint8
	port   uint16
}

// errMessage: a kernel would not send that.
var errMessage = errors.New("malformed message")

// reply collects what the kernel says.
type reply struct {
	inodes    map[uint64]bool
	addresses []netip.Addr
	found     []Connection
	complete  bool
}

// fetch asks the kernel for one part (sock_diag(7)). It skips other ports itself,
// before it looks closer at a socket (inet_diag_dump_icsk in
// net/ipv4/inet_diag.c). Where the module tcp_diag is missing: ENOENT.
func (r *reply) fetch(of part) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	defer unix.Close(fd)
	if err := unix.Sendto(fd, of.request(), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("ask: %w", err)
	}
	buffer := make([]byte, 32<<10) // the most that the kernel sends at a time (netlink_recvmsg in net/netlink/af_netlink.c)
	for r.complete = false; !r.complete; {
		n, err := unix.Read(fd, buffer)
		if err != nil {
			return err
		}
		if err := r.parse(buffer[:n]); err != nil {
			return err
		}
	}
	return nil
}

// request is a netlink message with a struct inet_diag_req_v2.
func (of part) request() []byte {
	native := binary.NativeEndian
	m := make([]byte, requestSize)
	native.PutUint32(m, requestSize)
	native.PutUint16(m[4:], unix.SOCK_DIAG_BY_FAMILY)
	native.PutUint16(m[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	m[16], m[17], m[18] = of.family, unix.IPPROTO_TCP, 1<<(diagInfo-1)
	native.PutUint32(m[20:], served)
	binary.BigEndian.PutUint16(m[24:], of.port)
	return m
}

// parse reads netlink messages.
func (r *reply) parse(messages []byte) error {
	for len(messages) > 0 && !r.complete {
		m, rest, err := nextMessage(messages)
		if err != nil {
			return err
		}
		switch m.kind {
		case unix.NLMSG_DONE, unix.NLMSG_ERROR:
			r.complete = true
			return failure(m.payload)
		case unix.SOCK_DIAG_BY_FAMILY:
			if err := r.add(m.payload); err != nil {
				return err
			}
		}
		messages = rest
	}
	return nil
}

// message is one of netlink's.
type message struct {
	kind    uint16
	payload []byte
}

func nextMessage(b []byte) (m message, rest []byte, err error) {
	if len(b) < unix.NLMSG_HDRLEN {
		return m, nil, errMessage
	}
	size := uint64(binary.NativeEndian.Uint32(b))
	if size < unix.NLMSG_HDRLEN || size > uint64(len(b)) {
		return m, nil, errMessage
	}
	m = message{binary.NativeEndian.Uint16(b[4:]), b[unix.NLMSG_HDRLEN:size]}
	return m, b[aligned(size, len(b)):], nil
}

// aligned is where the next thing begins: netlink aligns all to 4 bytes.
func aligned(size uint64, limit int) int {
	return int(min((size+3)&^3, uint64(limit)))
}

// failure reads the number that the last message begins with: an error's is
// below zero.
func failure(payload []byte) error {
	if len(payload) < 4 {
		return errMessage
	}
	if code := int32(binary.NativeEndian.Uint32(payload)); code < 0 {
		return unix.Errno(-int64(code))
	}
	return nil
}

// add reads one struct inet_diag_msg, and its attributes where the socket is wanted.
func (r *reply) add(b []byte) error {
	if len(b) < socketSize {
		return errMessage
	}
	inode := uint64(binary.NativeEndian.Uint32(b[68:])) // 0: no process has it open any more, or yet
	if inode == 0 || !r.inodes[inode] {
		return nil
	}
	family, state := b[0], b[1]
	local := ipOf(family, b[8:24])
	if !covered(r.addresses, local) {
		return nil
	}
	info, err := infoOf(b[socketSize:])
	if err != nil {
		return err
	}
	r.found = append(r.found, Connection{
		Inode:  inode,
		Local:  netip.AddrPortFrom(local, binary.BigEndian.Uint16(b[4:])),
		Remote: netip.AddrPortFrom(ipOf(family, b[24:40]), binary.BigEndian.Uint16(b[6:])),
		Idle:   time.Duration(min(info.Last_data_sent, info.Last_data_recv)) * time.Millisecond,
		Unread: unread(state, binary.NativeEndian.Uint32(b[56:])),
		Unsent: int(binary.NativeEndian.Uint32(b[60:])),
		Last:   last(state, &info),
	})
	return nil
}

// unread leaves out the client's FIN, which counts as a byte until the process
// has read so far (tcp_inq in include/net/tcp.h): it may never do so.
func unread(state uint8, queue uint32) int {
	if state == unix.BPF_TCP_CLOSE_WAIT && queue > 0 {
		queue--
	}
	return int(queue)
}

func ipOf(family uint8, b []byte) netip.Addr {
	if family == unix.AF_INET {
		return netip.AddrFrom4([4]byte(b))
	}
	return netip.AddrFrom16([16]byte(b)).Unmap()
}

// infoOf finds the tcp_info among the attributes: its length and kind come first.
func infoOf(attributes []byte) (info unix.TCPInfo, err error) {
	for len(attributes) >= unix.SizeofRtAttr {
		size := uint64(binary.NativeEndian.Uint16(attributes))
		kind := binary.NativeEndian.Uint16(attributes[2:])
		if size < unix.SizeofRtAttr || size > uint64(len(attributes)) {
			return info, errMessage
		}
		value := attributes[unix.SizeofRtAttr:size]
		if kind == diagInfo && len(value) >= infoSize {
			copy(unsafe.Slice((*byte)(unsafe.Pointer(&info)), unsafe.Sizeof(info)), value)
			return info, nil
		}
		attributes = attributes[aligned(size, len(attributes)):]
	}
	return info, fmt.Errorf("%w: no tcp_info", errMessage)
}
