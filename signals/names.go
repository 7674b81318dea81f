package signals

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// The real-time signals as C libraries number them: the kernel's first two, 32
// and 33, are the thread library's own (signal(7)).
const (
	rtMin = unix.Signal(34)
	rtMax = unix.Signal(64)
)

// Parse reads a signal as people write it: SIGTERM, TERM, term, 15,
// SIGRTMIN+3, RTMAX-1.
func Parse(text string) (unix.Signal, error) {
	name := strings.ToUpper(strings.TrimSpace(text))
	if n, err := strconv.Atoi(name); err == nil {
		if n < 1 || n > int(rtMax) {
			return 0, fmt.Errorf("signal number %d is not between 1 and %d", n, int(rtMax))
		}
		return unix.Signal(n), nil
	}
	name = strings.TrimPrefix(name, "SIG")
	if sig := unix.SignalNum("SIG" + name); sig != 0 {
		return sig, nil
	}
	if sig, ok := otherNames[name]; ok {
		return sig, nil
	}
	if sig, ok := realTime(name); ok {
		return sig, nil
	}
	return 0, fmt.Errorf("there is no signal %q; write it as SIGTERM, TERM, 15 or SIGRTMIN+3", text)
}

// otherNames are further names that kill(1) accepts.
var otherNames = map[string]unix.Signal{
	"CLD": unix.SIGCHLD, "IOT": unix.SIGIOT, "POLL": unix.SIGPOLL,
}

func realTime(name string) (unix.Signal, bool) {
	base, offset := rtMin, strings.TrimPrefix(name, "RTMIN")
	if offset == name {
		base, offset = rtMax, strings.TrimPrefix(name, "RTMAX")
	}
	if offset == name {
		return 0, false
	}
	n := 0
	if offset != "" {
		var err error
		if offset[0] != '+' && offset[0] != '-' {
			return 0, false
		}
		if n, err = strconv.Atoi(offset); err != nil {
			return 0, false
		}
	}
	sig := base + unix.Signal(n)
	return sig, sig >= rtMin && sig <= rtMax
}

// Name returns the signal's name as kill -l prints it: SIGTERM, SIGRTMIN+3.
func Name(sig unix.Signal) string {
	if name := unix.SignalName(sig); name != "" {
		return name
	}
	switch {
	case sig == rtMin:
		return "SIGRTMIN"
	case sig > rtMin && sig <= rtMax:
		return fmt.Sprintf("SIGRTMIN+%d", sig-rtMin)
	}
	return fmt.Sprintf("signal %d", int(sig))
}
