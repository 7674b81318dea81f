package control

import (
	"slices"

	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// workersPerCPU is how many workers for each CPU an app may be scaled to without force.
const workersPerCPU = 4

// checkGrowth refuses more workers than there is room for: most often that is a digit
// too many, and each of them would take CPU and memory from all others. Fewer workers
// than now are never refused.
func checkGrowth(name string, size spec.Size, s status.Snapshot, cpus int) error {
	i := slices.IndexFunc(s.Apps, func(app status.App) bool { return app.Name == name })
	if i < 0 {
		return nil // it is gone meanwhile, which the order will report
	}
	now := len(s.Apps[i].Workers)
	n := size.From(now)
	if n <= now {
		return nil
	}
	if n > workersPerCPU*cpus {
		return badInput("%s of app %s are more than %d for each of the %s; to start them nevertheless, add --force",
			status.Plural(n, "worker"), name, workersPerCPU, status.Plural(cpus, "CPU"))
	}
	used, each := memoryOf(s.Apps), memoryOf(s.Apps[i:i+1])/int64(max(running(s.Apps[i]), 1))
	if needed := used + int64(n-now)*each; s.Group.MemoryLimit > 0 && needed > s.Group.MemoryLimit {
		return badInput("%s of app %s at %s each make %s of memory for all workers, and the limit is %s; to start them nevertheless, add --force",
			status.Plural(n, "worker"), name, status.Bytes(each), status.Bytes(needed), status.Bytes(s.Group.MemoryLimit))
	}
	return nil
}

func memoryOf(apps []status.App) int64 {
	var sum int64
	for _, app := range apps {
		for _, w := range app.Workers {
			sum += w.Usage.Resident
		}
	}
	return sum
}

// running counts the workers whose memory says something.
func running(app status.App) int {
	n := 0
	for _, w := range app.Workers {
		if w.Usage.Resident > 0 {
			n++
		}
	}
	return n
}
