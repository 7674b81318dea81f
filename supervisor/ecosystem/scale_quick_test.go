//go:build !scenarios

package ecosystem

// How much the quick tests do; scale_test.go has what the tag scenarios asks for.
const hostileBytes = maxBytes / 16 // of a hostile file
