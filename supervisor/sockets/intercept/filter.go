package intercept

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// auditArch is a filter's constant for the system calls of a platform (seccomp(2)). The
// platforms here are little-endian, as the filter expects.
var auditArch = map[string]uint32{
	"amd64": unix.AUDIT_ARCH_X86_64,
	"arm64": unix.AUDIT_ARCH_AARCH64,
}

// seccompData is struct seccomp_data: a system call as a filter sees it.
type seccompData struct {
	Call uint32
	Arch uint32
	IP   uint64
	Args [6]uint64
}

// The steps of the filter that are jump targets.
const (
	stepLevel      = 7
	stepSocketName = 10
	stepIPv6Name   = 12
	stepAllow      = 14
	stepNotify     = 15
)

// filter notifies gorun of bind, listen and two socket options, and allows the rest.
// Calls of another ABI are allowed too: their audit arch differs (i386), or their
// number has one more bit (x32). Programs of such an ABI share nothing.
func filter(arch uint32) []unix.SockFilter {
	var data seccompData
	level := uint32(unsafe.Offsetof(data.Args) + 1*unsafe.Sizeof(data.Args[0]))
	name := uint32(unsafe.Offsetof(data.Args) + 2*unsafe.Sizeof(data.Args[0]))
	return []unix.SockFilter{
		0:  load(uint32(unsafe.Offsetof(data.Arch))),
		1:  unless(1, arch, stepAllow),
		2:  load(uint32(unsafe.Offsetof(data.Call))),
		3:  when(3, unix.SYS_BIND, stepNotify),
		4:  when(4, unix.SYS_LISTEN, stepNotify),
		5:  when(5, unix.SYS_SETSOCKOPT, stepLevel),
		6:  ret(unix.SECCOMP_RET_ALLOW),
		7:  load(level), // an int: the low half only
		8:  when(8, unix.SOL_SOCKET, stepSocketName),
		9:  either(9, unix.IPPROTO_IPV6, stepIPv6Name, stepAllow),
		10: load(name),
		11: either(11, unix.SO_REUSEPORT, stepNotify, stepAllow),
		12: load(name),
		13: either(13, unix.IPV6_V6ONLY, stepNotify, stepAllow),
		14: ret(unix.SECCOMP_RET_ALLOW),
		15: ret(unix.SECCOMP_RET_USER_NOTIF),
	}
}

func load(offset uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
}

func ret(verdict uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: verdict}
}

// either compares, in step at, and continues at one of two steps. Jumps count from the
// following step.
func either(at int, value uint32, same, other int) unix.SockFilter {
	return unix.SockFilter{
		Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K,
		Jt:   uint8(same - at - 1),
		Jf:   uint8(other - at - 1),
		K:    value,
	}
}

func when(at int, value uint32, target int) unix.SockFilter {
	return either(at, value, target, at+1)
}

func unless(at int, value uint32, target int) unix.SockFilter {
	return either(at, value, at+1, target)
}

// nativeFilter is the filter for the platform that gorun was built for.
func nativeFilter() ([]unix.SockFilter, error) {
	arch, known := auditArch[runtime.GOARCH]
	if !known {
		return nil, fmt.Errorf("not supported on %s", runtime.GOARCH)
	}
	return filter(arch), nil
}
