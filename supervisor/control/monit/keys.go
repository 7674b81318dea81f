package monit

import (
	"bytes"
	"unicode/utf8"
)

// The keys that are more than a character.
const (
	keyUp       = "up"
	keyDown     = "down"
	keyPageUp   = "page up"
	keyPageDown = "page down"
	keyHome     = "home"
	keyEnd      = "end"
	keyEscape   = "escape"
	keyBreak    = "ctrl+c"
)

// sequences is what terminals send for those keys.
var sequences = map[string]string{
	"\x1b[A": keyUp, "\x1bOA": keyUp,
	"\x1b[B": keyDown, "\x1bOB": keyDown,
	"\x1b[5~": keyPageUp, "\x1b[6~": keyPageDown,
	"\x1b[H": keyHome, "\x1bOH": keyHome, "\x1b[1~": keyHome,
	"\x1b[F": keyEnd, "\x1bOF": keyEnd, "\x1b[4~": keyEnd,
	"\x1b": keyEscape, "\x03": keyBreak, "\x04": keyBreak,
}

// parseKeys are the keys in one read of a terminal. Those it does not know, such
// as F1, are left out whole.
func parseKeys(input []byte) []key {
	var keys []key
	for len(input) > 0 {
		n := keyLength(input)
		name, special := sequences[string(input[:n])]
		switch {
		case special:
			keys = append(keys, key(name))
		case input[0] >= ' ':
			keys = append(keys, key(input[:n]))
		}
		input = input[n:]
	}
	return keys
}

// keyLength is how many bytes the first key has.
func keyLength(input []byte) int {
	if input[0] != '\x1b' || len(input) == 1 {
		_, n := utf8.DecodeRune(input)
		return n
	}
	switch input[1] {
	case 'O':
		return min(3, len(input))
	case '[':
		final := bytes.IndexFunc(input[2:], func(r rune) bool { return r >= '@' && r <= '~' })
		if final < 0 {
			return len(input)
		}
		return final + 3
	}
	return 1
}
