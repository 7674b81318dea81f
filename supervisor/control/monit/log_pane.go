package monit

import (
	"strings"

	"gorun/supervisor/control/client"
)

const (
	maxLines   = 1000
	maxLineLen = 4096 // bytes: more than a terminal shows in one line
)

// logPane is the log of a worker and which part of it is visible. Positions count
// all lines since the first, so that they stay when old lines are dropped.
type logPane struct {
	ring   [maxLines]client.Line
	total  int
	bottom int  // after the last visible line, while paused
	paused bool // new lines do not move the visible part
}

func (p *logPane) add(line client.Line) {
	if len(line.Text) > maxLineLen {
		line.Text = strings.Clone(line.Text[:maxLineLen])
	}
	p.ring[p.total%maxLines] = line
	p.total++
}

func (p *logPane) oldest() int { return max(0, p.total-maxLines) }

// end is the position after the last visible line.
func (p *logPane) end(height int) int {
	if !p.paused {
		return p.total
	}
	return min(max(p.bottom, p.oldest()+height), p.total)
}

// visible returns at most height lines.
func (p *logPane) visible(height int) []client.Line {
	end := p.end(height)
	var lines []client.Line
	for i := max(p.oldest(), end-height); i < end; i++ {
		lines = append(lines, p.ring[i%maxLines])
	}
	return lines
}

// scroll moves the visible part by so many lines; at the newest it follows again.
func (p *logPane) scroll(by, height int) {
	p.bottom = max(p.end(height)+by, min(p.oldest()+height, p.total))
	p.paused = p.bottom < p.total
}

// toggle pauses, or follows.
func (p *logPane) toggle() { p.paused, p.bottom = !p.paused, p.total }
