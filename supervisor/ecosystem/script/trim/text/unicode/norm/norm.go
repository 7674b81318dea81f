// Package norm stands in for Unicode's normal forms, which need tables: a text
// stays as it is. The engine's library keeps String.prototype.normalize away
// from texts where that would be wrong.
package norm

// Form is a normal form.
type Form int

// The forms of Unicode Standard Annex 15.
const (
	NFC Form = iota
	NFD
	NFKC
	NFKD
)

// String returns s.
func (Form) String(s string) string { return s }
