//go:build scenarios

package ecosystem

// How much the tests do; scale_quick_test.go has what is enough without the tag.
const hostileBytes = maxBytes // of a hostile file
