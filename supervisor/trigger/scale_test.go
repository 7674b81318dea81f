//go:build scenarios

package trigger

// How much the tests do; scale_quick_test.go has what is enough without the tag.
const recreations = 100 // of a root, each at another moment
