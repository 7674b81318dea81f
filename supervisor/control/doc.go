// Package control is the server of gorun's API: JSON over HTTP on a unix socket,
// for gorun's own user and root alone. Package client has the wire types.
//
// Each request has a goroutine of its own, which belongs to net/http; each order
// has one more, which carries it out to its end whether its client stays or not.
// Nothing here decides about workers: that is done behind the interfaces Apps,
// Orders and Messages.
package control
