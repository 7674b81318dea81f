package notify

import (
	"bytes"
	"errors"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// believe tells why a sender is not believed; see the package's comment.
func (s *Socket) believe(sender unix.Ucred) error {
	pid := int(sender.Pid)
	switch {
	case pid <= 0:
		return errors.New("sent from outside this PID namespace")
	case s.options.Owns(pid):
		return nil
	case !ended(pid):
		return errors.New("not of the worker's tree")
	case !s.trusts(int(sender.Uid)):
		return errors.New("the sender has ended and was another user")
	}
	return nil
}

func (s *Socket) trusts(user int) bool {
	return user == s.options.User || user == os.Geteuid() || user == 0
}

// ended tells whether the process is gone or a zombie.
func ended(pid int) bool {
	if errors.Is(unix.Kill(pid, 0), unix.ESRCH) {
		return true
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return errors.Is(err, unix.ESRCH) // it ended meanwhile; else nobody can tell
	}
	_, state, _ := bytes.Cut(stat[bytes.LastIndexByte(stat, ')')+1:], []byte(" "))
	return len(state) > 0 && (state[0] == 'Z' || state[0] == 'X')
}
