package logs

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

const (
	// maxLine is how long a line may be and stay whole.
	maxLine = 1 << 20
	// batchDelay is how long lines gather in the pipe after a small read, so that a
	// program that writes them one by one costs one wake-up for many. The pipe takes
	// ten thousand short ones: the program does not notice.
	batchDelay = time.Millisecond
	// smallRead is the largest read that the batching delay follows.
	smallRead = bufferSize / 4
)

// drainRequest asks a stream to deliver what is in its pipe.
type drainRequest struct {
	done chan struct{}
	last bool // and to end
}

// stream reads one pipe. All fields but the channels and the tail belong to run's goroutine.
type stream struct {
	worker      *Worker
	destination *destination
	kind        Stream
	in          *pipeReader
	requests    chan drainRequest
	quit        <-chan struct{}
	done        chan struct{} // closed: run has ended
	timer       *time.Timer
	tail        tail

	buf []byte // nil while no line is unfinished
	end int    // buf[:end] is an unfinished line
	got int    // by the last read

	ended time.Time // when the last step ended
}

func newStream(c *Capture, kind Stream, in *pipeReader) *stream {
	s := &stream{
		worker: c.worker, destination: c.destination, kind: kind, in: in, quit: c.quit,
		requests: make(chan drainRequest, 1),
		done:     make(chan struct{}),
		timer:    time.NewTimer(batchDelay),
	}
	s.timer.Stop()
	return s
}

// send passes r to run and interrupts its wait; a no-op when run has ended or ctx is over.
func (s *stream) send(ctx context.Context, r drainRequest) drainRequest {
	select {
	case s.requests <- r:
		s.in.interrupt()
	case <-s.done:
	case <-ctx.Done():
	}
	return r
}

// run reads until the last write end is closed, a last request, or quit.
func (s *stream) run() {
	defer close(s.done)
	defer s.in.close()
	for s.step() { // until the end
	}
	if s.end > 0 {
		s.deliver(s.buf[:s.end])
	}
	s.releaseBuffer()
}

func (s *stream) step() bool {
	if err := s.in.wait(s.fill); err != nil {
		return errors.Is(err, os.ErrDeadlineExceeded) && s.interrupted()
	}
	if !s.consume(s.got) {
		return false
	}
	// A line after a silence is most often single, and waiting costs a wake-up.
	single := time.Since(s.ended) > batchDelay
	ok := single || s.got > smallRead || s.waitForMore()
	s.ended = time.Now()
	return ok
}

// fill reads once, behind the unfinished line.
func (s *stream) fill() error {
	s.buf = s.worker.out.buffers.grow(s.buf, s.end)
	n, err := s.in.read(s.buf[s.end:])
	s.got = n
	switch {
	case err == nil && n == 0:
		return io.EOF
	case errors.Is(err, unix.EAGAIN) && s.end == 0:
		s.releaseBuffer() // an idle worker keeps no buffer
	}
	return err
}

// waitForMore waits for the batching delay, or for a request.
func (s *stream) waitForMore() bool {
	s.timer.Reset(batchDelay)
	defer s.timer.Stop()
	select {
	case <-s.timer.C:
		return true
	case r := <-s.requests:
		return s.serve(r)
	case <-s.quit:
		return false
	}
}

// interrupted serves the request that interrupted a wait. It resets the deadline
// first: a later request sets it again.
func (s *stream) interrupted() bool {
	if err := s.in.resume(); err != nil {
		return false
	}
	select {
	case r := <-s.requests:
		return s.serve(r)
	case <-s.quit:
		return false
	default:
		return true
	}
}

func (s *stream) serve(r drainRequest) bool {
	ok := s.drain()
	close(r.done)
	return ok && !r.last
}

// drain delivers what the pipe holds now and no more: another process may write to
// it for ever.
func (s *stream) drain() bool {
	for left := s.in.buffered(); left > 0; left -= s.got {
		if err := s.fill(); err != nil || !s.consume(s.got) {
			return false
		}
	}
	return true
}

// consume delivers the whole lines after a read of n bytes, and keeps the rest. A
// line longer than maxLine is delivered in pieces. False: quit was closed.
func (s *stream) consume(n int) bool {
	fresh := s.buf[s.end : s.end+n]
	s.tail.add(fresh)
	whole := bytes.LastIndexByte(fresh, '\n') + 1
	if whole > 0 {
		whole += s.end
	}
	s.end += n
	piece, ok := 0, true
	if s.end > maxLine && bytes.IndexByte(s.buf[:maxLine+1], '\n') < 0 {
		piece = runeCut(s.buf[:s.end], maxLine)
		ok = s.deliver(s.buf[:piece])
	}
	if whole > 0 {
		ok = s.deliver(s.buf[piece:whole]) && ok
	}
	if whole = max(whole, piece); whole > 0 {
		s.buf = s.worker.out.buffers.keep(s.buf, whole, s.end)
		s.end -= whole
	}
	return ok
}

// deliver passes lines to the history, then to gorun's output, then to the files:
// no file can hold the first two up.
func (s *stream) deliver(lines []byte) bool {
	w, now := s.worker, s.worker.out.now()
	w.count(s.kind, w.rings[s.kind].add(&w.out.history, now, lines), len(lines))
	w.out.history.notify()
	ok := true
	s.render(s.destination.outputLayout, now, lines, func(text []byte) {
		ok = ok && w.out.writers[s.kind].write(s.quit, s, text)
	})
	for _, f := range s.destination.files[s.kind] {
		s.render(s.destination.fileLayout, now, lines, func(text []byte) { f.write(s.quit, s, now, text) })
	}
	return ok
}

func (s *stream) releaseBuffer() {
	s.worker.out.buffers.put(s.buf)
	s.buf = nil
}

// runeCut returns where to cut a longer line: within limit, and not inside a rune.
func runeCut(line []byte, limit int) int {
	for cut := limit; cut > limit-utf8.UTFMax; cut-- {
		if utf8.RuneStart(line[cut]) {
			return cut
		}
	}
	return limit
}
