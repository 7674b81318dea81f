package logs

import (
	"sync"
	"unicode/utf8"
)

const (
	bufferSize = 64 << 10
	// maxBuffer holds a line of maxLine with its newline, or shows that it is longer.
	maxBuffer = maxLine + utf8.UTFMax
)

// buffers is a pool of read buffers: only a stream with unfinished text keeps one.
type buffers struct {
	pool sync.Pool
}

func (b *buffers) get() []byte {
	buf, ok := b.pool.Get().(*[bufferSize]byte)
	if !ok {
		buf = new([bufferSize]byte)
	}
	return buf[:]
}

// put returns a buffer to the pool; one that grew for a long line is left to the garbage collector.
func (b *buffers) put(buf []byte) {
	if len(buf) == bufferSize {
		b.pool.Put((*[bufferSize]byte)(buf))
	}
}

// grow returns a buffer with buf[:end] and space behind it.
func (b *buffers) grow(buf []byte, end int) []byte {
	if buf == nil {
		return b.get()
	}
	if end < len(buf) {
		return buf
	}
	grown := make([]byte, min(4*len(buf), maxBuffer))
	copy(grown, buf[:end])
	b.put(buf)
	return grown
}

// keep moves buf[from:end] to the front of the smallest buffer that holds it.
func (b *buffers) keep(buf []byte, from, end int) []byte {
	rest := buf[from:end]
	if len(buf) == bufferSize || len(rest) >= bufferSize {
		copy(buf, rest)
		return buf
	}
	smaller := b.get()
	copy(smaller, rest)
	return smaller
}
