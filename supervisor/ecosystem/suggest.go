package ecosystem

import "strings"

// didYouMean returns "; did you mean X?" for the nearest of the known words,
// or "" when none is near.
func didYouMean(word string, known []string) string {
	plain := plainWord(word)
	best, least := "", 1+max(1, len(plain)/3)
	for _, candidate := range known {
		if d := distance(plain, plainWord(candidate)); d < least {
			best, least = candidate, d
		}
	}
	if best == "" || best == word {
		return ""
	}
	return "; did you mean " + best + "?"
}

// plainWord makes maxRestarts, max-restarts and max_restarts the same.
func plainWord(word string) string {
	const longest = 64
	word = strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(word))
	return word[:min(len(word), longest)]
}

// distance counts the letters to add, drop, change or swap with a neighbour
// that make one word of the other.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
