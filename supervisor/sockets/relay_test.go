package sockets

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// strand leaves n connections on a member whose owner has gone. Owner 1 is
// online, and its member is returned.
func strand(t *testing.T, g *Groups, n int, address Address) (*Member, []net.Conn) {
	t.Helper()
	members := online(t, g, 2, address)
	must(t, g.Offline(1))
	all := connect(t, n, members[0].Address())
	eventually(t, "they wait", func() bool { return waiting(t, g, 0) == n })
	must(t, g.Replace(0, 1))
	must(t, g.Release(0))
	return members[1], all
}

func TestRelayedConnectionsAreAnswered(t *testing.T) {
	for _, ip := range []string{"127.0.0.1", "0.0.0.0", "::", "::1", "::ffff:127.0.0.1"} {
		g := newGroups(t, Spread)
		m, all := strand(t, g, 30, at(ip))
		serve(t, m, 1)
		if n := g.Relay(); n != 30 {
			t.Errorf("%s: %d taken up, want 30", ip, n)
		}
		answered(t, all, 1)
		if n := g.Relayed()[m.Address()]; n != 30 {
			t.Errorf("%s: %d counted, want 30", ip, n)
		}
		if n := g.Relay(); n != 0 {
			t.Errorf("%s: %d taken up again", ip, n)
		}
	}
}

func TestRelayWaitsForSomebodyOnline(t *testing.T) {
	g := newGroups(t, Spread)
	_, all := strand(t, g, 5, at("127.0.0.1"))
	must(t, g.Offline(1))
	if n := g.Relay(); n != 0 {
		t.Fatalf("%d taken up while nobody is online", n)
	}
	next := take(t, g, 2, at("127.0.0.1"))
	serve(t, next, 2)
	answered(t, all, 2)
}

func TestRelayLeavesWhatHasAnOwner(t *testing.T) {
	g := newGroups(t, Spread)
	members := online(t, g, 2, at("127.0.0.1"))
	must(t, g.Offline(1))
	all := connect(t, 5, members[0].Address())
	must(t, g.Replace(0, 1)) // 0 drains
	if n := g.Relay(); n != 0 {
		t.Errorf("%d taken up", n)
	}
	serve(t, members[0], 0)
	answered(t, all, 0)
}

// More than any buffer holds, then the other way; each end says when it has ended.
func TestRelayPassesEveryByteAndTheHalfClose(t *testing.T) {
	g := newGroups(t, Spread)
	m, all := strand(t, g, 3, at("127.0.0.1"))
	l := listener(t, m)
	var workers sync.WaitGroup
	workers.Go(func() {
		for range all {
			c, err := l.Accept()
			if err != nil {
				t.Error(err)
				return
			}
			workers.Go(func() { answerWithHash(t, c) })
		}
	})
	g.Relay()
	for i, c := range all {
		data := make([]byte, 3<<20+i)
		chance := rand.NewChaCha8([32]byte{byte(i)})
		_, _ = chance.Read(data)
		_ = c.SetDeadline(time.Now().Add(patience))
		_, err := c.Write(data)
		must(t, err)
		must(t, tcp(t, c).CloseWrite())
		got, err := io.ReadAll(c)
		must(t, err)
		if want := sha256.Sum256(data); !bytes.Equal(got, bytes.Repeat(want[:], 1<<15)) {
			t.Errorf("connection %d: %d bytes came back, not what was expected", i, len(got))
		}
	}
	workers.Wait()
}

// answerWithHash reads to the end, and only then answers, a megabyte.
func answerWithHash(t *testing.T, c net.Conn) {
	t.Helper()
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	hash := sha256.New()
	if _, err := io.Copy(hash, c); err != nil {
		t.Error(err)
	}
	if _, err := c.Write(bytes.Repeat(hash.Sum(nil), 1<<15)); err != nil {
		t.Error(err)
	}
}

// Python's servers make their listening socket a blocking one: the relay waited in
// accept(2) for ever, and took what came later from the next worker.
func TestAMemberThatItsWorkerMadeBlockingIsRelayed(t *testing.T) {
	g := New(Spread)
	defer g.Close()
	m, all := strand(t, g, 3, at("127.0.0.1"))
	for _, of := range g.groups {
		for _, member := range of.members {
			must(t, unix.SetNonblock(member.fd, false))
		}
	}
	l := listener(t, m)
	relayed := make(chan int)
	go func() { relayed <- g.Relay() }()
	select {
	case n := <-relayed:
		if n != len(all) {
			t.Errorf("%d connections were relayed, want %d", n, len(all))
		}
	case <-time.After(patience):
		t.Fatal("the relay waits in accept")
	}
	for range all {
		c, err := l.Accept()
		must(t, err)
		_ = c.Close()
	}
}

func TestCloseEndsWhatIsRelayed(t *testing.T) {
	files, routines := descriptors(t), runtime.NumGoroutine()
	g := New(Spread)
	m, all := strand(t, g, 20, at("127.0.0.1"))
	l := listener(t, m)
	g.Relay()
	for range all {
		c, err := l.Accept()
		must(t, err)
		defer c.Close()
	}
	g.Close()
	for _, c := range all {
		_ = c.SetDeadline(time.Now().Add(patience))
		if _, err := c.Read(make([]byte, 1)); err == nil || isTimeout(err) {
			t.Errorf("a relayed connection lives on: %v", err)
		}
		_ = c.Close()
	}
	_ = l.Close()
	eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= routines })
	eventually(t, "no descriptor is left but what the worker has", func() bool {
		runtime.GC() // ends the pool of pipes that io.Copy splices through
		return descriptors(t) <= files+len(all)+1
	})
}

// A worker that is online and accepts nothing does not hold up Close.
func TestCloseEndsRelaysThatWait(t *testing.T) {
	g := New(Spread)
	m, _ := strand(t, g, 20, at("127.0.0.1"))
	must(t, m.Listen(1)) // a queue of two: most relays cannot connect
	if n := g.Relay(); n != 20 {
		t.Errorf("%d taken up", n)
	}
	g.Close()
}

func TestRelayEndsWithItsWorker(t *testing.T) {
	g := newGroups(t, Spread)
	m, all := strand(t, g, 1, at("127.0.0.1"))
	l := listener(t, m)
	g.Relay()
	c, err := l.Accept()
	must(t, err)
	must(t, tcp(t, c).SetLinger(0))
	_ = c.Close() // with a reset, as when a process dies with data unread
	_ = all[0].SetDeadline(time.Now().Add(patience))
	if _, err := all[0].Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("error %v", err)
	}
	eventually(t, "it is forgotten", func() bool {
		g.relays.mu.Lock()
		defer g.relays.mu.Unlock()
		return len(g.relays.open) == 0
	})
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}
