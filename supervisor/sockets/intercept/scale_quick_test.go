//go:build !scenarios

package intercept

// How much the quick tests do; scale_test.go has what the tag scenarios asks for.
const leakRounds = 12 // after which nothing may be left
