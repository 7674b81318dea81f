//go:build scenarios

package intercept

// How much the tests do; scale_quick_test.go has what is enough without the tag.
const leakRounds = 50 // after which nothing may be left
