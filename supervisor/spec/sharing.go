package spec

import (
	"gorun/supervisor/sockets"
)

// Sharing is how an app's workers come to the ports they share.
type Sharing int

// The ways to share.
const (
	ShareNone      Sharing = iota // each worker binds for itself
	ShareNode                     // gorun is the primary of Node's cluster
	ShareIntercept                // bind(2) is intercepted
	ShareInherit                  // sockets are passed on (LISTEN_FDS)
)

// String returns the word that the file has for it.
func (s Sharing) String() string {
	return [...]string{"none", "node", "intercept", "inherit"}[s]
}

// Socket is one entry of listen.
type Socket struct {
	Name     string // for LISTEN_FDNAMES
	Address  sockets.Address
	NonBlock bool // O_NONBLOCK; as with systemd, sockets are blocking by default
}
