package orders

import (
	"fmt"
	"slices"

	"gorun/supervisor/app/slots"
	"gorun/supervisor/spec"
)

// Book has the orders of one app.
type Book struct {
	Under   []*Order   // that are under way
	waiting []*Command // until none is, one for each reason
}

// Conflict applies the rule for what is under way: a later order of the same kind
// supersedes the earlier one, another kind is refused.
func (b *Book) Conflict(app string, c *Command, chosen []*slots.Slot) error {
	under, starts := b.underWay(), c.Kind() == spec.Start.String()
	switch {
	case under == nil:
	case under.Kind() != c.Kind():
		return &BusyError{app, under.Kind()}
	case !starts: // both starts may go on
		if c.Spec == nil {
			c.Spec = under.Spec // not back to what the workers are on their way from
		}
		b.Drop(under)
		under.Finish(fmt.Errorf("%s: %w", c.Kind(), ErrSuperseded))
	}
	if starts && slices.ContainsFunc(chosen, func(s *slots.Slot) bool { return s.Runs() && s.Stop }) {
		return &BusyError{app, spec.Stop.String()}
	}
	return nil
}

// underWay is the order that others may conflict with. The first start of an app is
// none: an operator may want something else.
func (b *Book) underWay() *Order {
	for _, o := range b.Under {
		if o.rolls() && !o.first {
			return o
		}
	}
	return nil
}

// Busy reports whether an order is under way that gives workers something to run by.
func (b *Book) Busy() bool { return slices.ContainsFunc(b.Under, (*Order).rolls) }

// Waits reports whether a command has to wait for what is under way.
func (b *Book) Waits(c *Command) bool {
	return c.QueueIfBusy && b.Busy() || c.QueueUnlessFirstStart && b.underWay() != nil
}

// Add begins an order.
func (b *Book) Add(o *Order) { b.Under = append(b.Under, o) }

// Drop takes an order off those that are under way.
func (b *Book) Drop(o *Order) {
	b.Under = slices.DeleteFunc(b.Under, func(one *Order) bool { return one == o })
}

// Queue keeps a command until nothing is under way. It holds at most one command
// per reason: a second merges into it. One that has waited is not followed by the
// next: what writes files when it starts would be restarted for ever.
func (b *Book) Queue(c *Command) {
	same := func(other *Command) bool { return other.Reason == c.Reason }
	if slices.ContainsFunc(b.waiting, same) || slices.ContainsFunc(b.Under, func(o *Order) bool { return o.rolls() && o.queued && same(o.Command) }) {
		c.Finish(nil)
		return
	}
	b.waiting = append(b.waiting, c)
}

// TakeWaiting takes out what has waited.
func (b *Book) TakeWaiting() []*Command {
	waiting := b.waiting
	b.waiting = nil
	for _, c := range waiting {
		c.queued = true
	}
	return waiting
}
