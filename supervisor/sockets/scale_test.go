//go:build scenarios

package sockets

// How much the tests do; scale_quick_test.go has what is enough without the tag.
const (
	liveStep     = 1      // at most, from one number of live members to the next
	swapRequests = 10_000 // made while members are swapped
	fairRequests = 3_000  // shared out over three members
)
