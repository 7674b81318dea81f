package usage

import (
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// unified stands for the v2 hierarchy among the names of controllers.
const unified = ""

// unlimited is a little below the value that v1 shows without a limit, which depends on
// the page size.
const unlimited = 1 << 62

// mount is one cgroup hierarchy as it is mounted.
type mount struct {
	root        string // the group that is mounted
	point       string // where
	controllers map[string]bool
}

// parseMembership parses /proc/self/cgroup: controller → path of the group.
func parseMembership(text string) map[string]string {
	paths := map[string]string{}
	for line := range strings.Lines(text) {
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(parts) != 3 {
			continue
		}
		path := strings.TrimSuffix(parts[2], " (deleted)")
		for controller := range strings.SplitSeq(parts[1], ",") {
			paths[controller] = path
		}
	}
	return paths
}

// parseMounts picks the cgroup hierarchies out of /proc/self/mountinfo.
func parseMounts(text string) []mount {
	var mounts []mount
	for line := range strings.Lines(text) {
		before, after, ok := strings.Cut(line, " - ")
		if !ok {
			continue
		}
		head, tail := strings.Fields(before), strings.Fields(after)
		if len(head) < 5 || len(tail) < 1 {
			continue
		}
		m := mount{root: unescape(head[3]), point: unescape(head[4]), controllers: map[string]bool{}}
		switch {
		case tail[0] == "cgroup2":
			m.controllers[unified] = true
		case tail[0] == "cgroup" && len(tail) >= 3:
			for option := range strings.SplitSeq(tail[2], ",") {
				m.controllers[option] = true
			}
		default:
			continue
		}
		mounts = append(mounts, m)
	}
	return mounts
}

// unescape undoes the \040 of mountinfo.
func unescape(text string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(text)
}

// relativePath returns the path from base to path, "." when they are the same; false
// when path is not below base, as in another cgroup namespace.
func relativePath(base, path string) (string, bool) {
	if !filepath.IsAbs(base) || !filepath.IsAbs(path) || strings.HasPrefix(path+"/", "/../") {
		return "", false
	}
	way, err := filepath.Rel(base, path)
	if err != nil || way == ".." || strings.HasPrefix(way, "../") {
		return "", false
	}
	return way, true
}

// parseBytes parses a size or limit; false: none.
func parseBytes(text string) (int64, bool) {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	return n, err == nil && n >= 0 && n < unlimited
}

// parseQuota parses "quota period" and returns cores; 0: no limit.
func parseQuota(text string) float64 {
	fields := strings.Fields(text)
	if len(fields) != 2 {
		return 0
	}
	quota, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil || quota <= 0 {
		return 0
	}
	period, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil || period <= 0 {
		return 0
	}
	return float64(quota) / float64(period)
}

// valueOf finds the number of a key in lines of "key number"; 0: missing.
func valueOf(text, key string) uint64 {
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(line, " ")
		if name != key {
			continue
		}
		if n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 64); err == nil {
			return n
		}
	}
	return 0
}

// duration is n units, or the longest Duration.
func duration(n uint64, unit time.Duration) time.Duration {
	if n > uint64(math.MaxInt64/unit) {
		return math.MaxInt64
	}
	return time.Duration(n) * unit
}
