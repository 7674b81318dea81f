// Package collate compares texts for String.prototype.localeCompare. It knows
// no tables: letters compare without regard to case, and a small one goes
// before its capital, which is what ICU's root order does with plain letters.
package collate

import (
	"strings"
	"unicode"

	"golang.org/x/text/language"
)

// Collator compares two texts.
type Collator struct{}

// New returns the one order that there is.
func New(language.Tag) *Collator { return &Collator{} }

// CompareString returns -1, 0 or 1.
func (*Collator) CompareString(a, b string) int {
	if order := strings.Compare(rank(a), rank(b)); order != 0 {
		return order
	}
	return -strings.Compare(a, b) // capitals have the smaller numbers
}

// rank puts signs before digits and those before letters.
func rank(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case unicode.IsLetter(r):
			b.WriteByte('c')
		case unicode.IsDigit(r):
			b.WriteByte('b')
		default:
			b.WriteByte('a')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
