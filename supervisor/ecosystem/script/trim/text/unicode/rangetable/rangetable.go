// Package rangetable joins tables of characters.
package rangetable

import (
	"cmp"
	"slices"
	"unicode"
)

// span is characters that follow each other.
type span struct{ lo, hi uint32 }

// Merge returns a table of the characters of all the tables.
func Merge(tables ...*unicode.RangeTable) *unicode.RangeTable {
	var spans []span
	for _, table := range tables {
		for _, r := range table.R16 {
			spans = spread(spans, uint32(r.Lo), uint32(r.Hi), uint32(r.Stride))
		}
		for _, r := range table.R32 {
			spans = spread(spans, r.Lo, r.Hi, r.Stride)
		}
	}
	return tableOf(join(spans))
}

// spread appends a range of which every stride-th character counts.
func spread(spans []span, lo, hi, stride uint32) []span {
	if stride == 1 {
		return append(spans, span{lo, hi})
	}
	for c := lo; c <= hi; c += stride {
		spans = append(spans, span{c, c})
	}
	return spans
}

// join sorts spans and makes one of those that touch.
func join(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.lo, b.lo) })
	joined := spans[:0]
	for _, s := range spans {
		if last := len(joined) - 1; last >= 0 && s.lo <= joined[last].hi+1 {
			joined[last].hi = max(joined[last].hi, s.hi)
			continue
		}
		joined = append(joined, s)
	}
	return joined
}

// tableOf keeps to what unicode.RangeTable asks for: up to 0xFFFF in R16, and
// the number of those within Latin-1.
func tableOf(spans []span) *unicode.RangeTable {
	const last16 = 1<<16 - 1
	table := &unicode.RangeTable{}
	for _, s := range spans {
		if s.lo <= last16 {
			table.R16 = append(table.R16, unicode.Range16{Lo: uint16(s.lo), Hi: uint16(min(s.hi, last16)), Stride: 1})
			if s.hi <= unicode.MaxLatin1 {
				table.LatinOffset++
			}
		}
		if s.hi > last16 {
			table.R32 = append(table.R32, unicode.Range32{Lo: max(s.lo, last16+1), Hi: s.hi, Stride: 1})
		}
	}
	return table
}
