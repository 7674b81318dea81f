package monit

import (
	"strconv"
	"strings"
	"testing"

	"gorun/supervisor/control/client"
)

func filled(n int) *logPane {
	p := &logPane{}
	for i := range n {
		p.add(client.Line{Text: strconv.Itoa(i)})
	}
	return p
}

func texts(lines []client.Line) string {
	var all []string
	for _, line := range lines {
		all = append(all, line.Text)
	}
	return strings.Join(all, " ")
}

func TestLogScrolls(t *testing.T) {
	cases := []struct {
		name  string
		lines int
		moves []int
		want  string
	}{
		{"empty", 0, nil, ""},
		{"empty, up", 0, []int{-5}, ""},
		{"fewer than the height", 2, []int{-5}, "0 1"},
		{"newest", 10, nil, "7 8 9"},
		{"up", 10, []int{-2}, "5 6 7"},
		{"up to the oldest", 10, []int{-2, -90}, "0 1 2"},
		{"down again", 10, []int{-90, 2}, "2 3 4"},
		{"down to the newest", 10, []int{-4, 90}, "7 8 9"},
		{"the oldest that is kept", 2500, []int{-9999}, "1500 1501 1502"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := filled(c.lines)
			for _, by := range c.moves {
				p.scroll(by, 3)
			}
			if got := texts(p.visible(3)); got != c.want {
				t.Errorf("visible = %q, want %q", got, c.want)
			}
		})
	}
}

func TestPausedLogDropsOldLines(t *testing.T) {
	p := filled(10)
	p.toggle()
	for range 5000 {
		p.add(client.Line{Text: "x"})
	}
	if got := texts(p.visible(3)); got != "x x x" {
		t.Errorf("visible = %q, want the oldest in the ring", got)
	}
}

func TestLogKeepsTheStartOfHugeLines(t *testing.T) {
	p := &logPane{}
	p.add(client.Line{Text: strings.Repeat("x", 1<<20)})
	if got := len(p.visible(1)[0].Text); got != maxLineLen {
		t.Errorf("kept %d bytes of a line, want %d", got, maxLineLen)
	}
}
