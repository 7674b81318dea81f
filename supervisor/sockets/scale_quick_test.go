//go:build !scenarios

package sockets

// How much the quick tests do; scale_test.go has what the tag scenarios asks for.
const (
	liveStep     = 16    // at most, from one number of live members to the next
	swapRequests = 2_000 // made while members are swapped
	fairRequests = 1_200 // shared out over three members
)
