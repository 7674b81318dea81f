package spec

import "strings"

// Nearest returns the known word that was probably meant by one that is not
// known, "" when none is like it. Case, underscores, dashes and spaces do not count.
func Nearest(word string, known []string) string {
	plain := plainWord(word)
	best, least := "", 1+max(1, len(plain)/3)
	for _, candidate := range known {
		if d := editDistance(plain, plainWord(candidate)); d < least {
			best, least = candidate, d
		}
	}
	if best == word {
		return ""
	}
	return best
}

func plainWord(word string) string {
	const longest = 64
	word = strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(word))
	return word[:min(len(word), longest)]
}

// editDistance counts the letters to add, drop, change or swap with a neighbour
// that make one word of the other (Damerau-Levenshtein, each letter changed once).
func editDistance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before, last, row = last, row, before
		row[0] = i + 1
		for j := range len(b) {
			change := last[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, change)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}
