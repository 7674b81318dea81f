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
	stops    chan os.Signal // apart, so that a flood of others cannot crowd them out
	others   chan os.Signal
	rtMin    *rtMinEar     // nil when signal 34 is not for gorun; set when complete is closed
	complete chan struct{} // closed when every signal is received

	mu     sync.Mutex
	counts map[unix.Signal]uint64
}

// Actions are the doers behind the meanings. None of them may block: the loop
// that calls them also reaps.
type Actions struct {
	Reap    func()
	Stop    func(unix.Signal)
	Reload  func()
	Reopen  func()
	Forward func(unix.Signal)
}

// queue is how many signals may wait for the loop: more than there are. What
// finds it full is dropped.
const queue = 128

// NewListener starts to receive. Call it before anything is started: a signal that
// arrives earlier has its default effect. A signal that gorun was started with as
// ignored stays ignored, for gorun and for its children. A process has one Listener
// at a time.
//
// SIGCHLD and the signals that mean Stop are received when NewListener returns; the
// others, each of which costs os/signal a hand-over between threads, when Complete
// is closed.
func NewListener() *Listener {
	l := &Listener{
		children: make(chan os.Signal, 1),
		stops:    make(chan os.Signal, queue),
		others:   make(chan os.Signal, queue),
		complete: make(chan struct{}),
		counts:   map[unix.Signal]uint64{unix.SIGHUP: 0, unix.SIGINT: 0, unix.SIGQUIT: 0, unix.SIGTERM: 0, unix.SIGUSR2: 0},
	}
	deaf := ignored()
	signal.Notify(l.children, unix.SIGCHLD)
	listen(l.stops, heard(deaf, stopping()))
	go l.hearOthers(deaf)
	return l
}

func (l *Listener) hearOthers(deaf uint64) {
	defer close(l.complete)
	listen(l.others, heard(deaf, others()))
	if len(heard(deaf, []unix.Signal{rtMin})) > 0 {
		// Where it cannot be had, signal 34 keeps its default effect.
		l.rtMin, _ = hearRTMin(l.others)
	}
}

// Complete is closed when every signal is received. Start nothing before.
func (l *Listener) Complete() <-chan struct{} { return l.complete }

// listen spares Notify an empty list, by which it understands all signals.
func listen(ch chan os.Signal, list []os.Signal) {
	if len(list) > 0 {
		signal.Notify(ch, list...)
	}
}

// stopping lists the signals that mean the end.
func stopping() []unix.Signal {
	return []unix.Signal{unix.SIGINT, unix.SIGQUIT, unix.SIGTERM}
}

// others lists the rest: all that os/signal can tell apart from the runtime's
// own, SIGURG and SIGPROF. Asking for all of them at once costs a millisecond
// and seven threads. Of faults (SIGSEGV, …) it delivers those that somebody sent;
// unasked for, they would end gorun.
func others() []unix.Signal {
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

// heard leaves out what is ignored.
func heard(ignored uint64, signals []unix.Signal) []os.Signal {
	var list []os.Signal
	for _, sig := range signals {
		if ignored&(1<<(sig-1)) == 0 {
			list = append(list, sig)
		}
	}
	return list
}

// ignored returns the set of signals that this process ignores, as inherited:
// bit n-1 stands for signal n. The Go runtime has replaced the dispositions of
// all but HUP, INT, TSTP, TTIN and TTOU by then.
func ignored() uint64 {
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

// Received tells how often each signal arrived, by name: those that mean something
// to gorun, and whichever others came. SIGCHLD and what the kernel merged are not
// counted.
func (l *Listener) Received() map[string]uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	named := make(map[string]uint64, len(l.counts))
	for sig, n := range l.counts {
		named[Name(sig)] = n
	}
	return named
}

// Close gives the signals back to their default effect.
func (l *Listener) Close() {
	signal.Stop(l.children)
	signal.Stop(l.stops)
	signal.Stop(l.others)
	<-l.complete
	if l.rtMin != nil {
		l.rtMin.close()
	}
}
