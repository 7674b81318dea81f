package sockets

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func askPath(t *testing.T, address Address) byte {
	t.Helper()
	c, err := (&net.Dialer{Timeout: patience}).DialContext(t.Context(), "unix", address.String())
	must(t, err)
	defer c.Close()
	name, err := answer(c)
	must(t, err)
	return name
}

func path(t *testing.T) Address {
	t.Helper()
	return Address{Kind: Unix, Path: filepath.Join(t.TempDir(), "app.sock")}
}

// stale leaves a socket file that nobody listens on.
func stale(t *testing.T, address Address, mode uint32) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	must(t, err)
	must(t, unix.Bind(fd, address.sockaddr()))
	must(t, unix.Close(fd))
	must(t, unix.Chmod(address.Path, mode))
}

func TestPathIsOneSocketForAll(t *testing.T) {
	for _, address := range []Address{path(t), {Kind: Unix, Path: "\x00gorun-" + t.TempDir()}} {
		g := newGroups(t, Spread)
		members := online(t, g, 3, address)
		if members[0] != members[2] {
			t.Errorf("%s: several sockets", address)
		}
		serve(t, members[1], 5)
		if name := askPath(t, address); name != 5 {
			t.Errorf("%s: answered by %d", address, name)
		}
	}
}

func TestStaleSocketFileIsReplaced(t *testing.T) {
	address := path(t)
	stale(t, address, 0o641)
	uid, gid := os.Getuid(), os.Getgid()
	if uid == 0 {
		uid, gid = 1000, 1001
		must(t, os.Chown(address.Path, uid, gid))
	}
	m := online(t, newGroups(t, Spread), 1, address)[0]
	serve(t, m, 3)
	if name := askPath(t, address); name != 3 {
		t.Errorf("answered by %d", name)
	}
	var now unix.Stat_t
	must(t, unix.Lstat(address.Path, &now))
	if now.Mode&0o7777 != 0o641 || int(now.Uid) != uid || int(now.Gid) != gid {
		t.Errorf("mode %o, owner %d:%d; want 641, %d:%d", now.Mode&0o7777, now.Uid, now.Gid, uid, gid)
	}
}

func TestPathInUseIsRefused(t *testing.T) {
	live, plain := path(t), path(t)
	online(t, newGroups(t, Spread), 1, live)
	must(t, os.WriteFile(plain.Path, []byte("mine"), 0o600))
	for _, address := range []Address{live, plain} {
		if _, err := newGroups(t, Spread).Acquire(0, address); !errors.Is(err, unix.EADDRINUSE) {
			t.Errorf("%s: error %v, want EADDRINUSE", address, err)
		}
	}
	if _, err := os.Stat(plain.Path); err != nil {
		t.Error(err)
	}
}

// gunicorn, asyncio and many Go programs remove the path before they bind, and
// when they end.
func TestPathThatAWorkerRemovedComesBack(t *testing.T) {
	address := path(t)
	g := newGroups(t, Spread)
	members := online(t, g, 2, address)
	serve(t, members[0], 1)
	must(t, os.Remove(address.Path))
	take(t, g, 2, address)
	askPath(t, address)
	must(t, os.Remove(address.Path))
	must(t, g.Release(0))
	askPath(t, address)
}

func TestCloseRemovesItsPathsOnly(t *testing.T) {
	mine, theirs := path(t), path(t)
	g := newGroups(t, Spread)
	online(t, g, 1, mine)
	online(t, g, 1, theirs)
	must(t, os.Remove(theirs.Path))
	stale(t, theirs, 0o600)
	g.Close()
	if left, _ := os.ReadDir(filepath.Dir(mine.Path)); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	if left, _ := os.ReadDir(filepath.Dir(theirs.Path)); len(left) != 1 {
		t.Errorf("of somebody else's path is left: %v", left)
	}
}

func TestPathOfAKilledGorunIsTakenOver(t *testing.T) {
	address := path(t)
	g := New(Spread)
	m := take(t, g, 0, address)
	must(t, unix.Close(m.fd)) // and the file stays, and its second name
	m.fd = -1
	next := newGroups(t, Spread)
	serve(t, online(t, next, 1, address)[0], 4)
	must(t, os.Remove(address.Path))
	take(t, next, 1, address)
	if name := askPath(t, address); name != 4 {
		t.Errorf("answered by %d", name)
	}
}
