//go:build scenarios

package notify

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// descends reports whether the process was started by this one, or by one that was.
func descends(pid int) bool {
	for pid = parent(pid); pid > 1 && pid != os.Getpid(); {
		pid = parent(pid)
	}
	return pid == os.Getpid()
}

// parent is the parent of the process; 0: it is gone.
func parent(pid int) int {
	status, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	_, after, _ := strings.Cut(string(status), "\nPPid:\t")
	line, _, _ := strings.Cut(after, "\n")
	ppid, _ := strconv.Atoi(line)
	return ppid
}

// notifiers are programs of others, each with what it runs in.
func notifiers() map[string][]string {
	return map[string][]string{
		// It speaks in the name of its parent where it may: a shell, as in a script.
		"systemd-notify": {"sh", "-c", `systemd-notify --ready --status="it serves"; exit $?`},
		"python3": {"python3", "-c", `import os, socket
address = os.environ["NOTIFY_SOCKET"]
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect("\0" + address[1:] if address[0] == "@" else address)
s.sendall(b"READY=1\nSTATUS=it serves")
`},
	}
}

func TestNotifiersOfOthers(t *testing.T) {
	for name, argv := range notifiers() {
		for place, dirs := range map[string][]string{"abstract": nil, "file": {t.TempDir()}} {
			t.Run(name+" "+place, func(t *testing.T) {
				if _, err := exec.LookPath(name); err != nil {
					t.Skip(name + " is not installed")
				}
				s, _, messages := receiver(t, Options{Owns: descends, User: os.Geteuid(), Dirs: dirs})
				worker := exec.Command(argv[0], argv[1:]...)
				worker.Env = append(os.Environ(), s.Environ()...)
				if out, err := worker.CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				if got := <-messages; !got.Ready || got.Status == nil || *got.Status != "it serves" {
					t.Errorf("it says %+v", got)
				}
			})
		}
	}
}
