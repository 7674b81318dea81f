//go:build !scenarios

package trigger

// How much the quick tests do; scale_test.go has what the tag scenarios asks for.
const recreations = 15 // of a root, each at another moment
