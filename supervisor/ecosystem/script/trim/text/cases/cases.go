// Package cases changes the case of texts, letter by letter: what becomes of
// one letter is one letter, so that ß has no capital.
package cases

import (
	"strings"

	"golang.org/x/text/language"
)

// Caser changes the case of a text.
type Caser struct{ change func(string) string }

// Lower returns a Caser for small letters.
func Lower(language.Tag) Caser { return Caser{strings.ToLower} }

// Upper returns a Caser for capitals.
func Upper(language.Tag) Caser { return Caser{strings.ToUpper} }

// String returns s in the case.
func (c Caser) String(s string) string { return c.change(s) }
