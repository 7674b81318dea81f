//go:build !scenarios

package reaper

// How much the quick tests do; scale_test.go has what the tag scenarios asks for.
const (
	stormChildren = 100 // started in a storm
	stormMakers   = 1   // programs that make a hundred orphans each
)
