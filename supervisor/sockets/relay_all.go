package sockets

import "time"

// relayDelays are when gorun looks for connections that wait for a worker that is
// gone: when its replacement has had a moment to take them, and again for those whose
// handshake was under way, or whose replacement failed. The last is repeated for as
// long as there are some: Relay takes up so many at a time.
var relayDelays = [...]time.Duration{50 * time.Millisecond, 200 * time.Millisecond, time.Second}

// RelayAll passes on what waits on sockets without a worker, until nothing is left or
// closed is closed. report gets how many connections each look has found.
func (g *Groups) RelayAll(closed <-chan struct{}, report func(connections int)) {
	last := len(relayDelays) - 1
	for i := 0; ; i = min(i+1, last) {
		select {
		case <-time.After(relayDelays[i]):
		case <-closed:
			return
		}
		n := g.Relay()
		if n > 0 {
			report(n)
		}
		if n == 0 && i == last {
			return
		}
	}
}
