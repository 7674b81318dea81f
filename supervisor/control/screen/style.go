// Package screen is what the commands print: it turns what the control API
// tells into text. It knows neither the socket nor the terminal.
package screen

import (
	"hash/fnv"
	"time"

	"github.com/charmbracelet/x/ansi"
)

// Style is what the text is written for. The zero value is a file or a pipe.
type Style struct {
	Width int       // columns of the terminal; 0: not a terminal
	Color bool      // the terminal has colours, and the user wants them
	Now   time.Time // ages count up to it, and times are told in its zone
}

// Paint is a colour by its meaning.
type Paint int

// The paints.
const (
	Unpainted Paint = iota
	Good
	Busy
	Bad
	Faint
	Strong
)

// codes are the SGR parameters of the paints.
var codes = [...]string{Unpainted: "", Good: "32", Busy: "33", Bad: "31", Faint: "90", Strong: "1"}

// appCodes are the SGR parameters that tell apps apart; red is for errors.
var appCodes = [...]string{"36", "35", "34", "32", "33", "96", "95", "94", "92", "93"}

// states are the paints of the states; another state stays unpainted.
var states = map[string]Paint{
	"online":          Good,
	"launching":       Busy,
	"stopping":        Busy,
	"waiting restart": Busy,
	"errored":         Bad,
	"stopped":         Faint,
}

// StatePaint is the paint of a state in pm2's words.
func StatePaint(state string) Paint { return states[state] }

// Paint colours the text, if there are colours.
func (s Style) Paint(p Paint, text string) string { return s.sgr(codes[p], text) }

func (s Style) sgr(code, text string) string {
	if !s.colored() || code == "" || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[m"
}

func (s Style) colored() bool { return s.Color && s.Width > 0 }

// appCode is the colour of an app, the same one in every run.
func appCode(app string) string {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(app)) // never fails
	return appCodes[sum.Sum32()%uint32(len(appCodes))]
}

// Cut shortens the text to so many columns; … says that it did.
func Cut(text string, width int) string {
	if width <= 0 {
		return ""
	}
	return ansi.Truncate(text, width, "…")
}

// fit is the text in one line of the terminal.
func (s Style) fit(text string) string {
	if s.Width == 0 {
		return text
	}
	return Cut(text, s.Width)
}
