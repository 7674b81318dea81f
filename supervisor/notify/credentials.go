package notify

import (
	"bytes"
	"errors"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// authorize returns why a sender is refused; see the package comment.
func (s *Socket) authorize(sender unix.Ucred) error {
	pid := int(sender.Pid)
	switch {
	case pid <= 0:
		return errors.New("sent from outside this PID namespace")
	case s.options.Owns(pid):
		return nil
	case !ended(pid):
		return errors.New("not in the worker's process tree")
	case !s.trusts(int(sender.Uid)):
		return errors.New("the sender has ended and ran as another user")
	}
	return nil
}

func (s *Socket) trusts(user int) bool {
	return user == s.options.User || user == os.Geteuid() || user == 0
}

// ended reports whether the process is gone or a zombie.
func ended(pid int) bool {
	if errors.Is(unix.Kill(pid, 0), unix.ESRCH) {
		return true
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return errors.Is(err, unix.ESRCH) // ended meanwhile; any other error leaves it unknown
	}
	_, state, _ := bytes.Cut(stat[bytes.LastIndexByte(stat, ')')+1:], []byte(" "))
	return len(state) > 0 && (state[0] == 'Z' || state[0] == 'X')
}
