package screen

import (
	"math"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Column is a column of a table.
type Column struct {
	Title string
	Right bool // numbers
	Min   int  // is shortened to so many columns before others go; 0: never
	Rank  int  // the highest rank goes first when room is short; 0: never goes
}

// Cell is one field of a row.
type Cell struct {
	Text  string
	Paint Paint
}

// Table is rows under columns, made to fit a width.
type Table struct {
	Columns []Column
	Rows    [][]Cell
}

// bordered is the least width that has room for borders.
const bordered = 80

// Lines are the lines of the table in the style: with borders on a terminal,
// with headings only on a narrow one or where there is no terminal at all.
func (t Table) Lines(style Style) []string {
	if style.Width < bordered {
		return t.Bare(style)
	}
	f := t.fit(style.Width, frame{between: 3, around: 4})
	lines := []string{f.rule(style, "┌", "┬", "┐"), f.boxed(style, f.headings()), f.rule(style, "├", "┼", "┤")}
	for _, row := range t.Rows {
		lines = append(lines, f.boxed(style, row))
	}
	return append(lines, f.rule(style, "└", "┴", "┘"))
}

// Bare are the heading and the rows of the table without borders.
func (t Table) Bare(style Style) []string {
	f := t.fit(style.Width, frame{between: 2})
	lines := []string{f.spaced(style, f.headings())}
	for _, row := range t.Rows {
		lines = append(lines, f.spaced(style, row))
	}
	return lines
}

// frame is what a row needs beside its cells.
type frame struct{ between, around int }

// fitted is a table whose columns have been chosen: the indices and widths.
type fitted struct {
	table Table
	shown []int
	width []int
}

// fit leaves out and shortens columns until the table has the width; 0: any.
func (t Table) fit(width int, f frame) fitted {
	chosen := fitted{table: t, width: t.natural()}
	for i := range t.Columns {
		chosen.shown = append(chosen.shown, i)
	}
	if width == 0 {
		return chosen
	}
	for {
		over := chosen.total(f) - width
		if over <= 0 || chosen.shorten(over, t.least) {
			return chosen
		}
		if !chosen.dropOne() {
			chosen.shorten(over, t.bare)
			return chosen
		}
	}
}

// least is how narrow a column may get while others can still go.
func (t Table) least(i int) int {
	if t.Columns[i].Min == 0 {
		return math.MaxInt
	}
	return t.Columns[i].Min
}

// bare is how narrow a column may get when no other can go.
func (t Table) bare(i int) int {
	if t.Columns[i].Min == 0 {
		return math.MaxInt
	}
	return min(t.Columns[i].Min, 7)
}

// natural is how wide each column would like to be.
func (t Table) natural() []int {
	widths := make([]int, len(t.Columns))
	for i, c := range t.Columns {
		widths[i] = ansi.StringWidth(c.Title)
		for _, row := range t.Rows {
			widths[i] = max(widths[i], ansi.StringWidth(row[i].Text))
		}
	}
	return widths
}

func (f fitted) total(fr frame) int {
	sum := fr.around + fr.between*(len(f.shown)-1)
	for _, i := range f.shown {
		sum += f.width[i]
	}
	return sum
}

// shorten takes what is over from the columns that can spare it, the last first.
// It changes nothing if they cannot.
func (f fitted) shorten(over int, least func(int) int) bool {
	spare := 0
	for _, i := range f.shown {
		spare += max(f.width[i]-least(i), 0)
	}
	if spare < over {
		return false
	}
	for _, i := range slices.Backward(f.shown) {
		less := min(over, max(f.width[i]-least(i), 0))
		f.width[i] -= less
		over -= less
	}
	return true
}

// dropOne leaves out the column that is missed least.
func (f *fitted) dropOne() bool {
	worst := -1
	for k, i := range f.shown {
		if rank := f.table.Columns[i].Rank; rank > 0 && (worst < 0 || rank > f.table.Columns[f.shown[worst]].Rank) {
			worst = k
		}
	}
	if worst < 0 {
		return false
	}
	f.shown = slices.Delete(f.shown, worst, worst+1)
	return true
}

func (f fitted) headings() []Cell {
	cells := make([]Cell, len(f.table.Columns))
	for i, c := range f.table.Columns {
		cells[i] = Cell{Text: c.Title, Paint: Strong}
	}
	return cells
}

// fields are the cells that are shown, each as wide as its column.
func (f fitted) fields(style Style, row []Cell) []string {
	var fields []string
	for _, i := range f.shown {
		text := Cut(row[i].Text, f.width[i])
		pad := strings.Repeat(" ", f.width[i]-ansi.StringWidth(text))
		text = style.Paint(row[i].Paint, text)
		if f.table.Columns[i].Right {
			fields = append(fields, pad+text)
		} else {
			fields = append(fields, text+pad)
		}
	}
	return fields
}

func (f fitted) boxed(style Style, row []Cell) string {
	bar := style.Paint(Faint, "│")
	return style.fit(bar + " " + strings.Join(f.fields(style, row), " "+bar+" ") + " " + bar)
}

func (f fitted) spaced(style Style, row []Cell) string {
	return style.fit(strings.TrimRight(strings.Join(f.fields(style, row), "  "), " "))
}

func (f fitted) rule(style Style, left, cross, right string) string {
	var bars []string
	for _, i := range f.shown {
		bars = append(bars, strings.Repeat("─", f.width[i]+2))
	}
	return style.Paint(Faint, style.fit(left+strings.Join(bars, cross)+right))
}
