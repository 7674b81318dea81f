package client

import "strings"

// Nearest returns the known word that is most similar to the given one, "" when none
// is.
func Nearest(word string, known []string) string {
	const longestWord = 64
	word = strings.ToLower(word[:min(len(word), longestWord)])
	best, least := "", 1+max(1, len(word)/3)
	for _, candidate := range known {
		plain := strings.ToLower(candidate[:min(len(candidate), longestWord)])
		if d := distance(word, plain); d < least {
			best, least = candidate, d
		}
	}
	return best
}

// distance counts the letters to add, drop, change or swap with a neighbour
// that make one word of the other.
func distance(a, b string) int {
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
