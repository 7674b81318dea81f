package process

import (
	"fmt"
	"os"
	"strconv"
)

// CheckProc returns why the process table cannot be used: /proc is not mounted, or
// it belongs to another PID namespace (`unshare --pid` without --mount-proc), where
// the numbers stand for other processes.
func CheckProc() error {
	name, err := os.Readlink("/proc/self")
	if err != nil {
		return fmt.Errorf("find this process in /proc: %w", err)
	}
	if pid := os.Getpid(); name != strconv.Itoa(pid) {
		return fmt.Errorf("/proc belongs to another PID namespace: this process is %s there, not %d", name, pid)
	}
	return nil
}
