package intercept

import "gorun/supervisor/sockets"

// maxNotes bounds what is remembered: nobody tells when a socket is closed, and
// some programs set IPV6_V6ONLY on each that they connect with. From the
// option to bind(2), and from there to listen(2), few others come between.
const maxNotes = 1024

// note is what is known of a socket of the tree that is not a member.
type note struct {
	v6Only    bool
	reusePort bool
	bound     bool
	address   sockets.Address // where, if bound
}

// notes are the notes by inode; the oldest are dropped.
type notes struct {
	all   map[uint64]note
	order []uint64
}

// of returns what is known; v6Only is what a new socket has.
func (n *notes) of(inode uint64, v6Only bool) note {
	if known, found := n.all[inode]; found {
		return known
	}
	return note{v6Only: v6Only}
}

func (n *notes) put(inode uint64, about note) {
	if n.all == nil {
		n.all = map[uint64]note{}
	}
	if _, known := n.all[inode]; !known {
		n.order = append(n.order, inode)
	}
	n.all[inode] = about
	if len(n.order) > maxNotes {
		delete(n.all, n.order[0])
		n.order = n.order[1:]
	}
}
