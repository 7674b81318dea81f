package control

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"gorun/supervisor/control/client"
)

func TestRefusals(t *testing.T) {
	const nobody = 65534
	for _, test := range []struct {
		name  string
		guard guard
		peer  client.Peer
		want  string // in the refusal; "": none
	}{
		{"own user", guard{client.Users{Own: 1000, Overflow: nobody, AllMapped: true}, "/s"}, client.Peer{Pid: 7, UID: 1000}, ""},
		{"root", guard{client.Users{Own: 1000, Overflow: nobody, AllMapped: true}, "/s"}, client.Peer{Pid: 7, UID: 0}, ""},
		{"another", guard{client.Users{Own: 1000, Overflow: nobody, AllMapped: true}, "/s"}, client.Peer{Pid: 7, UID: 1001}, "runs as uid 1000 and answers that user and root alone; you are uid 1001"},
		{"another, to root's", guard{client.Users{Overflow: nobody, AllMapped: true}, "/s"}, client.Peer{Pid: 7, UID: 1001}, "uid 0"},
		{"nobody, where all are known", guard{client.Users{Own: nobody, Overflow: nobody, AllMapped: true}, "/s"}, client.Peer{Pid: 7, UID: nobody}, ""},
		{"nobody, in a user namespace", guard{client.Users{Own: nobody, Overflow: nobody}, "/s"}, client.Peer{Pid: 7, UID: nobody}, "stands for every user"},
		{"unmapped, as root's overflow", guard{client.Users{Overflow: 0}, "/s"}, client.Peer{Pid: 7, UID: 0}, "stands for every user"},
		{"root of another container", guard{client.Users{Overflow: nobody, AllMapped: true}, "@s"}, client.Peer{Pid: 0, UID: 0}, "PID namespace"},
		{"a file in a shared folder", guard{client.Users{Overflow: nobody, AllMapped: true}, "/s"}, client.Peer{Pid: 0, UID: 0}, ""},
	} {
		err := test.guard.refuse(test.peer)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: refuse(%+v) = %v, want %q", test.name, test.peer, err, test.want)
		}
	}
}

// A process of another user gets the reason why it is not answered, at a file and at an
// abstract name.
func TestAnotherUserIsRefused(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
	open := folderForAll(t)
	for name, address := range map[string]string{
		"file":     filepath.Join(open, "s"),
		"abstract": "@gorun-test-other-" + strconv.Itoa(os.Getpid()),
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t, &fake{})
			o.Address = client.Address{Socket: address}
			serveWith(t, t.Context(), o)
			text, err := otherUser(t, "GORUN_TEST_ASK="+address).Output()
			if err != nil {
				t.Fatal(err)
			}
			want := "403 " + `{"error":"gorun runs as uid 0 and answers that user and root alone; you are uid 12345"}` + "\ndial: <nil>\n"
			if string(text) != want {
				t.Errorf("answer %q, want %q", text, want)
			}
		})
	}
}

const otherUID = 12345

// otherUser is the test binary as another user runs it.
func otherUser(t *testing.T, env string) *exec.Cmd {
	t.Helper()
	binary := filepath.Join(folderForAll(t), "ask")
	text, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(binary, text, 0o755); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), binary)
	command.Env = []string{env}
	command.Dir = "/"
	command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: otherUID, Gid: otherUID}}
	command.Stderr = os.Stderr
	return command
}

// folderForAll can be entered by every user; t.TempDir cannot.
func folderForAll(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("/tmp", "gorun-control-") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}

// A name that another user has taken is not talked to.
func TestAnAddressTakenByAnotherUserIsNotTrusted(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
	address := "@gorun-test-squat-" + strconv.Itoa(os.Getpid())
	squatter := otherUser(t, "GORUN_TEST_SQUAT="+address)
	in, err := squatter.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := squatter.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := squatter.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = in.Close()
		_ = squatter.Wait()
	}()
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	_, err = client.Dial(t.Context(), client.Address{Socket: address})
	if err == nil || !strings.Contains(err.Error(), "uid 12345") {
		t.Errorf("Dial: %v", err)
	}
}

// Refused users cannot use up gorun's descriptors.
func TestOnlyAFewRefusedConnectionsStayOpen(t *testing.T) {
	l := listenAt(t, client.Address{Socket: filepath.Join(t.TempDir(), "s")})
	l.guard.Own, l.guard.Overflow, l.guard.AllMapped = 1, uint32(os.Geteuid()), false
	accepted := make(chan net.Conn, 2*maxRefused)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				close(accepted)
				return
			}
			accepted <- conn
		}
	}()
	dial := func() net.Conn {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "unix", l.Address())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	var first net.Conn
	for range maxRefused {
		dial()
		first = receive(t, accepted, "a refused connection")
	}
	if _, err := dial().Read(make([]byte, 1)); err == nil {
		t.Error("one refused connection too many stays open")
	}
	_ = first.Close()
	dial()
	receive(t, accepted, "a second refused connection")
	_ = l.Close()
	for conn := range accepted {
		_ = conn.Close()
	}
}
