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
	// company is how long the lines after a small read gather in the pipe, so
	// that a program that writes them one by one costs one wake-up for many. The
	// pipe takes ten thousand short ones: the program does not notice.
	company = time.Millisecond
	// small is a read that is worth waiting for company.
	small = bufferSize / 4
)

// request asks a stream to hand on what is in its pipe.
type request struct {
	answered chan struct{}
	last     bool // and to end
}

// stream reads one pipe. All but the channels and the tail is run's.
type stream struct {
	worker *Worker
	outlet *outlet
	kind   Stream
	in     *gate
	asked  chan request
	quit   <-chan struct{}
	done   chan struct{} // closed: run has ended
	timer  *time.Timer
	tail   tail

	buf []byte // nil while there is nothing to keep
	end int    // buf[:end] is an unfinished line
	got int    // by the last read

	ended time.Time // the last step
}

func newStream(c *Capture, kind Stream, in *gate) *stream {
	s := &stream{
		worker: c.worker, outlet: c.outlet, kind: kind, in: in, quit: c.quit,
		asked: make(chan request, 1),
		done:  make(chan struct{}),
		timer: time.NewTimer(company),
	}
	s.timer.Stop()
	return s
}

// ask passes r to run and wakes it; a no-op when run has ended or ctx is over.
func (s *stream) ask(ctx context.Context, r request) request {
	select {
	case s.asked <- r:
		s.in.wake()
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
		s.pass(s.buf[:s.end])
	}
	s.letGo()
}

func (s *stream) step() bool {
	if err := s.in.pass(s.fill); err != nil {
		return errors.Is(err, os.ErrDeadlineExceeded) && s.woken()
	}
	if !s.take(s.got) {
		return false
	}
	// A line after a silence is most often alone, and waiting costs a wake-up.
	alone := time.Since(s.ended) > company
	ok := alone || s.got > small || s.rest()
	s.ended = time.Now()
	return ok
}

// fill reads once behind what is kept.
func (s *stream) fill() error {
	s.buf = s.worker.out.buffers.room(s.buf, s.end)
	n, err := s.in.read(s.buf[s.end:])
	s.got = n
	switch {
	case err == nil && n == 0:
		return io.EOF
	case errors.Is(err, unix.EAGAIN) && s.end == 0:
		s.letGo() // an idle worker keeps no buffer
	}
	return err
}

// rest waits for company, or for a request.
func (s *stream) rest() bool {
	s.timer.Reset(company)
	defer s.timer.Stop()
	select {
	case <-s.timer.C:
		return true
	case r := <-s.asked:
		return s.answer(r)
	case <-s.quit:
		return false
	}
}

// woken comes after wake. The deadline goes first: who asks later sets it anew.
func (s *stream) woken() bool {
	if err := s.in.awake(); err != nil {
		return false
	}
	select {
	case r := <-s.asked:
		return s.answer(r)
	case <-s.quit:
		return false
	default:
		return true
	}
}

func (s *stream) answer(r request) bool {
	ok := s.drain()
	close(r.answered)
	return ok && !r.last
}

// drain hands on what the pipe holds now and no more: another process may be
// writing to it for ever.
func (s *stream) drain() bool {
	for left := s.in.waiting(); left > 0; left -= s.got {
		if err := s.fill(); err != nil || !s.take(s.got) {
			return false
		}
	}
	return true
}

// take hands on the whole lines after a read of n bytes, and keeps the rest. A
// line longer than maxLine is handed on in pieces. False: given up.
func (s *stream) take(n int) bool {
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
		ok = s.pass(s.buf[:piece])
	}
	if whole > 0 {
		ok = s.pass(s.buf[piece:whole]) && ok
	}
	if whole = max(whole, piece); whole > 0 {
		s.buf = s.worker.out.buffers.keep(s.buf, whole, s.end)
		s.end -= whole
	}
	return ok
}

// pass hands lines on: gorun's output before the files, so that none can hold it
// up, and the history before both.
func (s *stream) pass(lines []byte) bool {
	w, now := s.worker, s.worker.out.now()
	w.count(s.kind, w.kept[s.kind].add(&w.out.history, now, lines), len(lines))
	w.out.history.announce()
	ok := true
	s.render(s.outlet.shown, now, lines, func(text []byte) {
		ok = ok && w.out.sinks[s.kind].write(s.quit, s, text)
	})
	for _, f := range s.outlet.files[s.kind] {
		s.render(s.outlet.filed, now, lines, func(text []byte) { f.write(s, now, text) })
	}
	return ok
}

func (s *stream) letGo() {
	s.worker.out.buffers.put(s.buf)
	s.buf = nil
}

// runeCut is where a piece of a longer line ends: within limit, and not inside a rune.
func runeCut(line []byte, limit int) int {
	for cut := limit; cut > limit-utf8.UTFMax; cut-- {
		if utf8.RuneStart(line[cut]) {
			return cut
		}
	}
	return limit
}
