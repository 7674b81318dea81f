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
	Min   int  // it is shortened to this width before other columns are left out; 0: never
	Rank  int  // the column with the highest rank is left out first; 0: never
}

// Cell is one field of a row.
type Cell struct {
	Text  string
	Paint Paint
}

// Table is rows and columns that can be fitted to a width.
type Table struct {
	Columns []Column
	Rows    [][]Cell
}

// minBordered is the smallest width of a table with borders.
const minBordered = 80

// Lines are the lines of the table: with borders on a terminal, without on a narrow
// one, in a file and in a pipe.
func (t Table) Lines(style Style) []string {
	if style.Width < minBordered {
		return t.Plain(style)
	}
	f := t.fit(style.Width, frame{between: 3, around: 4})
	lines := []string{f.rule(style, "┌", "┬", "┐"), f.bordered(style, f.headings()), f.rule(style, "├", "┼", "┤")}
	for _, row := range t.Rows {
		lines = append(lines, f.bordered(style, row))
	}
	return append(lines, f.rule(style, "└", "┴", "┘"))
}

// Plain are the heading and the rows of the table without borders.
func (t Table) Plain(style Style) []string {
	f := t.fit(style.Width, frame{between: 2})
	lines := []string{f.plain(style, f.headings())}
	for _, row := range t.Rows {
		lines = append(lines, f.plain(style, row))
	}
	return lines
}

// frame is the columns of a row beside its cells.
type frame struct{ between, around int }

// fitted is a table with the indices and the widths of the columns that are shown.
type fitted struct {
	table Table
	shown []int
	width []int
}

// fit leaves out and shortens columns until the table has the width; 0: no limit.
func (t Table) fit(width int, border frame) fitted {
	f := fitted{table: t, width: t.naturalWidths()}
	for i := range t.Columns {
		f.shown = append(f.shown, i)
	}
	if width == 0 {
		return f
	}
	for {
		over := f.total(border) - width
		if over <= 0 || f.shorten(over, t.minWidth) {
			return f
		}
		if !f.dropOne() {
			f.shorten(over, t.hardMinWidth)
			return f
		}
	}
}

// minWidth is the smallest width of a column while others can be left out.
func (t Table) minWidth(i int) int {
	if t.Columns[i].Min == 0 {
		return math.MaxInt
	}
	return t.Columns[i].Min
}

// hardMinWidth is the smallest width of a column when no other can be left out.
func (t Table) hardMinWidth(i int) int {
	if t.Columns[i].Min == 0 {
		return math.MaxInt
	}
	return min(t.Columns[i].Min, 7)
}

// naturalWidths are the widths that need no text to be cut.
func (t Table) naturalWidths() []int {
	widths := make([]int, len(t.Columns))
	for i, c := range t.Columns {
		widths[i] = ansi.StringWidth(c.Title)
		for _, row := range t.Rows {
			widths[i] = max(widths[i], ansi.StringWidth(row[i].Text))
		}
	}
	return widths
}

func (f fitted) total(border frame) int {
	sum := border.around + border.between*(len(f.shown)-1)
	for _, i := range f.shown {
		sum += f.width[i]
	}
	return sum
}

// shorten makes the columns narrower by this many in all, the last column first.
// It changes nothing if their smallest widths do not allow that.
func (f fitted) shorten(over int, minWidth func(int) int) bool {
	spare := 0
	for _, i := range f.shown {
		spare += max(f.width[i]-minWidth(i), 0)
	}
	if spare < over {
		return false
	}
	for _, i := range slices.Backward(f.shown) {
		less := min(over, max(f.width[i]-minWidth(i), 0))
		f.width[i] -= less
		over -= less
	}
	return true
}

// dropOne leaves out the column with the highest rank.
func (f *fitted) dropOne() bool {
	highest := -1
	for k, i := range f.shown {
		if rank := f.table.Columns[i].Rank; rank > 0 && (highest < 0 || rank > f.table.Columns[f.shown[highest]].Rank) {
			highest = k
		}
	}
	if highest < 0 {
		return false
	}
	f.shown = slices.Delete(f.shown, highest, highest+1)
	return true
}

func (f fitted) headings() []Cell {
	cells := make([]Cell, len(f.table.Columns))
	for i, c := range f.table.Columns {
		cells[i] = Cell{Text: c.Title, Paint: Strong}
	}
	return cells
}

// fields are the visible cells, each as wide as its column.
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

func (f fitted) bordered(style Style, row []Cell) string {
	bar := style.Paint(Faint, "│")
	return style.fit(bar + " " + strings.Join(f.fields(style, row), " "+bar+" ") + " " + bar)
}

func (f fitted) plain(style Style, row []Cell) string {
	return style.fit(strings.TrimRight(strings.Join(f.fields(style, row), "  "), " "))
}

func (f fitted) rule(style Style, left, cross, right string) string {
	var bars []string
	for _, i := range f.shown {
		bars = append(bars, strings.Repeat("─", f.width[i]+2))
	}
	return style.Paint(Faint, style.fit(left+strings.Join(bars, cross)+right))
}
