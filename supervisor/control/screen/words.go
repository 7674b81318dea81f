package screen

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// Age is a duration in pm2's form: 3s, 2m, 5h, 3D.
func Age(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < 0:
		return "0s"
	case d < time.Minute:
		return strconv.Itoa(int(d/time.Second)) + "s"
	case d < time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + "m"
	case d < day:
		return strconv.Itoa(int(d/time.Hour)) + "h"
	}
	return strconv.Itoa(int(d/day)) + "D"
}

// Delay is a short time in milliseconds or seconds: 12.4 ms, 1.3 s.
func Delay(seconds float64) string {
	if ms := seconds * 1000; ms < 999.95 {
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.1f s", seconds)
}

// Printable is a name or a message for a terminal: characters that are invisible or
// control it are written as escapes.
func Printable(text string) string {
	if !strings.ContainsFunc(text, invisible) {
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[0])
		case invisible(r):
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		default:
			b.WriteString(text[:size])
		}
		text = text[size:]
	}
	return b.String()
}

// invisible is true of U+FFFD as well, which may stand for a byte that is not UTF-8.
func invisible(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }

// Harmless is a line of a worker without the control sequences that move the cursor
// or change the terminal. Its colours stay if the output has colours.
func (s Style) Harmless(text string) string {
	if !strings.ContainsFunc(text, notPlain) {
		return text
	}
	text = strings.ToValidUTF8(text, string(utf8.RuneError))
	var b strings.Builder
	var state byte
	colored := false
	for len(text) > 0 {
		seq, _, n, next := ansi.DecodeSequence(text, state, nil)
		text, state = text[n:], next
		switch {
		case seq == "\t" || !strings.ContainsFunc(seq, unicode.IsControl):
			b.WriteString(seq)
		case isSGR(seq) && s.colored():
			colored = true
			b.WriteString(seq)
		}
	}
	if colored {
		b.WriteString("\x1b[m")
	}
	return b.String()
}

func notPlain(r rune) bool { return r == utf8.RuneError || r != '\t' && unicode.IsControl(r) }

// isSGR reports whether seq sets colours: ESC [ numbers m.
func isSGR(seq string) bool {
	body, found := strings.CutPrefix(seq, "\x1b[")
	return found && strings.HasSuffix(body, "m") && strings.Trim(body[:len(body)-1], "0123456789;:") == ""
}
