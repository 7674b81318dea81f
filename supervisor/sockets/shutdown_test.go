package sockets

import (
	"net/netip"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMain is a worker, too: it holds its member, and never accepts.
func TestMain(m *testing.M) {
	if os.Getenv("GORUN_TEST_WORKER") == "hold" {
		_, _ = os.Stdout.WriteString("x")
		_, _ = os.Stdin.Read(make([]byte, 1)) // until killed
		return
	}
	os.Exit(m.Run())
}

func TestKilledWorkersQueueIsAnsweredByTheNext(t *testing.T) {
	g := newGroups(t, Spread)
	members := online(t, g, 1, at("127.0.0.1"))
	worker := exec.CommandContext(t.Context(), "/proc/self/exe")
	worker.Env = append(os.Environ(), "GORUN_TEST_WORKER=hold")
	worker.ExtraFiles = []*os.File{duplicate(t, members[0])}
	_, err := worker.StdinPipe()
	must(t, err)
	out, err := worker.StdoutPipe()
	must(t, err)
	must(t, worker.Start())
	_, err = out.Read(make([]byte, 1))
	must(t, err)
	all := connect(t, 60, members[0].Address())
	must(t, worker.Process.Kill())
	_ = worker.Wait()
	must(t, g.Release(0))
	next := take(t, g, 1, at("127.0.0.1"))
	must(t, next.Listen(4096))
	must(t, g.Online(1))
	serve(t, next, 1)
	answered(t, all, 1)
}

// shut does what .NET does when it closes a listener.
func shut(t *testing.T, m *Member) {
	t.Helper()
	must(t, unix.Shutdown(int(duplicate(t, m).Fd()), unix.SHUT_RDWR))
}

// The kernel fills each hole with its last member: the order of two holes decides.
func TestPositionsAfterShutdownsInAnyOrder(t *testing.T) {
	for _, order := range [][]Owner{{0}, {4}, {0, 1}, {1, 0}, {0, 4}, {4, 0}, {3, 1, 0}, {0, 1, 3}} {
		g := newGroups(t, Spread)
		members := online(t, g, 5, at("127.0.0.1"))
		serveAll(t, members)
		down := map[Owner]bool{}
		for _, owner := range order {
			shut(t, members[owner])
			down[owner] = true
		}
		for owner := range Owner(5) {
			must(t, g.Online(owner))
			if !down[owner] {
				probeTwice(t, g, owner)
			} else if targets := g.Probe(owner); len(targets) > 0 {
				t.Errorf("%v: %d has the targets %v", order, owner, targets)
			}
		}
		if count := askMany(t, 40, members[0].Address()); t.Failed() {
			t.Fatalf("order %v: answers %v", order, count)
		}
	}
}

func TestShutDownMemberListensAgainAtTheEnd(t *testing.T) {
	g := newGroups(t, Spread)
	members := online(t, g, 3, at("127.0.0.1")) // the first has its port from the kernel: shutdown(2) takes it away
	for _, first := range []Owner{0, 1} {
		m := members[first]
		shut(t, m)
		must(t, g.Release(first))
		next := take(t, g, first+10, at("127.0.0.1"))
		if next != m || portOf(m.Descriptor()) != m.Address().Port {
			t.Fatalf("the member that was shut down is at port %d, want %d", portOf(m.Descriptor()), m.Address().Port)
		}
		must(t, next.Listen(4096))
		must(t, g.Online(first+10))
	}
	for owner, m := range map[Owner]*Member{2: members[2], 10: members[0], 11: members[1]} {
		serve(t, m, byte(owner))
	}
	for _, owner := range []Owner{2, 10, 11} {
		probeTwice(t, g, owner)
	}
}

func TestAllShutDownAndBack(t *testing.T) {
	g := newGroups(t, Spread)
	members := online(t, g, 3, at("127.0.0.1"))
	for _, m := range members {
		shut(t, m)
	}
	for _, m := range members {
		must(t, m.Listen(4096))
	}
	serveAll(t, members)
	for owner := range Owner(3) {
		probeTwice(t, g, owner)
	}
}

// The kernel's program went with the last of its group.
func TestOnlyMemberThatListensAgainIsSteeredToAgain(t *testing.T) {
	g := newGroups(t, Spread)
	first := online(t, g, 1, at("127.0.0.1"))[0]
	shut(t, first)
	must(t, first.Listen(4096))
	must(t, take(t, g, 1, at("127.0.0.1")).Listen(4096)) // not online
	serve(t, first, 0)
	answered(t, connect(t, 30, first.Address()), 0)
}

func TestSharedSocketOutlivesAShutdown(t *testing.T) {
	g := newGroups(t, Shared)
	members := online(t, g, 2, at("127.0.0.1"))
	shut(t, members[0])
	must(t, g.Release(0))
	serve(t, members[1], 1)
	if name, err := ask(dialer(netip.Addr{}), members[1].Address()); err != nil || name != 1 {
		t.Errorf("answered by %d, %v", name, err)
	}
}

func TestPathShutDownIsMadeAnew(t *testing.T) {
	g := newGroups(t, Spread)
	address := Address{Kind: Unix, Path: t.TempDir() + "/x"}
	old := online(t, g, 1, address)[0]
	shut(t, old)
	next := take(t, g, 1, address)
	must(t, next.Listen(1))
	serve(t, next, 1)
	if name := askPath(t, address); name != 1 {
		t.Errorf("answered by %d", name)
	}
	if err := old.Listen(1); err == nil || old.Descriptor() != -1 {
		t.Errorf("the member that was shut down: descriptor %d, Listen %v", old.Descriptor(), err)
	}
}
