package monit

import (
	"slices"
	"testing"
)

func TestParseKeys(t *testing.T) {
	for input, want := range map[string][]key{
		"":                           nil,
		"jk":                         {"j", "k"},
		"\x1b[A\x1b[B\x1bOA":         {keyUp, keyDown, keyUp},
		"\x1b[5~\x1b[6~q":            {keyPageUp, keyPageDown, "q"},
		"\x1b":                       {keyEscape},
		"\x03":                       {keyBreak},
		"\x1b[15~\x1b[1;5Cj":         {"j"},
		"\x1b[200":                   nil,
		"é日":                         {"é", "日"},
		"\r\n\t":                     nil,
		"\x1b[":                      nil,
		"\x1bO":                      nil,
		"\x1bOHG":                    {keyHome, "G"},
		"\x1b[1~\x1b[4~\x1b[F\x1b[H": {keyHome, keyEnd, keyEnd, keyHome},
	} {
		if got := parseKeys([]byte(input)); !slices.Equal(got, want) {
			t.Errorf("parseKeys(%q) = %q, want %q", input, got, want)
		}
	}
}

func FuzzParseKeys(f *testing.F) {
	f.Add([]byte("\x1b[A\x1bq\xff"))
	f.Fuzz(func(t *testing.T, input []byte) {
		if n := len(parseKeys(input)); n > len(input) {
			t.Errorf("%d keys in %d bytes", n, len(input))
		}
	})
}
