package usage

import (
	"math"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"gorun/supervisor/status"
)

// Cgroup is the cgroup of this process. The zero Cgroup has no figures and no limits.
type Cgroup struct {
	memory, cpu hierarchy
}

// hierarchy is the group of this process in one tree of cgroups.
type hierarchy struct {
	version int      // 0: not found
	levels  []string // directories, from this process's group up to the outermost visible one
}

// Find finds the cgroup of this process: v1, v2, or one controller in each.
func Find() Cgroup {
	return find("/")
}

// find treats root as the root of the file system.
func find(root string) Cgroup {
	groups, err := os.ReadFile(filepath.Join(root, "proc/self/cgroup"))
	if err != nil {
		return Cgroup{}
	}
	table, err := os.ReadFile(filepath.Join(root, "proc/self/mountinfo"))
	if err != nil {
		return Cgroup{}
	}
	paths, mounts := parseMembership(string(groups)), parseMounts(string(table))
	return Cgroup{
		memory: locate(root, paths, mounts, "memory"),
		cpu:    locate(root, paths, mounts, "cpu"),
	}
}

// locate finds the hierarchy of one controller. A controller that has a v1
// hierarchy is not available in v2.
func locate(root string, paths map[string]string, mounts []mount, controller string) hierarchy {
	if h := visible(root, paths, mounts, controller); len(h) > 0 {
		return hierarchy{version: 1, levels: h}
	}
	if h := visible(root, paths, mounts, unified); len(h) > 0 {
		return hierarchy{version: 2, levels: h}
	}
	return hierarchy{}
}

// visible lists the directories from this process's group to the mount point.
func visible(root string, paths map[string]string, mounts []mount, controller string) []string {
	path, ok := paths[controller]
	if !ok {
		return nil
	}
	fallback := ""
	for _, m := range mounts {
		if !m.controllers[controller] {
			continue
		}
		top := filepath.Join(root, filepath.Clean("/"+m.point))
		if below, ok := relativePath(m.root, path); ok && isDirectory(filepath.Join(top, below)) {
			return ancestors(top, below)
		}
		if fallback == "" && isDirectory(top) {
			fallback = top
		}
	}
	if fallback == "" {
		return nil
	}
	// The path is that of another cgroup namespace: the mounted group is the nearest
	// visible one.
	return []string{fallback}
}

// ancestors lists top/below and each directory above it, up to top.
func ancestors(top, below string) []string {
	levels := []string{filepath.Join(top, below)}
	for below != "." {
		below = filepath.Dir(below)
		levels = append(levels, filepath.Join(top, below))
	}
	return levels
}

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// Read reads usage and limits. The limits of all visible levels apply.
func (c Cgroup) Read() status.Cgroup {
	limit, throttled := c.cpu.quota()
	return status.Cgroup{
		MemoryUsage: c.memory.memoryUsage(),
		MemoryLimit: c.MemoryLimit(),
		OOMKills:    c.OOMKills(),
		CPULimit:    limit,
		Throttled:   throttled,
	}
}

// MemoryLimit is the smallest limit of any visible level, in bytes; 0: none.
func (c Cgroup) MemoryLimit() int64 { return c.memory.memoryLimit() }

// OOMKills counts the processes of the group that the kernel killed for lack of memory.
// The kernel counts before the killed process ends.
func (c Cgroup) OOMKills() uint64 {
	if len(c.memory.levels) == 0 {
		return 0
	}
	file := "memory.events"
	if c.memory.version == 1 {
		file = "memory.oom_control"
	}
	return valueOf(readFile(c.memory.levels[0], file), "oom_kill")
}

// CPUs counts the CPUs this process may use, by the quota of its cgroup and
// by its affinity: at least 1, a part of a CPU counts as one.
func CPUs() int {
	return cpus(Find(), affinity())
}

func cpus(c Cgroup, allowed int) int {
	if limit, _ := c.cpu.quota(); limit > 0 && limit < float64(allowed) {
		allowed = int(math.Ceil(limit))
	}
	return max(allowed, 1)
}

func affinity() int {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return runtime.NumCPU() // more CPUs than a CPUSet can hold
	}
	return set.Count()
}

func (h hierarchy) memoryUsage() int64 {
	if len(h.levels) == 0 {
		return 0
	}
	file := "memory.current"
	if h.version == 1 {
		file = "memory.usage_in_bytes"
	}
	usage, _ := parseBytes(readFile(h.levels[0], file))
	return usage
}

// memoryLimit is the smallest limit, 0 without any. Only v1 includes the groups above
// the visible ones.
func (h hierarchy) memoryLimit() int64 {
	if len(h.levels) == 0 {
		return 0
	}
	file, smallest := "memory.max", uint64(unlimited)
	if h.version == 1 {
		file = "memory.limit_in_bytes"
		if limit := valueOf(readFile(h.levels[0], "memory.stat"), "hierarchical_memory_limit"); limit > 0 {
			smallest = min(smallest, limit)
		}
	}
	for _, level := range h.levels {
		if limit, ok := parseBytes(readFile(level, file)); ok {
			smallest = min(smallest, uint64(limit))
		}
	}
	if smallest == unlimited {
		return 0
	}
	return int64(smallest)
}

// quota is the smallest limit in cores, 0 without any, and for how long that limit has
// throttled processes.
func (h hierarchy) quota() (cores float64, throttled time.Duration) {
	if len(h.levels) == 0 {
		return 0, 0
	}
	limiting := h.levels[0]
	for _, level := range h.levels {
		if limit := h.coresAt(level); limit > 0 && (cores == 0 || limit < cores) {
			cores, limiting = limit, level
		}
	}
	if h.version == 1 {
		return cores, duration(valueOf(readFile(limiting, "cpu.stat"), "throttled_time"), time.Nanosecond)
	}
	return cores, duration(valueOf(readFile(limiting, "cpu.stat"), "throttled_usec"), time.Microsecond)
}

func (h hierarchy) coresAt(level string) float64 {
	if h.version == 1 {
		return parseQuota(readFile(level, "cpu.cfs_quota_us") + " " + readFile(level, "cpu.cfs_period_us"))
	}
	return parseQuota(readFile(level, "cpu.max"))
}

// readFile returns a file's content, "" on an error: the root group and groups without
// a controller lack files.
func readFile(directory, file string) string {
	text, err := os.ReadFile(filepath.Join(directory, file))
	if err != nil {
		return ""
	}
	return string(text)
}
