package signals

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	modeVariable = "GORUN_TEST_WORKER"
	patience     = time.Minute
)

func TestMain(m *testing.M) {
	switch os.Getenv(modeVariable) {
	case "":
		os.Exit(m.Run())
	case "ignore":
		ignoreAndListen()
	case "listen":
		printStatus()
	}
}

// ignoreAndListen becomes a program that was started with signals ignored.
func ignoreAndListen() {
	const ignore = 1 // SIG_IGN
	for _, sig := range []unix.Signal{unix.SIGHUP, rtMin} {
		if err := setAction(sig, sigaction{handler: ignore}); err != nil {
			panic(err)
		}
	}
	panic(syscall.Exec("/proc/self/exe", os.Args, []string{modeVariable + "=listen", "PATH=" + os.Getenv("PATH")}))
}

// completeListener returns a Listener that receives every signal.
func completeListener() *Listener {
	l := NewListener()
	<-l.Complete()
	return l
}

// printStatus tells how signals stand, here and in a child.
func printStatus() {
	<-NewListener().Complete()
	own, err := os.ReadFile("/proc/self/status")
	if err != nil {
		panic(err)
	}
	child, err := exec.Command("cat", "/proc/self/status").Output()
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s%s", own, child)
}

// status runs the test binary and returns whether it, and a child of it, ignore
// and catch the signals.
func status(t *testing.T, mode string, sigs ...unix.Signal) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/proc/self/exe")
	cmd.Env = []string{modeVariable + "=" + mode, "PATH=" + os.Getenv("PATH")}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var words []string
	for _, found := range regexp.MustCompile(`Sig(Ign|Cgt):\t(\w+)`).FindAllStringSubmatch(string(out), -1) {
		set, err := strconv.ParseUint(found[2], 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		for _, sig := range sigs {
			if set&(1<<(sig-1)) != 0 {
				words = append(words, found[1]+" "+Name(sig))
			}
		}
	}
	return strings.Join(words, ", ")
}

func TestChildrenGetTheDefault(t *testing.T) {
	got := status(t, "listen", unix.SIGHUP, unix.SIGUSR1, rtMin, rtMin+1)
	if want := "Cgt SIGHUP, Cgt SIGUSR1, Cgt SIGRTMIN, Cgt SIGRTMIN+1"; got != want {
		t.Errorf("parent and child: %s, want the parent's alone: %s", got, want)
	}
}

func TestInheritedIgnoredSignalsStaySo(t *testing.T) {
	got := status(t, "ignore", unix.SIGHUP, rtMin)
	if want := "Ign SIGHUP, Ign SIGRTMIN, Ign SIGHUP, Ign SIGRTMIN"; got != want {
		t.Errorf("parent and child: %s, want %s", got, want)
	}
}

// dispatched runs a Listener whose actions send a word for each signal.
func dispatched(t *testing.T, mean func(unix.Signal) Meaning) (*Listener, <-chan string) {
	t.Helper()
	l := completeListener()
	words := make(chan string)
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	say := func(word string) {
		select {
		case words <- word:
		case <-ctx.Done():
		}
	}
	go func() {
		defer close(over)
		l.Run(ctx, mean, Actions{
			Reap:    func() { say("reap") },
			Stop:    func(sig unix.Signal) { say("stop " + Name(sig)) },
			Reload:  func() { say("reload") },
			Reopen:  func() { say("reopen") },
			Forward: func(sig unix.Signal) { say("forward " + Name(sig)) },
		})
	}()
	t.Cleanup(func() {
		l.Close()
		cancel()
		<-over
	})
	return l, words
}

func send(t *testing.T, sig unix.Signal) {
	t.Helper()
	if err := unix.Kill(os.Getpid(), sig); err != nil {
		t.Fatal(err)
	}
}

func receive(t *testing.T, words <-chan string) string {
	t.Helper()
	select {
	case word := <-words:
		return word
	case <-time.After(patience):
		t.Fatal("no signal arrived")
		return ""
	}
}

func TestActionsFollowTheMeanings(t *testing.T) {
	_, words := dispatched(t, Supervising)
	tests := []struct {
		sig  unix.Signal
		want string
	}{
		{unix.SIGTERM, "stop SIGTERM"},
		{unix.SIGINT, "stop SIGINT"},
		{unix.SIGQUIT, "stop SIGQUIT"},
		{unix.SIGHUP, "reload"},
		{unix.SIGUSR2, "reopen"},
		{unix.SIGUSR1, "forward SIGUSR1"},
		{unix.SIGCHLD, "reap"},
		{unix.SIGTSTP, "forward SIGTSTP"},
		{rtMin, "forward SIGRTMIN"},
	}
	for _, test := range tests {
		send(t, test.sig)
		if got := receive(t, words); got != test.want {
			t.Errorf("%s: %s, want %s", Name(test.sig), got, test.want)
		}
	}
}

func TestEverySignalArrivesOnce(t *testing.T) {
	l, words := dispatched(t, Forwarding)
	want := map[string]uint64{}
	for _, sig := range slices.Concat(stopSignals(), otherSignals(), []unix.Signal{rtMin}) {
		send(t, sig)
		if sig == unix.SIGPIPE {
			eventually(t, func() bool { return l.Received()["SIGPIPE"] == 1 }) // dropped, but counted
		} else if got := receive(t, words); got != "forward "+Name(sig) {
			t.Errorf("got %s, want %s forwarded", got, Name(sig))
		}
		want[Name(sig)] = 1
	}
	if got := l.Received(); !maps.Equal(got, want) {
		t.Errorf("Received() = %v, want %v", got, want)
	}
}

func TestNoRTMinIsLostInABurst(t *testing.T) {
	const burst = 2000
	l, words := dispatched(t, Forwarding)
	go func() {
		for range burst {
			_ = unix.Kill(os.Getpid(), rtMin)
		}
	}()
	for range burst {
		receive(t, words)
	}
	send(t, unix.SIGUSR1)
	if got := receive(t, words); got != "forward SIGUSR1" || l.Received()["SIGRTMIN"] != burst {
		t.Errorf("after %d signals came %s, and %v were counted", burst, got, l.Received())
	}
}

func TestFloodDoesNotCrowdOutTheStop(t *testing.T) {
	l, words := dispatched(t, Supervising)
	eventually(t, func() bool {
		send(t, unix.SIGUSR1)
		return len(l.others) == cap(l.others)
	})
	send(t, unix.SIGTERM)
	for receive(t, words) != "stop SIGTERM" {
	}
}

func TestListenerCanBeClosedAndReplaced(t *testing.T) {
	for range 3 {
		l := completeListener()
		l.Close()
	}
	_, words := dispatched(t, Forwarding)
	send(t, rtMin)
	if got := receive(t, words); got != "forward SIGRTMIN" {
		t.Errorf("got %s", got)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	l := completeListener()
	t.Cleanup(l.Close)
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() {
		l.Run(ctx, Forwarding, Actions{})
		close(over)
	}()
	cancel()
	select {
	case <-over:
	case <-time.After(patience):
		t.Error("Run goes on")
	}
}

func eventually(t *testing.T, happened func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !happened() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("it did not happen in time")
		}
	}
}

// A rate of a counter that appears with its first event misses that.
func TestASignalThatHasNotComeIsToldAsZero(t *testing.T) {
	l, _ := dispatched(t, Supervising)
	if n, counted := l.Received()["SIGTERM"]; n != 0 || !counted {
		t.Errorf("Received() = %v, want SIGTERM in it with 0", l.Received())
	}
}
