package control

import (
	"strings"
	"testing"

	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// L13: a number of workers that the CPUs or the memory have no room for needs force; a
// smaller one than now is what mends it, and never does.
func TestL13MoreWorkersThanThereIsRoomForNeedForce(t *testing.T) {
	const mib = 1 << 20
	app := func(name string, workers int, memory int64) status.App {
		one := status.App{Name: name}
		for i := range workers {
			one.Workers = append(one.Workers, status.Worker{App: name, Instance: i, Usage: status.Usage{Resident: memory}})
		}
		return one
	}
	for _, test := range []struct {
		name  string
		now   int
		size  spec.Size
		limit int64
		says  string // "": admitted
	}{
		{"four for each CPU", 2, spec.Size{Workers: 8}, 0, ""},
		{"one more", 2, spec.Size{Workers: 9}, 0, "2 CPUs"},
		{"one more, relative", 8, spec.Size{Workers: 1, Relative: true}, 0, "9 workers"},
		{"fewer, and yet many", 1000, spec.Size{Workers: 100}, 0, ""},
		{"fewer, relative", 1000, spec.Size{Workers: -1, Relative: true}, 0, ""},
		{"as many", 20, spec.Size{Workers: 20}, 0, ""},
		{"within the memory", 2, spec.Size{Workers: 4}, 500 * mib, ""},
		{"not within the memory", 2, spec.Size{Workers: 5}, 500 * mib, "limit is 500 MiB"},
		{"fewer where memory is short", 4, spec.Size{Workers: 3}, 200 * mib, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := status.Snapshot{Apps: []status.App{app("web", 1, 100*mib), app("api", test.now, 100*mib)}, Group: status.Cgroup{MemoryLimit: test.limit}}
			err := checkGrowth("api", test.size, s, 2)
			if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v, want %q", err, test.says)
			}
			if err != nil && !strings.Contains(err.Error(), "--force") {
				t.Errorf("%v: does not say what to do", err)
			}
		})
	}
}
