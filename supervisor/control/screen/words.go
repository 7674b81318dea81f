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

// Age is a duration as pm2 tells it: 3s, 2m, 5h, 3D.
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

// Size is a number of bytes for people: 45.3 MiB.
func Size(bytes int64) string {
	const step = 1024
	if bytes < step {
		return strconv.FormatInt(max(bytes, 0), 10) + " B"
	}
	value, unit := float64(bytes)/step, 0
	for value >= step-0.05 && unit < len(units)-1 {
		value, unit = value/step, unit+1
	}
	return fmt.Sprintf("%.1f %s", value, units[unit])
}

// Delay is a short time for people: 12.4 ms, 1.3 s.
func Delay(seconds float64) string {
	if ms := seconds * 1000; ms < 999.95 {
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.1f s", seconds)
}

var units = [...]string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}

// Printable is a name or a message that moves no cursor: what cannot be seen is
// written as an escape.
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

// invisible is also said of U+FFFD, which may stand for a byte that is not UTF-8.
func invisible(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }

// Harmless is a line of a worker without the control sequences that would move
// the cursor or change the terminal. Its colours stay where there are colours.
func (s Style) Harmless(text string) string {
	if !strings.ContainsFunc(text, notPlain) {
		return text
	}
	text = strings.ToValidUTF8(text, string(utf8.RuneError))
	var b strings.Builder
	var state byte
	tinted := false
	for len(text) > 0 {
		seq, _, n, next := ansi.DecodeSequence(text, state, nil)
		text, state = text[n:], next
		switch {
		case seq == "\t" || !strings.ContainsFunc(seq, unicode.IsControl):
			b.WriteString(seq)
		case isSGR(seq) && s.colored():
			tinted = true
			b.WriteString(seq)
		}
	}
	if tinted {
		b.WriteString("\x1b[m")
	}
	return b.String()
}

func notPlain(r rune) bool { return r == utf8.RuneError || r != '\t' && unicode.IsControl(r) }

// isSGR tells whether seq sets colours: ESC [ numbers m.
func isSGR(seq string) bool {
	body, found := strings.CutPrefix(seq, "\x1b[")
	return found && strings.HasSuffix(body, "m") && strings.Trim(body[:len(body)-1], "0123456789;:") == ""
}

// Count is a number with its noun: 1 line, 2 lines.
func Count(n uint64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.FormatUint(n, 10) + " " + noun + "s"
}
