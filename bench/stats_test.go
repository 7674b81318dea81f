package main

import (
	"math"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		name   string
		values []float64
		want   float64
	}{
		{"one", []float64{3}, 3},
		{"odd, unsorted", []float64{9, 1, 5}, 5},
		{"even", []float64{4, 1, 3, 2}, 2.5},
		{"one outlier", []float64{1, 1, 1000}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := median(c.values); got != c.want {
				t.Errorf("median(%v) = %v, want %v", c.values, got, c.want)
			}
		})
	}
}

func TestPercentile(t *testing.T) {
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(100 - i)
	}
	for _, c := range []struct {
		name   string
		values []float64
		p      float64
		want   float64
	}{
		{"of a hundred", hundred, 95, 95},
		{"smallest", hundred, 0, 1},
		{"greatest", hundred, 100, 100},
		{"of few: the greatest", []float64{1, 2, 3}, 95, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := percentile(c.values, c.p); got != c.want {
				t.Errorf("percentile(%v) = %v, want %v", c.p, got, c.want)
			}
		})
	}
}

func TestNoValuesGiveNoNumber(t *testing.T) {
	if got := median(nil); !math.IsNaN(got) {
		t.Errorf("median of nothing = %v, want NaN", got)
	}
	if got := percentile(nil, 95); !math.IsNaN(got) {
		t.Errorf("percentile of nothing = %v, want NaN", got)
	}
	if got := sum(nil); !math.IsNaN(got) {
		t.Errorf("sum of nothing = %v, want NaN", got)
	}
}

func TestMedianLeavesTheValuesAlone(t *testing.T) {
	values := []float64{3, 1, 2}
	median(values)
	if values[0] != 3 {
		t.Errorf("values are %v now", values)
	}
}

func TestSum(t *testing.T) {
	if got := sum([]float64{3, 0, 4}); got != 7 {
		t.Errorf("sum = %v, want 7", got)
	}
}
