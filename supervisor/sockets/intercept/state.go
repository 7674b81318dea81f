package intercept

import "gorun/supervisor/sockets"

// maxStates bounds the states: gorun does not see when a socket is closed, and some
// programs set IPV6_V6ONLY on each socket that they connect with. Few other sockets
// come between an option and bind(2), and between bind(2) and listen(2).
const maxStates = 1024

// socketState is what is known of a socket of the tree that is not a member.
type socketState struct {
	v6Only    bool
	reusePort bool
	bound     bool
	address   sockets.Address // where, if bound
}

// socketStates are the states by inode; the oldest are dropped.
type socketStates struct {
	all   map[uint64]socketState
	order []uint64
}

// of returns the state of a socket; v6Only is the value of a new socket.
func (s *socketStates) of(inode uint64, v6Only bool) socketState {
	if known, found := s.all[inode]; found {
		return known
	}
	return socketState{v6Only: v6Only}
}

func (s *socketStates) put(inode uint64, state socketState) {
	if s.all == nil {
		s.all = map[uint64]socketState{}
	}
	if _, known := s.all[inode]; !known {
		s.order = append(s.order, inode)
	}
	s.all[inode] = state
	if len(s.order) > maxStates {
		delete(s.all, s.order[0])
		s.order = s.order[1:]
	}
}
