package control

import (
	"fmt"

	"gorun/supervisor/control/client"
)

// guard decides which clients are answered at an address.
type guard struct {
	client.Users
	address string
}

func newGuard(address string) guard { return guard{Users: client.ReadUsers(), address: address} }

// refuse is what gorun says to a client: nil to its own user and root.
func (g guard) refuse(p client.Peer) error {
	switch {
	case p.Foreign(g.address):
		return fmt.Errorf("%s is for processes of gorun's own PID namespace; yours is another one", g.address)
	case !g.Known(p.UID):
		return fmt.Errorf("gorun runs as uid %d and answers that user and root alone; you show as uid %d, which stands for every user that this user namespace does not know", g.Own, p.UID)
	case p.UID != 0 && p.UID != g.Own:
		return fmt.Errorf("gorun runs as uid %d and answers that user and root alone; you are uid %d", g.Own, p.UID)
	}
	return nil
}
