package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// result is the answer to one measurement.
type result struct {
	title   string
	how     string // what was done, for the reader of the report
	series  []*series
	missing []string // contestants that are not installed
	budgets []budget
}

// series is one quantity of one contestant, a value per run.
type series struct {
	contestant string
	quantity   string
	unit       string
	values     []float64
}

// budget is what gorun must keep to.
type budget struct {
	what    string
	must    string // as the design has it
	got     float64
	unit    string
	kept    bool
	unknown bool // what to compare with is not installed
}

// of returns the series of a contestant, made at its first use.
func (r *result) of(contestant, quantity, unit string) *series {
	for _, s := range r.series {
		if s.contestant == contestant && s.quantity == quantity {
			return s
		}
	}
	s := &series{contestant: contestant, quantity: quantity, unit: unit}
	r.series = append(r.series, s)
	return s
}

// median is NaN when there is no such series.
func (r *result) median(contestant, quantity string) float64 {
	return median(r.of(contestant, quantity, "").values)
}

func (s *series) add(value float64) { s.values = append(s.values, value) }

// atMost adds a budget that got must not exceed.
func (r *result) atMost(what string, limit, got float64, unit string) {
	r.budgets = append(r.budgets, budget{
		what: what, must: "≤ " + number(limit) + " " + unit, got: got, unit: unit, kept: got <= limit, unknown: math.IsNaN(got),
	})
}

// atLeast adds a budget that got must reach.
func (r *result) atLeast(what string, limit, got float64, unit string) {
	r.budgets = append(r.budgets, budget{
		what: what, must: "≥ " + number(limit) + " " + unit, got: got, unit: unit, kept: got >= limit, unknown: math.IsNaN(got),
	})
}

func (b budget) verdict() string {
	switch {
	case b.unknown:
		return "not compared"
	case b.kept:
		return "kept"
	}
	return "**missed**"
}

func (b budget) row() []string {
	got := number(b.got) + " " + b.unit
	if b.unknown {
		got = "–"
	}
	return []string{b.what, b.must, got, b.verdict()}
}

func budgetHead() []string { return []string{"budget", "must be", "measured", ""} }

// rows are the table of a result, the missing contestants at its end.
func (r *result) rows() [][]string {
	rows := [][]string{{"", "quantity", "median", "min", "p95", "runs"}}
	for _, s := range r.series {
		if len(s.values) == 0 {
			continue
		}
		rows = append(rows, []string{
			s.contestant, s.quantity, number(median(s.values)) + " " + s.unit,
			number(percentile(s.values, 0)) + " " + s.unit, number(percentile(s.values, 95)) + " " + s.unit, strconv.Itoa(len(s.values)),
		})
	}
	for _, name := range r.missing {
		rows = append(rows, []string{name, "not installed", "–", "–", "–", "0"})
	}
	return rows
}

// text is what a person at a terminal reads.
func (r *result) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", r.title)
	b.WriteString(table(r.rows()))
	for _, one := range r.budgets {
		fmt.Fprintf(&b, "  %s\n", strings.Join(one.row(), "  "))
	}
	return b.String()
}

// report is docs/benchmarks.md.
type report struct {
	machine machine
	results []result
}

const introduction = `# Benchmarks

Written by ` + "`go run ./bench -write docs/benchmarks.md`" + `. All contestants of a table were measured in one
run, taking turns, so that what else happened on the machine hit all of them alike. Figures hold for
this machine; compare columns, not documents.

`

func (r *report) markdown() []byte {
	var b strings.Builder
	b.WriteString(introduction)
	b.WriteString(table(r.machine.rows()))
	b.WriteString("\n## Budgets\n\n")
	budgets := [][]string{budgetHead()}
	for _, one := range r.results {
		for _, kept := range one.budgets {
			budgets = append(budgets, kept.row())
		}
	}
	b.WriteString(table(budgets))
	for _, one := range r.results {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n", one.title, one.how)
		b.WriteString(table(one.rows()))
	}
	return []byte(b.String())
}

// table renders rows, the first of which is the head, as Markdown with columns
// that line up in a terminal too.
func table(rows [][]string) string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len([]rune(cell)), 3)
		}
	}
	var b strings.Builder
	for i, row := range rows {
		for j, cell := range row {
			fmt.Fprintf(&b, "| %-*s ", widths[j], strings.ReplaceAll(cell, "|", `\|`))
		}
		b.WriteString("|\n")
		if i == 0 {
			for _, width := range widths {
				b.WriteString("|" + strings.Repeat("-", width+2))
			}
			b.WriteString("|\n")
		}
	}
	return b.String()
}

// number prints three digits, or all before the point, in groups.
func number(value float64) string {
	switch size := math.Abs(value); {
	case math.IsNaN(value):
		return "–"
	case size >= 1000:
		return grouped(int64(math.Round(value)))
	case size >= 100:
		return strconv.FormatFloat(value, 'f', 0, 64)
	case value == math.Trunc(value):
		return strconv.FormatFloat(value, 'f', 0, 64)
	case size >= 10:
		return strconv.FormatFloat(value, 'f', 1, 64)
	case size >= 1:
		return strconv.FormatFloat(value, 'f', 2, 64)
	}
	return strconv.FormatFloat(value, 'g', 3, 64)
}

func grouped(value int64) string {
	text := strconv.FormatInt(value, 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
