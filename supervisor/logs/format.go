package logs

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"
)

// newline ends a line.
var newline = []byte{'\n'} //nolint:gochecknoglobals // a constant, if Go had such slices

// timestampLayout is RFC 3339 with milliseconds.
const timestampLayout = "2006-01-02T15:04:05.000Z07:00"

// layout is how the lines of one worker look in one destination.
type layout struct {
	format Format
	date   dateFormat
}

// envelope is the text around each line of one read.
type envelope struct {
	before, after []byte
	message       func(dst, line []byte) []byte
}

// render calls pass with the lines in the layout, in texts of about half a buffer.
// Only Raw leaves an unfinished line unfinished.
func (s *stream) render(l layout, now time.Time, lines []byte, pass func([]byte)) {
	if l.format == Raw && l.date == nil {
		pass(lines)
		return
	}
	e := s.envelope(l, now)
	text := s.worker.out.buffers.get()[:0]
	for len(lines) > 0 {
		line, rest, _ := bytes.Cut(lines, newline)
		lines = rest
		text = append(text, e.before...)
		text = e.message(text, line)
		text = append(text, e.after...)
		if len(text) >= bufferSize/2 || len(lines) == 0 {
			pass(text)
			text = text[:0]
		}
	}
	s.worker.out.buffers.put(text[:cap(text)])
}

func (s *stream) envelope(l layout, now time.Time) envelope {
	w := s.worker
	switch l.format {
	case Raw:
		return envelope{before: dated(nil, l.date, now), after: newline, message: appendPlain}
	case Tagged:
		return envelope{before: dated(w.tag(), l.date, now), after: newline, message: appendPlain}
	case KeyValue:
		return envelope{before: w.keys(s.kind, l.date.stamp(now)), after: newline, message: appendQuoted}
	case JSON:
		return envelope{before: []byte(`{"message":`), after: w.fields(s.kind, l.date.stamp(now)), message: appendJSON}
	}
	return envelope{after: newline, message: appendPlain}
}

// tag is `0|api  | `, as wide as the longest so far.
func (w *Worker) tag() []byte {
	b := append([]byte(w.color), w.label()...)
	for n := utf8.RuneCountInString(w.label()); n < int(w.out.labels.width.Load()); n++ {
		b = append(b, ' ')
	}
	b = append(b, " | "...)
	if w.color != "" {
		b = append(b, colorOff...)
	}
	return b
}

// keys is `timestamp=… app=… id=… type=out message=`.
func (w *Worker) keys(kind Stream, stamp string) []byte {
	b := appendValue([]byte("timestamp="), stamp)
	b = appendValue(append(b, " app="...), w.id.App)
	b = strconv.AppendInt(append(b, " id="...), int64(w.id.ID), 10)
	b = append(b, " type="...)
	b = append(b, kind.word()...)
	return append(b, " message="...)
}

// fields is the rest of a JSON object after its message.
func (w *Worker) fields(kind Stream, stamp string) []byte {
	b := appendQuoted([]byte(`,"timestamp":`), []byte(stamp))
	b = append(b, `,"type":"`...)
	b = append(b, kind.word()...)
	b = strconv.AppendInt(append(b, `","process_id":`...), int64(w.id.ID), 10)
	b = appendQuoted(append(b, `,"app_name":`...), []byte(w.id.App))
	return append(b, "}\n"...)
}

// word is pm2's name of the stream.
func (k Stream) word() string {
	if k == Stderr {
		return "err"
	}
	return "out"
}

func dated(b []byte, date dateFormat, now time.Time) []byte {
	if date == nil {
		return b
	}
	return append(date.append(b, now), ": "...)
}

func appendPlain(dst, line []byte) []byte { return append(dst, line...) }

// appendJSON keeps a line that is a JSON object as one; any other becomes a
// string. Bytes that are not UTF-8 become U+FFFD in both.
func appendJSON(dst, line []byte) []byte {
	object := bytes.TrimSpace(line)
	if len(object) == 0 || object[0] != '{' || !json.Valid(object) {
		return appendQuoted(dst, line)
	}
	if !utf8.Valid(object) {
		object = bytes.ToValidUTF8(object, []byte("\uFFFD"))
	}
	return append(dst, object...)
}

// appendValue quotes a value that would not be read back as one word.
func appendValue(dst []byte, value string) []byte {
	for i := range len(value) {
		if c := value[i]; c <= ' ' || c == '"' || c == '=' || c == '\\' || c >= utf8.RuneSelf {
			return appendQuoted(dst, []byte(value))
		}
	}
	if value == "" {
		return append(dst, `""`...)
	}
	return append(dst, value...)
}

// appendQuoted writes a JSON string, which key=value readers understand too.
func appendQuoted(dst, s []byte) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for len(s) > 0 {
		n := plainPrefix(s)
		dst = append(dst, s[:n]...)
		s = s[n:]
		if len(s) == 0 {
			break
		}
		switch c := s[0]; c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		default:
			if c >= utf8.RuneSelf {
				dst = append(dst, `\ufffd`...)
			} else {
				dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			}
		}
		s = s[1:]
	}
	return append(dst, '"')
}

// plainPrefix is how much of s needs no escape.
func plainPrefix(s []byte) int {
	for i := 0; i < len(s); {
		c := s[i]
		if c < ' ' || c == '"' || c == '\\' {
			return i
		}
		if c < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRune(s[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(s)
}
