package sockets

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// netlink returns a message as the kernel makes it.
func netlink(kind uint16, payload []byte) []byte {
	m := binary.NativeEndian.AppendUint32(nil, uint32(unix.NLMSG_HDRLEN+len(payload)))
	m = binary.NativeEndian.AppendUint16(m, kind)
	m = append(m, make([]byte, 10)...)
	m = append(m, payload...)
	return append(m, make([]byte, aligned(uint64(len(m)), 1<<20)-len(m))...)
}

// socketMessage is that of a socket with inode 7.
func socketMessage(info int) []byte {
	b := make([]byte, socketSize)
	b[0], b[1] = unix.AF_INET, unix.BPF_TCP_ESTABLISHED
	binary.NativeEndian.PutUint32(b[68:], 7)
	b = append(b, 5, 0, 8, 0, 3, 0, 0, 0) // another attribute, of one byte
	b = binary.NativeEndian.AppendUint16(b, uint16(unix.SizeofRtAttr+info))
	b = binary.NativeEndian.AppendUint16(b, diagInfo)
	return append(b, make([]byte, info)...)
}

func wanting(inode uint64) connections {
	return connections{inodes: map[uint64]bool{inode: true}, addresses: []netip.Addr{netip.IPv4Unspecified()}}
}

func TestParseRefusesWhatIsShort(t *testing.T) {
	whole := netlink(unix.SOCK_DIAG_BY_FAMILY, socketMessage(infoSize))
	for size := 1; size <= len(whole); size++ {
		r := wanting(7)
		_, err := parseDump(whole[:size], r.add)
		if complete := size == len(whole); complete == errors.Is(err, errMessage) || complete != (len(r.found) == 1) {
			t.Errorf("%d of %d bytes: %v, %+v", size, len(whole), err, r.found)
		}
	}
}

func TestParseWantsAllFiguresOfTheKernel(t *testing.T) {
	r := wanting(7)
	if _, err := parseDump(netlink(unix.SOCK_DIAG_BY_FAMILY, socketMessage(infoSize-8)), r.add); !errors.Is(err, errMessage) {
		t.Errorf("error %v", err)
	}
}

func TestParseSkipsOthersSockets(t *testing.T) {
	r := wanting(8)
	if _, err := parseDump(netlink(unix.SOCK_DIAG_BY_FAMILY, socketMessage(0)), r.add); err != nil || len(r.found) > 0 {
		t.Errorf("%v, %+v", err, r.found)
	}
}

func TestParseEnds(t *testing.T) {
	for _, test := range []struct {
		name string
		kind uint16
		code int32
		want error
	}{
		{"done", unix.NLMSG_DONE, 0, nil},
		{"done with an error", unix.NLMSG_DONE, -int32(unix.EINVAL), unix.EINVAL},
		{"error", unix.NLMSG_ERROR, -int32(unix.ENOENT), unix.ENOENT},
	} {
		complete, err := parseDump(netlink(test.kind, binary.NativeEndian.AppendUint32(nil, uint32(test.code))), nil)
		if !errors.Is(err, test.want) || !complete {
			t.Errorf("%s: %v, complete: %t", test.name, err, complete)
		}
	}
}

func FuzzParse(f *testing.F) {
	socket := netlink(unix.SOCK_DIAG_BY_FAMILY, socketMessage(infoSize))
	done := netlink(unix.NLMSG_DONE, make([]byte, 4))
	f.Add(socket)
	f.Add(append(append([]byte{}, socket...), done...))
	f.Add(netlink(unix.NLMSG_ERROR, []byte{0xfe, 0xff, 0xff, 0xff}))
	f.Add(socket[:len(socket)-3])
	f.Add(netlink(unix.SOCK_DIAG_BY_FAMILY, nil))
	f.Fuzz(func(t *testing.T, messages []byte) {
		r := wanting(7)
		_, err := parseDump(messages, r.add)
		if least := socketSize + unix.NLMSG_HDRLEN + infoSize; err == nil && len(r.found)*least > len(messages) {
			t.Errorf("%d sockets in %d bytes", len(r.found), len(messages))
		}
	})
}
