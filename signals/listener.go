package signals

import (
	"bytes"
	"context"
	"os"
	"os/signal"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// Listener receives the signals that others send to gorun.
type Listener struct {
	children chan os.Signal // SIGCHLD: one stands for any number
	stops    chan os.Signal // separate: a flood of others must not fill its buffer
	others   chan os.Signal
	rtMin    *rtMinListener // nil: signal 34 is ignored or cannot be caught; set when complete is closed
	complete chan struct{}  // closed when every signal is received

	mu     sync.Mutex
	counts map[unix.Signal]uint64
}

// Actions are called by Run, one for each meaning. None of them may block: the same
// loop reaps.
type Actions struct {
	Reap    func()
	Stop    func(unix.Signal)
	Reload  func()
	Reopen  func()
	Forward func(unix.Signal)
}

// queueSize is how many signals may wait for the loop: more than there are kinds. A
// signal that finds the queue full is dropped.
const queueSize = 128

// NewListener starts to receive. Call it before anything is started: a signal that
// arrives earlier has its default effect. A signal that gorun was started with as
// ignored stays ignored, for gorun and for its children. A process has one Listener
// at a time.
//
// SIGCHLD and the signals that mean Stop are received when NewListener returns; the
// others, each of which costs os/signal a switch between threads, when Complete is
// closed.
func NewListener() *Listener {
	l := &Listener{
		children: make(chan os.Signal, 1),
		stops:    make(chan os.Signal, queueSize),
		others:   make(chan os.Signal, queueSize),
		complete: make(chan struct{}),
		counts:   map[unix.Signal]uint64{unix.SIGHUP: 0, unix.SIGINT: 0, unix.SIGQUIT: 0, unix.SIGTERM: 0, unix.SIGUSR2: 0},
	}
	ignored := ignoredSignals()
	signal.Notify(l.children, unix.SIGCHLD)
	listen(l.stops, notIgnored(ignored, stopSignals()))
	go l.listenOthers(ignored)
	return l
}

func (l *Listener) listenOthers(ignored uint64) {
	defer close(l.complete)
	listen(l.others, notIgnored(ignored, otherSignals()))
	if len(notIgnored(ignored, []unix.Signal{rtMin})) > 0 {
		// On an error signal 34 keeps its default effect.
		l.rtMin, _ = listenRTMin(l.others)
	}
}

// Complete is closed when every signal is received. Start nothing before.
func (l *Listener) Complete() <-chan struct{} { return l.complete }

// listen does not pass Notify an empty list, which would mean every signal.
func listen(ch chan os.Signal, list []os.Signal) {
	if len(list) > 0 {
		signal.Notify(ch, list...)
	}
}

// stopSignals lists the signals that mean Stop.
func stopSignals() []unix.Signal {
	return []unix.Signal{unix.SIGINT, unix.SIGQUIT, unix.SIGTERM}
}

// otherSignals lists the rest: all that os/signal distinguishes from the runtime's own,
// SIGURG and SIGPROF. Asking for every signal at once costs a millisecond and seven
// threads. Of faults (SIGSEGV, …) it delivers those that a process has sent; without
// Notify they would end gorun.
func otherSignals() []unix.Signal {
	list := []unix.Signal{
		unix.SIGHUP, unix.SIGILL, unix.SIGTRAP, unix.SIGABRT, unix.SIGBUS, unix.SIGFPE, unix.SIGUSR1, unix.SIGSEGV,
		unix.SIGUSR2, unix.SIGPIPE, unix.SIGALRM, unix.SIGSTKFLT, unix.SIGCONT, unix.SIGTSTP, unix.SIGTTIN,
		unix.SIGTTOU, unix.SIGXCPU, unix.SIGXFSZ, unix.SIGVTALRM, unix.SIGWINCH, unix.SIGIO, unix.SIGPWR, unix.SIGSYS,
	}
	for sig := rtMin + 1; sig <= rtMax; sig++ {
		list = append(list, sig)
	}
	return list
}

// notIgnored returns the signals that are not in the set.
func notIgnored(ignored uint64, signals []unix.Signal) []os.Signal {
	var list []os.Signal
	for _, sig := range signals {
		if ignored&(1<<(sig-1)) == 0 {
			list = append(list, sig)
		}
	}
	return list
}

// ignoredSignals returns the set of signals that this process ignores, as
// inherited: bit n-1 stands for signal n. The Go runtime has replaced the
// dispositions of all but HUP, INT, TSTP, TTIN and TTOU by then.
func ignoredSignals() uint64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, after, _ := bytes.Cut(status, []byte("\nSigIgn:\t"))
	line, _, _ := bytes.Cut(after, []byte("\n"))
	set, err := strconv.ParseUint(string(line), 16, 64)
	if err != nil {
		return 0
	}
	return set
}

// Run dispatches until ctx ends.
func (l *Listener) Run(ctx context.Context, mean func(unix.Signal) Meaning, do Actions) {
	for {
		select {
		case <-l.children:
			do.Reap()
		case received := <-l.stops:
			l.dispatch(received, mean, do)
		case received := <-l.others:
			l.dispatch(received, mean, do)
		case <-ctx.Done():
			return
		}
	}
}

func (l *Listener) dispatch(received os.Signal, mean func(unix.Signal) Meaning, do Actions) {
	if sig, ok := received.(unix.Signal); ok {
		l.count(sig)
		do.dispatch(mean(sig), sig)
	}
}

func (do Actions) dispatch(meaning Meaning, sig unix.Signal) {
	switch meaning {
	case Drop:
	case Reap:
		do.Reap()
	case Stop:
		do.Stop(sig)
	case Reload:
		do.Reload()
	case Reopen:
		do.Reopen()
	case Forward:
		do.Forward(sig)
	}
}

func (l *Listener) count(sig unix.Signal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts[sig]++
}

// Received returns how often each signal arrived, by name: those with a meaning of
// their own, and any other that came. SIGCHLD and signals that the kernel merged are
// not counted.
func (l *Listener) Received() map[string]uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	named := make(map[string]uint64, len(l.counts))
	for sig, n := range l.counts {
		named[Name(sig)] = n
	}
	return named
}

// Close restores the default effect of the signals.
func (l *Listener) Close() {
	signal.Stop(l.children)
	signal.Stop(l.stops)
	signal.Stop(l.others)
	<-l.complete
	if l.rtMin != nil {
		l.rtMin.close()
	}
}
