package monit

import (
	"strings"

	"gorun/supervisor/control/client"
)

const (
	kept    = 1000 // lines
	keptLen = 4096 // bytes of a line: more than a terminal shows in one
)

// pane is the log of a worker and which part of it is in sight. Positions count
// all lines since the first, so that they stay when old lines go.
type pane struct {
	ring   [kept]client.Line
	total  int
	bottom int  // after the last line in sight, while paused
	paused bool // the sight stays
}

func (p *pane) add(line client.Line) {
	if len(line.Text) > keptLen {
		line.Text = strings.Clone(line.Text[:keptLen])
	}
	p.ring[p.total%kept] = line
	p.total++
}

func (p *pane) oldest() int { return max(0, p.total-kept) }

// end is the position after the last line in sight.
func (p *pane) end(height int) int {
	if !p.paused {
		return p.total
	}
	return min(max(p.bottom, p.oldest()+height), p.total)
}

// visible are the lines in sight, at most height.
func (p *pane) visible(height int) []client.Line {
	end := p.end(height)
	var lines []client.Line
	for i := max(p.oldest(), end-height); i < end; i++ {
		lines = append(lines, p.ring[i%kept])
	}
	return lines
}

// scroll moves the sight by so many lines; at the newest it follows again.
func (p *pane) scroll(by, height int) {
	p.bottom = max(p.end(height)+by, min(p.oldest()+height, p.total))
	p.paused = p.bottom < p.total
}

// toggle pauses, or follows.
func (p *pane) toggle() { p.paused, p.bottom = !p.paused, p.total }
