package logs

import (
	"cmp"
	"context"
	"io"
	"slices"
	"time"
)

// batch is the largest number of lines returned at once: by Next in all, and by
// History of each stream of a worker.
const batch = 1000

// Follower reads lines as they come. It needs no Close: nothing waits for it, and
// lines that are overwritten before they are read count as missed. It belongs to one goroutine.
type Follower struct {
	out     *Output
	filter  Filter
	recent  []Line     // returned by the first Next
	after   uint64     // lines up to here have been returned, or missed
	workers *[]*Worker // the cursors are for
	cursors map[*ring]*cursor
}

// cursor is a Follower's position in a ring; it is nil for a ring that the filter excludes.
type cursor struct {
	ring *ring
	pos  uint64 // blocks before it have been read
	seen uint64 // lines returned or missed
}

// cursorLine is a line and the cursor that read it.
type cursorLine struct {
	Line
	in *cursor
}

// Follow begins with the last n lines that pass the filter, as History returns
// them, and goes on with those that come, without a gap.
func (o *Output) Follow(f Filter, n int) *Follower {
	r := o.follower(f)
	r.recent = r.last(n, r.after)
	return r
}

// follower returns a Follower that is at the last line written so far.
func (o *Output) follower(f Filter) *Follower {
	r := &Follower{out: o, filter: f, cursors: make(map[*ring]*cursor)}
	r.after = o.history.last.Load() // before updateCursors: every writer of these lines gets a cursor
	r.updateCursors()
	return r
}

// Next returns lines in order; it waits until there are lines, or lines have been
// missed. Missed lines are those overwritten, or cleared by Flush, since the last
// call. It returns io.EOF when Output has been closed, and ctx's error when ctx is over.
func (r *Follower) Next(ctx context.Context) (lines []Line, missed uint64, err error) {
	if lines, r.recent = r.recent, nil; len(lines) > 0 {
		return lines, 0, nil
	}
	for ctx.Err() == nil {
		changed := r.out.history.changed()
		ended := happened(r.out.quit)
		if lines, missed = r.collect(); len(lines) > 0 || missed > 0 {
			return lines, missed, nil
		}
		if ended {
			return nil, 0, io.EOF
		}
		select {
		case <-changed:
		case <-r.out.quit:
		case <-ctx.Done():
		}
	}
	return nil, 0, ctx.Err()
}

// last starts all cursors behind the line upto, and returns the n lines before.
func (r *Follower) last(n int, upto uint64) []Line {
	scratch := r.out.buffers.get()
	defer r.out.buffers.put(scratch)
	var all []*cursorLine
	for _, c := range r.cursors {
		if c != nil {
			all = append(all, c.last(n, upto, scratch)...)
		}
	}
	all = inOrder(all)
	var lines []Line
	for _, l := range all[max(0, len(all)-max(0, n)):] {
		lines = append(lines, l.Line)
	}
	return lines
}

// collect reads all rings: the oldest lines of each are enough to find the oldest of all.
func (r *Follower) collect() (lines []Line, missed uint64) {
	upto := r.out.history.last.Load() // before updateCursors
	r.updateCursors()
	scratch := r.out.buffers.get()
	defer r.out.buffers.put(scratch)
	var all []*cursorLine
	for _, c := range r.cursors {
		if c != nil {
			next, lost := c.next(r.after, upto, scratch)
			all, missed = append(all, next...), missed+lost
		}
	}
	all = inOrder(all)
	if len(all) >= batch { // there may be more
		all = all[:batch]
		upto = all[batch-1].Seq
	}
	r.after = upto
	for _, l := range all {
		l.in.seen++
		lines = append(lines, l.Line)
	}
	return lines, missed
}

// updateCursors makes cursors for new workers, and drops those of removed workers
// once they have been read to the end.
func (r *Follower) updateCursors() {
	present := r.out.history.current()
	if present == r.workers {
		return
	}
	r.workers = present
	here := make(map[*ring]struct{})
	for _, w := range *present {
		for _, kept := range w.rings {
			here[kept] = struct{}{}
			if _, met := r.cursors[kept]; !met {
				r.cursors[kept] = r.cursor(kept)
			}
		}
	}
	for kept, c := range r.cursors {
		if _, is := here[kept]; !is && (c == nil || c.seen == kept.total()) {
			delete(r.cursors, kept)
		}
	}
}

func (r *Follower) cursor(kept *ring) *cursor {
	if !r.filter.accepts(kept) {
		return nil
	}
	return &cursor{ring: kept}
}

// last moves behind the line upto, and returns the n lines before.
func (c *cursor) last(n int, upto uint64, scratch []byte) (lines []*cursorLine) {
	data, at, written := c.ring.since(0, scratch)
	later := countAfter(data, upto)
	c.pos, c.seen = at, written-later
	earlier := int(countAfter(data, 0) - later)
	skip := earlier - min(earlier, max(0, n), batch)
	for b := range singles(data, 0, upto) {
		if skip--; skip < 0 {
			lines = append(lines, c.line(b))
		}
	}
	return lines
}

// next returns the first lines in (after, upto], and how many were overwritten
// unread since the last call. The caller counts the returned lines as seen.
func (c *cursor) next(after, upto uint64, scratch []byte) (lines []*cursorLine, missed uint64) {
	data, at, written := c.ring.since(c.pos, scratch)
	c.pos = at + sizeUpTo(data, after)
	gone := written - countAfter(data, after)
	missed = gone - c.seen
	c.seen = gone
	for b := range singles(data, after, upto) {
		lines = append(lines, c.line(b))
		if len(lines) == batch {
			break
		}
	}
	return lines, missed
}

func (c *cursor) line(b block) *cursorLine {
	text := string(b.text)
	if b.cut {
		text += "…"
	}
	return &cursorLine{Line{Seq: b.first, Time: time.Unix(0, b.nanos), Worker: c.ring.id, Stream: c.ring.kind, Text: text}, c}
}

func inOrder(lines []*cursorLine) []*cursorLine {
	slices.SortFunc(lines, func(a, b *cursorLine) int { return cmp.Compare(a.Seq, b.Seq) })
	return lines
}
