package notify

import (
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// The sender ends before it can be looked up: its message counts.
func TestShortLivedSenderIsAccepted(t *testing.T) {
	s, err := Listen(Options{Owns: nobody, User: os.Geteuid()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	send := exec.Command(os.Args[0])
	send.Env = append(s.Environ(), "GORUN_TEST_WORKER=send", "GORACE=atexit_sleep_ms=0")
	if out, err := send.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var got Message
	if err := s.Run(ctx, func(m Message) { got = m; cancel() }); err != nil || !got.Ready || got.Sender != send.Process.Pid {
		t.Errorf("Run: %v, the message is %+v, want that of %d", err, got, send.Process.Pid)
	}
}

func TestAuthorize(t *testing.T) {
	zombie := exec.Command("true")
	out, err := zombie.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := zombie.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, out); err != nil { // it has closed its output
		t.Fatal(err)
	}
	var info unix.Siginfo
	if err := unix.Waitid(unix.P_PID, zombie.Process.Pid, &info, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	const worker, otherUser = 4711, 4712
	tests := []struct {
		name      string
		pid, user int
		owns      func(int) bool
		want      string // "": accepted
	}{
		{"of the tree", os.Getpid(), otherUser, everybody, ""},
		{"alive elsewhere", os.Getpid(), worker, nobody, "not in the worker's process tree"},
		{"from another namespace", 0, worker, everybody, "outside this PID namespace"},
		{"gone, the worker's user", gone.Process.Pid, worker, nobody, ""},
		{"gone, gorun's user", gone.Process.Pid, os.Geteuid(), nobody, ""},
		{"gone, root", gone.Process.Pid, 0, nobody, ""},
		{"gone, somebody", gone.Process.Pid, otherUser, nobody, "ran as another user"},
		{"zombie, the worker's user", zombie.Process.Pid, worker, nobody, ""},
		{"zombie, somebody", zombie.Process.Pid, otherUser, nobody, "ran as another user"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := &Socket{options: Options{User: worker, Owns: test.owns}}
			err := s.authorize(unix.Ucred{Pid: int32(test.pid), Uid: uint32(test.user)})
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("authorize = %v, want %q", err, test.want)
			}
		})
	}
	if err := zombie.Wait(); err != nil {
		t.Error(err)
	}
}
