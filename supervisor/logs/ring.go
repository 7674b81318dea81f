package logs

import (
	"bytes"
	"encoding/binary"
	"iter"
	"sync"
	"time"
)

const (
	// ringSize is the history of one stream of a worker: 4 MiB for 64 workers.
	ringSize  = 32 << 10
	firstSize = 512
	// blockSize is about how much is overwritten at once.
	blockSize = 4 << 10
	// longest is where a line in the history is cut; an ellipsis stands for the rest.
	longest = 8 << 10
	// headSize is the size of a block's head: number of the first line, time, size with cut mark, number of lines.
	headSize = 8 + 8 + 4 + 4
	cutMark  = 1 << 31
)

// ring keeps the last lines of one stream of a worker, as blocks of whole lines
// with a head each. Stdout and stderr have a ring each, so that neither evicts the other.
type ring struct {
	id   Identity
	kind Stream

	mu      sync.Mutex // guards the rest; never held while waiting
	buf     []byte     // grows to ringSize before anything is overwritten
	base    uint64     // buf[0], in bytes ever written
	start   uint64     // the oldest block, in the same count
	end     uint64     // where the next block goes
	written uint64     // lines, kept or not
}

// block is some lines of one read.
type block struct {
	first uint64 // the number of the first line
	nanos int64
	lines int
	text  []byte // the last newline may be missing
	cut   bool   // the text is the start of one line
}

// add numbers and keeps the lines of p, and returns how many they are. Numbers are
// given under the lock: its next holder sees all lines up to a number known before.
func (r *ring) add(h *history, now time.Time, p []byte) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	total, nanos := 0, now.UnixNano()
	if early := len(p) - ringSize; early > 0 { // would be overwritten at once
		early = bytes.LastIndexByte(p[:early], '\n') + 1
		total = bytes.Count(p[:early], newline)
		h.reserve(total)
		p = p[early:]
	}
	for len(p) > 0 {
		b, size := firstBlock(p)
		b.first, b.nanos = h.reserve(b.lines), nanos
		r.push(b)
		total += b.lines
		p = p[size:]
	}
	r.written += uint64(total)
	return total
}

// since copies the blocks from a position on that are still there, and returns
// where the copy begins and how many lines have been written in all.
func (r *ring) since(from uint64, dst []byte) (data []byte, at, written uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at = max(from, r.start)
	data = dst[:r.end-at]
	if len(data) > 0 {
		r.peek(at, data)
	}
	return data, at, r.written
}

// total is the number of lines so far.
func (r *ring) total() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.written
}

func (r *ring) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.buf = nil
	r.base, r.start = r.end, r.end
}

func (r *ring) push(b block) {
	r.makeRoom(headSize + len(b.text))
	head := b.head()
	r.put(head[:])
	r.put(b.text)
}

// makeRoom grows the buffer, or drops the oldest blocks.
func (r *ring) makeRoom(need int) {
	used := int(r.end - r.base)
	if len(r.buf) < ringSize && used+need > len(r.buf) {
		grown := make([]byte, min(ringSize, max(firstSize, 2*len(r.buf), used+need)))
		copy(grown, r.buf)
		r.buf = grown
	}
	for int(r.end-r.start)+need > len(r.buf) {
		var head [headSize]byte
		r.peek(r.start, head[:])
		_, size := decode(head[:])
		r.start += uint64(headSize + size)
	}
}

func (r *ring) put(p []byte) {
	n := copy(r.buf[r.index(r.end):], p)
	copy(r.buf, p[n:])
	r.end += uint64(len(p))
}

func (r *ring) peek(at uint64, p []byte) {
	n := copy(p, r.buf[r.index(at):])
	copy(p[n:], r.buf)
}

func (r *ring) index(at uint64) int { return int((at - r.base) % uint64(len(r.buf))) }

func (b block) head() (head [headSize]byte) {
	size := uint32(len(b.text))
	if b.cut {
		size |= cutMark
	}
	binary.LittleEndian.PutUint64(head[0:], b.first)
	binary.LittleEndian.PutUint64(head[8:], uint64(b.nanos))
	binary.LittleEndian.PutUint32(head[16:], size)
	binary.LittleEndian.PutUint32(head[20:], uint32(b.lines))
	return head
}

// decode reads a head; size bytes of text follow it.
func decode(head []byte) (b block, size int) {
	mark := binary.LittleEndian.Uint32(head[16:])
	return block{
		first: binary.LittleEndian.Uint64(head[0:]),
		nanos: int64(binary.LittleEndian.Uint64(head[8:])),
		lines: int(binary.LittleEndian.Uint32(head[20:])),
		cut:   mark&cutMark != 0,
	}, int(mark &^ cutMark)
}

// blocks reads a copy of a ring.
func blocks(data []byte) iter.Seq[block] {
	return func(yield func(block) bool) {
		for len(data) > 0 {
			b, size := decode(data)
			b.text = data[headSize : headSize+size]
			data = data[headSize+size:]
			if !yield(b) {
				return
			}
		}
	}
}

// singles reads the lines in (after, upto], each as a block of one line.
func singles(data []byte, after, upto uint64) iter.Seq[block] {
	return func(yield func(block) bool) {
		for b := range blocks(data[sizeUpTo(data, after):]) {
			for rest := b.text; b.lines > 0; b.first++ {
				b.text, rest, _ = bytes.Cut(rest, newline)
				b.lines--
				if b.first > upto || b.first > after && !yield(b) {
					return
				}
			}
		}
	}
}

// sizeUpTo is the size of the blocks that hold no line after the given one.
func sizeUpTo(data []byte, after uint64) (size uint64) {
	for b := range blocks(data) {
		if b.last() > after {
			break
		}
		size += uint64(headSize + len(b.text))
	}
	return size
}

// countAfter counts the lines after a line.
func countAfter(data []byte, after uint64) (lines uint64) {
	for b := range blocks(data) {
		if last := b.last(); last > after {
			lines += min(uint64(b.lines), last-after)
		}
	}
	return lines
}

// last is the number of the last line.
func (b block) last() uint64 { return b.first + uint64(b.lines) - 1 }

// firstBlock returns the block that p begins with, and how much of p it stands for.
func firstBlock(p []byte) (b block, size int) {
	if len(p) <= blockSize {
		return block{text: p, lines: countLines(p)}, len(p)
	}
	if n := bytes.LastIndexByte(p[:blockSize], '\n') + 1; n > 0 {
		return block{text: p[:n], lines: bytes.Count(p[:n], newline)}, n
	}
	line, _, ended := bytes.Cut(p, newline)
	size = len(line)
	if ended {
		size++
	}
	if len(line) > longest {
		return block{text: line[:runeCut(line, longest)], lines: 1, cut: true}, size
	}
	return block{text: line, lines: 1}, size
}

// countLines counts the lines of p; an unfinished last line counts as one.
func countLines(p []byte) int {
	lines := bytes.Count(p, newline)
	if len(p) > 0 && p[len(p)-1] != '\n' {
		lines++
	}
	return lines
}
