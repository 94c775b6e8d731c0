// Package nearest finds the word that somebody probably meant: for keys of settings and definitions that are not
// known. It is used by what reads files that people write. See [Word].
package nearest

import "slices"

// Word gives the known word that is at most two edits away from the one typed, or "".
func Word(typed string, known []string) string {
	best, near := 3, ""
	for _, word := range known {
		if n := edits(typed, word); n < best {
			best, near = n, word
		}
	}
	return near
}

// edits counts insertions, deletions and replacements between two words (Levenshtein).
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before := slices.Clone(row)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(before[j]+1, row[j-1]+1, before[j-1]+cost)
		}
	}
	return row[len(b)]
}
