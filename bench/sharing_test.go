package main

import (
	"math"
	"slices"
	"testing"
)

func TestTurnsAreFair(t *testing.T) {
	first, after := map[int]int{}, map[[2]int]int{}
	for round := range 8 {
		order := turns(round, 4)
		if sorted := slices.Sorted(slices.Values(order)); !slices.Equal(sorted, []int{0, 1, 2, 3}) {
			t.Fatalf("turns(%d, 4) = %v", round, order)
		}
		first[order[0]]++
		for i := range order[1:] {
			after[[2]int{order[i], order[i+1]}]++
		}
	}
	for i := range 4 {
		next := (i + 1) % 4
		if first[i] != 2 || after[[2]int{i, next}] != after[[2]int{next, i}] {
			t.Errorf("%d is first %d times; neighbours are %v", i, first[i], after)
		}
	}
}

func TestRatiosAreOfTheSameRound(t *testing.T) {
	if got := ratios([]float64{10, 30, 5}, []float64{20, 10}); !slices.Equal(got, []float64{0.5, 3}) {
		t.Errorf("ratios = %v", got)
	}
}

func TestCompareCancelsDrift(t *testing.T) {
	var r result
	for _, speed := range []float64{1, 10, 100} {
		r.of(gorun, "rate", "1/s").add(99 * speed)
		r.of(twins, "rate", "1/s").add(100 * speed)
	}
	r.compare("rate", 0.98, twins)
	if b := r.budgets[0]; !b.kept || b.got != 0.99 {
		t.Errorf("budget = %v", b.row())
	}
}

func TestCompareWithoutTheOther(t *testing.T) {
	var r result
	r.of(gorun, "rate", "1/s").add(1)
	r.compare("rate", 2, pm2)
	if b := r.budgets[0]; !b.unknown || !math.IsNaN(b.got) {
		t.Errorf("budget = %v", b.row())
	}
}
