package node

import "bytes"

// splitter cuts a stream into lines, however the stream arrives. It has one
// owner.
type splitter struct {
	limit   int    // longest line
	dropped int    // lines that were longer
	pending []byte // start of a line
	skips   bool   // until the next newline: the line is too long
}

// add takes the next piece and returns the lines that are complete, without
// their newlines. They are valid until the caller reuses piece.
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

// keep remembers the start of a line.
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
	line := append(s.pending, part...) //nolint:gocritic // pending is given away
	s.pending = nil
	return line, true
}

// tooLong tells whether the line that goes on with part is to be dropped.
func (s *splitter) tooLong(part []byte) bool {
	if !s.skips && len(s.pending)+len(part) > s.limit {
		s.skips, s.pending = true, nil
		s.dropped++
	}
	return s.skips
}
