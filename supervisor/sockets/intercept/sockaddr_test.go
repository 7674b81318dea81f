package intercept

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"gorun/supervisor/sockets"
)

func raw4(family uint16, ip string, port uint16) []byte {
	raw := binary.NativeEndian.AppendUint16(nil, family)
	raw = binary.BigEndian.AppendUint16(raw, port)
	raw = append(raw, netip.MustParseAddr(ip).AsSlice()...)
	return append(raw, make([]byte, 8)...)
}

func raw6(ip string, port uint16, scope uint32) []byte {
	raw := binary.NativeEndian.AppendUint16(nil, unix.AF_INET6)
	raw = binary.BigEndian.AppendUint16(raw, port)
	raw = append(raw, 0, 0, 0, 0)
	raw = append(raw, netip.MustParseAddr(ip).AsSlice()...)
	return binary.NativeEndian.AppendUint32(raw, scope)
}

func rawPath(path string) []byte {
	return append(binary.NativeEndian.AppendUint16(nil, unix.AF_UNIX), path...)
}

func TestParse(t *testing.T) {
	for _, test := range []struct {
		name     string
		raw      []byte
		protocol string
		want     string // "": nothing to share
	}{
		{"IPv4", raw4(unix.AF_INET, "127.0.0.1", 3000), "TCP", "127.0.0.1:3000"},
		{"IPv4, family left out", raw4(unix.AF_UNSPEC, "0.0.0.0", 3000), "TCP", "0.0.0.0:3000"},
		{"IPv4, family left out, not any", raw4(unix.AF_UNSPEC, "127.0.0.1", 3000), "TCP", ""},
		{"IPv4 for a socket of IPv6", raw4(unix.AF_INET, "127.0.0.1", 3000), "TCPv6", ""},
		{"IPv4, port 0", raw4(unix.AF_INET, "127.0.0.1", 0), "TCP", ""},
		{"IPv4, multicast", raw4(unix.AF_INET, "224.0.0.251", 5353), "UDP", ""},
		{"IPv4, short", raw4(unix.AF_INET, "127.0.0.1", 3000)[:15], "TCP", ""},
		{"MPTCP", raw4(unix.AF_INET, "127.0.0.1", 3000), "MPTCP", "127.0.0.1:3000"},
		{"UDP", raw4(unix.AF_INET, "127.0.0.1", 53), "UDP", "udp/127.0.0.1:53"},
		{"IPv6", raw6("::", 3000, 0), "MPTCPv6", "[::]:3000"},
		{"IPv6, before there were scopes", raw6("::1", 3000, 0)[:24], "TCPv6", "[::1]:3000"},
		{"IPv6, link-local", raw6("fe80::1", 3000, 2), "TCPv6", "[fe80::1%2]:3000"},
		{"IPv6, scope means nothing", raw6("::1", 3000, 2), "TCPv6", "[::1]:3000"},
		{"IPv6, maps IPv4", raw6("::ffff:127.0.0.1", 3000, 0), "TCPv6", "[::ffff:127.0.0.1]:3000"},
		{"IPv6, multicast", raw6("ff02::fb", 5353, 0), "UDPv6", ""},
		{"IPv6, short", raw6("::", 3000, 0)[:23], "TCPv6", ""},
		{"path", rawPath("/run/s\x00garbage"), "UNIX-STREAM", "/run/s"},
		{"path to the end", rawPath("/run/s"), "UNIX-STREAM", "/run/s"},
		{"abstract name", rawPath("\x00name"), "UNIX-STREAM", ""},
		{"automatic name", rawPath(""), "UNIX-STREAM", ""},
		{"nothing", nil, "TCP", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			address, ok := parse(test.raw, protocols[test.protocol])
			if ok != (test.want != "") || ok && address.String() != test.want {
				t.Errorf("parse() = %v, %v, want %q", address, ok, test.want)
			}
		})
	}
}

func TestOverlap(t *testing.T) {
	tcp := func(ip string) sockets.Address {
		only := strings.HasSuffix(ip, " only")
		return sockets.Address{IP: netip.MustParseAddr(strings.TrimSuffix(ip, " only")), Port: 1, V6Only: only}
	}
	udp := tcp("0.0.0.0")
	udp.Kind = sockets.UDP
	for _, test := range []struct {
		a, b sockets.Address
		want bool
	}{
		{tcp("127.0.0.1"), tcp("127.0.0.1"), true},
		{tcp("127.0.0.1"), tcp("127.0.0.2"), false},
		{tcp("0.0.0.0"), tcp("127.0.0.2"), true},
		{tcp("0.0.0.0"), tcp("::1"), false},
		{tcp("::"), tcp("::1"), true},
		{tcp("::"), tcp("0.0.0.0"), true},
		{tcp("::"), tcp("127.0.0.1"), true},
		{tcp(":: only"), tcp("127.0.0.1"), false},
		{tcp(":: only"), tcp("0.0.0.0"), false},
		{tcp(":: only"), tcp("::1"), true},
		{tcp("::ffff:127.0.0.1"), tcp("127.0.0.1"), true},
		{tcp("0.0.0.0"), udp, false},
		{sockets.Address{Kind: sockets.Unix, Path: "/a"}, sockets.Address{Kind: sockets.Unix, Path: "/a"}, true},
		{sockets.Address{Kind: sockets.Unix, Path: "/a"}, sockets.Address{Kind: sockets.Unix, Path: "/b"}, false},
	} {
		if overlap(test.a, test.b) != test.want || overlap(test.b, test.a) != test.want {
			t.Errorf("overlap(%v, %v) is not %v, or not both ways", test.a, test.b, test.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for name := range protocols {
		f.Add(name, raw4(unix.AF_INET, "127.0.0.1", 3000))
		f.Add(name, raw6("fe80::1", 3000, 7))
		f.Add(name, rawPath("/run/s"))
	}
	f.Fuzz(func(t *testing.T, name string, raw []byte) {
		of, known := protocols[name]
		if !known {
			t.Skip()
		}
		address, ok := parse(raw, of)
		if !ok {
			return
		}
		switch of.kind {
		case sockets.Unix:
			if address.Path == "" || strings.Contains(address.Path, "\x00") || len(address.Path) > len(raw)-2 {
				t.Errorf("path %q of %q", address.Path, raw)
			}
		case sockets.TCP, sockets.UDP:
			if address.Port < 1 || address.Port > 65535 || address.IP.Is4() != (of.family == unix.AF_INET) {
				t.Errorf("address %v of %q", address, raw)
			}
		}
		if !overlap(address, address) {
			t.Errorf("%v does not overlap itself", address)
		}
	})
}

func TestParseFlags(t *testing.T) {
	for text, want := range map[string]uint64{
		"pos:\t0\nflags:\t02004002\nmnt_id:\t10\nino:\t99\n": unix.O_RDWR | unix.O_NONBLOCK | unix.O_CLOEXEC,
		"flags:\t02": unix.O_RDWR,
	} {
		if flags, err := parseFlags([]byte(text)); flags != want || err != nil {
			t.Errorf("parseFlags(%q) = %o, %v, want %o", text, flags, err, want)
		}
	}
	for _, text := range []string{"", "pos:\t0\n", "flags:\t9\n", "flags:\n"} {
		if flags, err := parseFlags([]byte(text)); err == nil {
			t.Errorf("parseFlags(%q) = %o", text, flags)
		}
	}
}

func FuzzParseFlags(f *testing.F) {
	f.Add([]byte("pos:\t0\nflags:\t02004002\nmnt_id:\t10\n"))
	f.Fuzz(func(t *testing.T, info []byte) {
		if flags, err := parseFlags(info); err != nil && flags != 0 {
			t.Errorf("parseFlags(%q) = %o with %v", info, flags, err)
		}
	})
}

func FuzzParseInode(f *testing.F) {
	f.Add("socket:[123]")
	f.Add("/dev/null")
	f.Fuzz(func(t *testing.T, target string) {
		if inode, err := parseInode(target); err != nil && inode != 0 {
			t.Errorf("parseInode(%q) = %d with %v", target, inode, err)
		}
	})
}

func TestNotesAreBounded(t *testing.T) {
	var n socketStates
	for inode := range uint64(10 * maxStates) {
		n.put(inode, socketState{v6Only: true})
	}
	if len(n.all) != maxStates || len(n.order) != maxStates {
		t.Errorf("%d notes, %d in order", len(n.all), len(n.order))
	}
	if !n.of(10*maxStates-1, false).v6Only || n.of(0, false).v6Only {
		t.Error("not the oldest notes were dropped")
	}
}

// TestFilter runs the filter in an interpreter.
func TestFilter(t *testing.T) {
	for arch, name := range map[uint32]string{unix.AUDIT_ARCH_X86_64: "x86-64", unix.AUDIT_ARCH_AARCH64: "arm64"} {
		for _, test := range []struct {
			name string
			data seccompData
			want bool
		}{
			{"bind", seccompData{Call: unix.SYS_BIND, Arch: arch}, true},
			{"listen", seccompData{Call: unix.SYS_LISTEN, Arch: arch}, true},
			{"V6ONLY", seccompData{Call: unix.SYS_SETSOCKOPT, Arch: arch, Args: [6]uint64{3, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY}}, true},
			{"V6ONLY, dirty registers", seccompData{Call: unix.SYS_SETSOCKOPT, Arch: arch, Args: [6]uint64{3, 7<<32 | unix.IPPROTO_IPV6, 7<<32 | unix.IPV6_V6ONLY}}, true},
			{"REUSEPORT", seccompData{Call: unix.SYS_SETSOCKOPT, Arch: arch, Args: [6]uint64{3, unix.SOL_SOCKET, unix.SO_REUSEPORT}}, true},
			{"TCP_NODELAY", seccompData{Call: unix.SYS_SETSOCKOPT, Arch: arch, Args: [6]uint64{3, unix.IPPROTO_TCP, unix.TCP_NODELAY}}, false},
			{"REUSEADDR", seccompData{Call: unix.SYS_SETSOCKOPT, Arch: arch, Args: [6]uint64{3, unix.SOL_SOCKET, unix.SO_REUSEADDR}}, false},
			{"another IPv6 option", seccompData{Call: unix.SYS_SETSOCKOPT, Arch: arch, Args: [6]uint64{3, unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO}}, false},
			{"accept", seccompData{Call: unix.SYS_ACCEPT, Arch: arch}, false},
			{"x32", seccompData{Call: unix.SYS_BIND | 0x40000000, Arch: arch}, false},
			{"i386", seccompData{Call: unix.SYS_BIND, Arch: unix.AUDIT_ARCH_I386}, false},
		} {
			t.Run(name+"/"+test.name, func(t *testing.T) {
				want := uint32(unix.SECCOMP_RET_ALLOW)
				if test.want {
					want = unix.SECCOMP_RET_USER_NOTIF
				}
				if got := interpret(t, filter(arch), test.data); got != want {
					t.Errorf("verdict %#x, want %#x", got, want)
				}
			})
		}
	}
}

func interpret(t *testing.T, program []unix.SockFilter, data seccompData) uint32 {
	t.Helper()
	memory, err := binary.Append(nil, binary.LittleEndian, data)
	if err != nil {
		t.Fatal(err)
	}
	accumulator := uint32(0)
	for at := 0; at < len(program); at++ {
		switch step := program[at]; step.Code {
		case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
			accumulator = binary.LittleEndian.Uint32(memory[step.K:])
		case unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K:
			if accumulator == step.K {
				at += int(step.Jt)
			} else {
				at += int(step.Jf)
			}
		case unix.BPF_RET | unix.BPF_K:
			return step.K
		default:
			t.Fatalf("step %d: unknown code %#x", at, step.Code)
		}
	}
	t.Fatal("ran off the end")
	return 0
}
