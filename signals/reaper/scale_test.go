//go:build scenarios

package reaper

// How much the tests do; scale_quick_test.go has what is enough without the tag.
const (
	stormChildren = 10_000 // started in a storm
	stormMakers   = 20     // programs that make a hundred orphans each
)
