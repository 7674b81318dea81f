package client

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestTheNameCarriesThePIDNamespace(t *testing.T) {
	name, err := Address{}.Abstract()
	link, _ := os.Readlink(defaultPIDNamespace)
	if err != nil || "pid:["+strings.TrimPrefix(name, "@gorun-pidns-")+"]" != link {
		t.Errorf("Abstract: %s, %v; the namespace is %s", name, err, link)
	}
}

func TestDialFindsNoGorun(t *testing.T) {
	folder := t.TempDir()
	leaveSocket(t, filepath.Join(folder, "gorun.sock"))
	at := Address{RunDir: folder, PIDNamespace: pidsLink(t)}
	_, err := Dial(t.Context(), at)
	none, ok := errors.AsType[*NotRunningError](err)
	if !ok || len(none.Tried) != 2 || !strings.HasPrefix(err.Error(), "no gorun is running here (tried "+folder) {
		t.Errorf("Dial: %v", err)
	}
}

// leaveSocket makes what a killed gorun leaves.
func leaveSocket(t *testing.T, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	_ = l.Close()
}

// pidsLink names a PID namespace that nobody else has.
func pidsLink(t *testing.T) string {
	t.Helper()
	link := filepath.Join(t.TempDir(), "pid")
	if err := os.Symlink("pid:["+strconv.Itoa(os.Getpid())+strconv.FormatInt(time.Now().UnixNano(), 10)[6:]+"]", link); err != nil {
		t.Fatal(err)
	}
	return link
}
