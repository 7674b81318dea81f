package sockets

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
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

// infoSize is the least size of tcp_info with all fields used here: Linux 4.6 and later.
const infoSize = int(unsafe.Offsetof(unix.TCPInfo{}.Delivery_rate))

// openStates are the states in which a process may still read or write. In the
// other ones both sides have closed, and the rest is the kernel's.
const openStates = 1<<unix.BPF_TCP_ESTABLISHED | 1<<unix.BPF_TCP_FIN_WAIT1 |
	1<<unix.BPF_TCP_FIN_WAIT2 | 1<<unix.BPF_TCP_CLOSE_WAIT

// portQuery selects TCP sockets of the kernel's tables by their local port. The IPv6
// table has the dual-stack sockets too, with IPv4 clients.
type portQuery struct {
	family     uint8
	port       uint16
	states     uint32 // bits by state
	attributes uint8  // bits by attribute to return
}

// errMessage: a kernel would not send that.
var errMessage = errors.New("malformed message")

// dump asks the kernel (sock_diag(7)) and calls add for each socket, with a struct
// inet_diag_msg and its attributes. The kernel skips other ports itself, before it
// looks closer at a socket (inet_diag_dump_icsk in net/ipv4/inet_diag.c). Without the
// kernel module tcp_diag the error is ENOENT.
func (q portQuery) dump(add func([]byte) error) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	defer unix.Close(fd)
	if err := unix.Sendto(fd, q.request(), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("ask: %w", err)
	}
	buffer := make([]byte, 32<<10) // the most that the kernel sends at a time (netlink_recvmsg in net/netlink/af_netlink.c)
	for complete := false; !complete; {
		n, err := unix.Read(fd, buffer)
		if err != nil {
			return err
		}
		if complete, err = parseDump(buffer[:n], add); err != nil {
			return err
		}
	}
	return nil
}

// request is a netlink message with a struct inet_diag_req_v2.
func (q portQuery) request() []byte {
	native := binary.NativeEndian
	m := make([]byte, requestSize)
	native.PutUint32(m, requestSize)
	native.PutUint16(m[4:], unix.SOCK_DIAG_BY_FAMILY)
	native.PutUint16(m[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	m[16], m[17], m[18] = q.family, unix.IPPROTO_TCP, q.attributes
	native.PutUint32(m[20:], q.states)
	binary.BigEndian.PutUint16(m[24:], q.port)
	return m
}

// parseDump reads netlink messages, and reports whether the last one was among them.
func parseDump(messages []byte, add func([]byte) error) (complete bool, err error) {
	for len(messages) > 0 {
		m, rest, err := nextMessage(messages)
		if err != nil {
			return false, err
		}
		switch m.kind {
		case unix.NLMSG_DONE, unix.NLMSG_ERROR:
			return true, failure(m.payload)
		case unix.SOCK_DIAG_BY_FAMILY:
			if len(m.payload) < socketSize {
				return false, errMessage
			}
			if err := add(m.payload); err != nil {
				return false, err
			}
		}
		messages = rest
	}
	return false, nil
}

// message is one netlink message.
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

// aligned is where the next item begins: netlink aligns all to 4 bytes.
func aligned(size uint64, limit int) int {
	return int(min((size+3)&^3, uint64(limit)))
}

// failure returns the error of the last message, which begins with a negative errno,
// or with a number above it when there was none.
func failure(payload []byte) error {
	if len(payload) < 4 {
		return errMessage
	}
	if code := int32(binary.NativeEndian.Uint32(payload)); code < 0 {
		return unix.Errno(-int64(code))
	}
	return nil
}

// diagInode is the inode in a struct inet_diag_msg; 0: no process has the socket open
// any more, or yet.
func diagInode(b []byte) uint64 { return uint64(binary.NativeEndian.Uint32(b[68:])) }

// diagAddress is the local address in a struct inet_diag_msg, with its zone where it
// needs one.
func diagAddress(b []byte) netip.Addr {
	ip := ipOf(b[0], b[8:24])
	if zone := binary.NativeEndian.Uint32(b[40:]); zone != 0 && ip.IsLinkLocalUnicast() && ip.Is6() {
		return ip.WithZone(strconv.FormatUint(uint64(zone), 10))
	}
	return ip
}

// connections collects the wanted sockets of a dump.
type connections struct {
	inodes    map[uint64]bool
	addresses []netip.Addr
	found     []Connection
}

// add reads one struct inet_diag_msg, and its attributes where the socket is wanted.
func (c *connections) add(b []byte) error {
	inode := diagInode(b)
	if inode == 0 || !c.inodes[inode] {
		return nil
	}
	family, state := b[0], b[1]
	local := ipOf(family, b[8:24])
	if !covered(c.addresses, local) {
		return nil
	}
	info, err := infoOf(b[socketSize:])
	if err != nil {
		return err
	}
	c.found = append(c.found, Connection{
		Inode:   inode,
		Local:   netip.AddrPortFrom(local, binary.BigEndian.Uint16(b[4:])),
		Remote:  netip.AddrPortFrom(ipOf(family, b[24:40]), binary.BigEndian.Uint16(b[6:])),
		Idle:    time.Duration(min(info.Last_data_sent, info.Last_data_recv)) * time.Millisecond,
		Unread:  unread(state, binary.NativeEndian.Uint32(b[56:])),
		Unsent:  int(binary.NativeEndian.Uint32(b[60:])),
		NotSent: int(info.Notsent_bytes),
		Last:    last(state, &info),
		In:      info.Data_segs_in,
		Out:     info.Data_segs_out,
	})
	return nil
}

// unread subtracts the client's FIN, which counts as a byte until the process has
// read so far (tcp_inq in include/net/tcp.h): it may never do so.
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

// infoOf finds the tcp_info among the attributes, each of which begins with its size and kind.
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
