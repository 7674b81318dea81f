package logs

import (
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// feed gives text to a stream in chunks, without a pipe.
func feed(s *stream, text string, sizes []byte) {
	for i := 0; len(text) > 0; i++ {
		s.buf = s.worker.out.buffers.grow(s.buf, s.end)
		n := len(text)
		if len(sizes) > 0 {
			n = min(n, 1+int(sizes[i%len(sizes)]))
		}
		n = copy(s.buf[s.end:], text[:n])
		text = text[n:]
		s.consume(n)
	}
	if s.end > 0 {
		s.deliver(s.buf[:s.end])
	}
}

func FuzzChunksDoNotMatter(f *testing.F) {
	f.Add("a\nb\n\nc", []byte{1, 0})
	f.Add("häß€😀\n", []byte{0})
	f.Add("\xff\x00\n\n", []byte{2})
	f.Fuzz(func(t *testing.T, text string, sizes []byte) {
		for _, format := range []Format{Raw, JSON} {
			var out buffer
			o := output(t, Options{Stdout: &out, Stderr: io.Discard, Format: format})
			w := o.Worker(Identity{App: "api"}, Config{})
			feed(bare(w, Stdout), text, sizes)
			if format == Raw && out.String() != text {
				t.Fatalf("got %q, want %q", out.String(), text)
			}
			var want []string
			for line := range strings.Lines(text) {
				want = append(want, legible(format, strings.TrimSuffix(line, "\n")))
			}
			if got := messages(t, format, out.String()); !slices.Equal(got, want) {
				t.Fatalf("got %q, want %q", got, want)
			}
		}
	})
}

func FuzzJSONIsValid(f *testing.F) {
	for _, line := range []string{"", "plain", `{"a":1}`, "{\"a\":\"\xff\"}", "\x00\x1f\x7f\u2028\"\\", ` {"a":[{}]} `, "\xed\xa0\x80"} {
		f.Add(line, "api")
	}
	f.Fuzz(func(t *testing.T, line, app string) {
		var out buffer
		o := output(t, Options{Stdout: &out, Stderr: io.Discard, Format: JSON})
		s := bare(o.Worker(Identity{App: app}, Config{}), Stdout)
		s.deliver([]byte(strings.ReplaceAll(line, "\n", " ") + "\n"))
		got := out.String()
		if !json.Valid([]byte(got)) || !utf8.ValidString(got) || strings.Count(got, "\n") != 1 {
			t.Fatalf("%q became %q", line, got)
		}
	})
}

func FuzzDatesNeverPanic(f *testing.F) {
	f.Add("YYYY-MM-DD[T]HH:mm:ss.SSSZ", int64(1e9))
	f.Add("[unclosed dd d H x X A a [", int64(-1))
	f.Fuzz(func(_ *testing.T, format string, unix int64) {
		compileDate(format).stamp(time.Unix(unix%(1<<40), 0))
	})
}

func TestDatesFollowDayJS(t *testing.T) {
	at := time.Date(2026, 2, 3, 4, 5, 6, 7_654_321, time.FixedZone("", 5400))
	tests := []struct{ format, want string }{
		{"", "2026-02-03T02:35:06.007Z"},
		{"YYYY-MM-DD HH:mm Z", "2026-02-03 04:05 +01:30"},
		{"YYYY-MM-DDTHH:mm:ss.SSSZZ", "2026-02-03T04:05:06.007+0130"},
		{"YY M D H h m s", "26 2 3 4 4 5 6"},
		{"MMMM MMM hh A a", "February Feb 04 AM am"},
		{"dddd ddd dd d", "Tuesday Tue Tu 2"},
		{"X x", "1770086106 1770086106007"},
		{"[YYYY escaped] YYYY", "YYYY escaped 2026"},
		{"é[", "é["},
	}
	for _, tt := range tests {
		if got := compileDate(tt.format).stamp(at); got != tt.want {
			t.Errorf("%q gives %q, want %q", tt.format, got, tt.want)
		}
	}
}

func TestPiecesOfALongLineEndBetweenRunes(t *testing.T) {
	for _, line := range []string{strings.Repeat("€", maxLine), strings.Repeat("a😀", maxLine/2), strings.Repeat("\x80", 3*maxLine)} {
		var out buffer
		o := output(t, Options{Stdout: &out, Stderr: io.Discard, Format: Tagged})
		s := bare(o.Worker(Identity{App: "api"}, Config{}), Stdout)
		feed(s, line+"\nshort\n", nil)
		got := messages(t, Tagged, out.String())
		if strings.Join(got, "") != line+"short" {
			t.Error("bytes are missing")
		}
		for _, piece := range got {
			if len(piece) > maxLine || utf8.ValidString(piece) != utf8.ValidString(line) && piece != "short" {
				t.Errorf("a piece of %d bytes: …%q", len(piece), piece[len(piece)-4:])
			}
		}
		if len(s.buf) != bufferSize {
			t.Errorf("the buffer still has %d bytes", len(s.buf))
		}
	}
}
