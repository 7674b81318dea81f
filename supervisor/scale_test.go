//go:build scenarios

package supervisor

// How much the tests do; scale_quick_test.go has what is enough without the tag.
const restartsInARow = 200 // after which nothing may be left
