package logs

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Identity names a worker in its lines and its files.
type Identity struct {
	App       string
	Instance  int // within the app: the number in file names
	ID        int // within gorun: pm_id
	Namespace string
}

// Counts are the lines and bytes that a worker has written since gorun started, by Stream.
type Counts struct {
	Lines, Bytes [2]uint64
}

// Worker is the output of one worker over all runs of its process.
type Worker struct {
	out         *Output
	id          Identity
	color       string
	destination *destination // guarded by Output.mu
	rings       [2]*ring
	closed      sync.Once
	totals      [2]struct{ lines, bytes atomic.Uint64 }
}

// Capture makes two pipes for one run of the process and starts to read them. It
// never waits for a disk.
func (w *Worker) Capture() (*Capture, error) {
	c := &Capture{worker: w, destination: w.out.retain(w), quit: make(chan struct{})}
	for kind := range c.streams {
		in, child, err := newPipe()
		if err != nil {
			return nil, errors.Join(fmt.Errorf("pipe for the output of %s: %w", w.id.App, err), c.abandon())
		}
		c.children[kind], c.streams[kind] = child, newStream(c, Stream(kind), in)
	}
	for _, s := range c.streams {
		go s.run()
	}
	w.out.mu.Lock()
	defer w.out.mu.Unlock()
	w.out.captures[c] = struct{}{}
	return c, nil
}

// Reconfigure sets the destination of later captures; earlier ones keep their files.
// It never waits for a disk.
func (w *Worker) Reconfigure(c Config) {
	next := w.out.newDestination(w.id, c)
	w.out.mu.Lock()
	old := w.destination
	w.destination = next
	w.out.mu.Unlock()
	w.out.releaseDestination(old)
}

// Counts may be called at any time; it never waits.
func (w *Worker) Counts() Counts {
	var c Counts
	for kind := range w.totals {
		c.Lines[kind] = w.totals[kind].lines.Load()
		c.Bytes[kind] = w.totals[kind].bytes.Load()
	}
	return c
}

// Close closes the worker's files, in the background, and ends its history; its
// captures must have ended.
func (w *Worker) Close() {
	w.closed.Do(func() {
		w.out.history.remove(w)
		w.out.releaseDestination(w.out.destinationOf(w))
	})
}

func (w *Worker) count(kind Stream, lines, size int) {
	w.totals[kind].lines.Add(uint64(lines))
	w.totals[kind].bytes.Add(uint64(size))
}

func (w *Worker) label() string { return strconv.Itoa(w.id.ID) + "|" + w.id.App }

// pipeSize is the most that pipe(7) gives to an ordinary user. Node sets its
// stdout to non-blocking, and at process.exit() drops what does not fit.
const pipeSize = 1 << 20

// pipe has a blocking write end, which a child can take for an ordinary stdout;
// os.Pipe would make both ends non-blocking.
func newPipe() (*pipeReader, *os.File, error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return nil, nil, fmt.Errorf("pipe2: %w", err)
	}
	_, _ = unix.FcntlInt(uintptr(fds[1]), unix.F_SETPIPE_SZ, pipeSize) // refused: the pipe works as it is
	in, err := newPipeReader(fds[0])
	if err != nil {
		return nil, nil, errors.Join(err, unix.Close(fds[0]), unix.Close(fds[1]))
	}
	return in, os.NewFile(uintptr(fds[1]), "worker output"), nil
}
