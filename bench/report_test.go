package main

import (
	"math"
	"strings"
	"testing"
)

func TestNumber(t *testing.T) {
	for _, c := range []struct {
		value float64
		want  string
	}{
		{0, "0"},
		{5, "5"},
		{0.01234, "0.0123"},
		{1.2345, "1.23"},
		{12.345, "12.3"},
		{123.45, "123"},
		{1234.5, "1,235"},
		{1234567, "1,234,567"},
		{-1234, "-1,234"},
		{-123456, "-123,456"},
		{-0.5, "-0.5"},
		{math.NaN(), "–"},
	} {
		if got := number(c.value); got != c.want {
			t.Errorf("number(%v) = %q, want %q", c.value, got, c.want)
		}
	}
}

func TestTableLinesUp(t *testing.T) {
	got := table([][]string{{"", "median"}, {"tini", "27 µs"}, {"a|b", "1"}})
	want := "" +
		"|      | median |\n" +
		"|------|--------|\n" +
		"| tini | 27 µs  |\n" +
		"| a\\|b | 1      |\n"
	if got != want {
		t.Errorf("table =\n%swant\n%s", got, want)
	}
}

func TestRowsOfAResult(t *testing.T) {
	var r result
	for _, value := range []float64{3, 1, 2} {
		r.of("gorun", "time", "ms").add(value)
	}
	r.missing = []string{"tini"}
	got := r.rows()
	want := [][]string{
		{"", "quantity", "median", "min", "p95", "runs"},
		{"gorun", "time", "2 ms", "1 ms", "3 ms", "3"},
		{"tini", "not installed", "–", "–", "–", "0"},
	}
	for i := range want {
		if strings.Join(got[i], " ") != strings.Join(want[i], " ") {
			t.Errorf("row %d = %q, want %q", i, got[i], want[i])
		}
	}
}

func TestBudgetVerdicts(t *testing.T) {
	var r result
	r.atMost("start", 6, 6, "ms")
	r.atMost("start", 6, 6.1, "ms")
	r.atLeast("rate", 2, 1.9, "×")
	r.atLeast("rate", 2, 2, "lines/s")
	r.atLeast("rate", 10, math.NaN(), "×")
	want := []string{"kept", "**missed**", "**missed**", "kept", "not compared"}
	for i, b := range r.budgets {
		if got := b.verdict(); got != want[i] {
			t.Errorf("verdict of %v = %q, want %q", b.row(), got, want[i])
		}
	}
}

func TestReportHasEveryBudgetAndResult(t *testing.T) {
	one := result{title: "Binary", how: "Its size."}
	one.of("gorun", "size", "MB").add(13)
	one.atMost("binary", 20, 13, "MB")
	text := string((&report{results: []result{one}}).markdown())
	for _, part := range []string{"## Budgets", "| binary | ≤ 20 MB | 13 MB    | kept |", "## Binary\n\nIts size.", "| gorun | size     | 13 MB"} {
		if !strings.Contains(text, part) {
			t.Errorf("report lacks %q:\n%s", part, text)
		}
	}
}

func TestParse(t *testing.T) {
	if _, chosen, err := parse([]string{"-only", "size,idle"}); err != nil || len(chosen) != 2 || chosen[0].name != "size" {
		t.Errorf("parse = %v, %v", chosen, err)
	}
	for _, args := range [][]string{{"-only", "nonsense"}, {"-only", "size", "-write", "x"}} {
		if _, _, err := parse(args); err == nil {
			t.Errorf("parse(%q) accepts it", args)
		}
	}
}
