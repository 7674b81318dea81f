package node

import "bytes"

// splitter cuts a stream into lines, in whatever pieces it arrives. It belongs to
// one goroutine.
type splitter struct {
	limit   int    // longest line
	dropped int    // lines that were longer
	pending []byte // start of a line
	skips   bool   // until the next newline: the line is too long
}

// add appends the next piece and returns the complete lines, without their newlines.
// They are valid until the caller reuses piece.
func (s *splitter) add(piece []byte) [][]byte {
	var lines [][]byte
	for {
		end := bytes.IndexByte(piece, '\n')
		if end < 0 {
			s.keep(piece)
			return lines
		}
		if line, ok := s.finish(piece[:end]); ok {
			lines = append(lines, line)
		}
		piece = piece[end+1:]
	}
}

// keep stores the start of a line.
func (s *splitter) keep(part []byte) {
	if s.tooLong(part) {
		return
	}
	s.pending = append(s.pending, part...)
}

// finish returns the line that ends with part.
func (s *splitter) finish(part []byte) ([]byte, bool) {
	if s.tooLong(part) {
		s.skips = false
		return nil, false
	}
	if len(s.pending) == 0 {
		return part, true
	}
	line := append(s.pending, part...) // the caller owns the array of pending from now on
	s.pending = nil
	return line, true
}

// tooLong reports whether the line that continues with part is to be dropped.
func (s *splitter) tooLong(part []byte) bool {
	if !s.skips && len(s.pending)+len(part) > s.limit {
		s.skips, s.pending = true, nil
		s.dropped++
	}
	return s.skips
}
