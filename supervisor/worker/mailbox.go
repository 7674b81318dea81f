package worker

import "gorun/supervisor/status"

// mailbox holds what others ask of a worker. Leaving a request never waits, and at
// most one of each kind is pending.
type mailbox struct {
	updates  chan Update // the latest
	restarts chan status.Reason
	resets   chan struct{}
}

func newMailbox() mailbox {
	return mailbox{updates: make(chan Update, 1), restarts: make(chan status.Reason, 1), resets: make(chan struct{}, 1)}
}

// update leaves an update in place of an earlier one. One caller at a time.
func (m mailbox) update(u Update) {
	drain(m.updates)
	m.updates <- u // room for one, and only this caller fills it
}

// pend leaves a request, if none is pending.
func pend[T any](c chan<- T, request T) {
	select {
	case c <- request:
	default:
	}
}

// drain drops a request that is pending.
func drain[T any](c <-chan T) {
	select {
	case <-c:
	default:
	}
}
