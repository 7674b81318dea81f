//go:build scenarios

package sockets

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
)

func TestAllAsAnOrdinaryUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("is one")
	}
	if testing.Short() {
		t.Skip("runs all again")
	}
	all := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.skip=Programs|Whatever|Remainder|Hashed|Buckets|Newcomer")
	all.Dir = "/"
	all.Env = append(os.Environ(), "TMPDIR="+os.TempDir())
	all.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000, Gid: 1000}}
	if out, err := all.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
