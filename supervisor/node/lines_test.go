package node

import (
	"bytes"
	"slices"
	"testing"
)

const fewBytes = 8

// whole is what splitter must make of a stream: lines of fewBytes at most.
func whole(stream []byte) (lines []string, dropped int) {
	parts := bytes.Split(stream, []byte{'\n'})
	for i, part := range parts {
		switch {
		case len(part) > fewBytes:
			dropped++
		case i < len(parts)-1:
			lines = append(lines, string(part))
		}
	}
	return lines, dropped
}

func FuzzLinesAreTheSameHoweverTheyArrive(f *testing.F) {
	f.Add([]byte("a\nbc\n\n12345678\n123456789\nd"), []byte{1, 3})
	f.Add([]byte("1234567890123456\nx\n"), []byte{5})
	f.Add([]byte("123456781\n"), []byte{8})
	f.Add([]byte("\n\n\n"), []byte{})
	f.Fuzz(func(t *testing.T, stream, cuts []byte) {
		s := splitter{limit: fewBytes}
		var got []string
		rest := stream
		take := func(n int) {
			n = min(n, len(rest))
			for _, line := range s.add(rest[:n:n]) {
				got = append(got, string(line))
			}
			rest = rest[n:]
		}
		for _, n := range cuts {
			take(int(n))
		}
		take(len(rest))
		want, dropped := whole(stream)
		if !slices.Equal(got, want) || s.dropped != dropped {
			t.Errorf("%q in pieces of %v = %q, %d dropped, want %q, %d dropped", stream, cuts, got, s.dropped, want, dropped)
		}
		if len(s.pending) > fewBytes {
			t.Errorf("%d bytes are kept, want %d at most", len(s.pending), fewBytes)
		}
	})
}
