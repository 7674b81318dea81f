//go:build !scenarios

package supervisor

// How much the quick tests do; scale_test.go has what the tag scenarios asks for.
const restartsInARow = 30 // after which nothing may be left
