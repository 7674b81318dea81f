package usage

import (
	"maps"
	"testing"
	"time"

	"gorun/supervisor/status"
)

// The files every container has, by how its cgroups are set up.
var (
	v1Host = map[string]string{ // no cgroup namespace: the path is the host's, the mount shows the group itself
		"proc/self/cgroup": "9:name=systemd:/docker/abc\n4:memory:/docker/abc\n2:cpu,cpuacct:/docker/abc\n0::/docker/abc\n",
		"proc/self/mountinfo": "40 31 0:28 / /proc rw - proc proc rw\n" +
			"32 31 0:29 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro,relatime master:11 - cgroup cgroup rw,cpu,cpuacct\n" +
			"35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro,relatime master:17 - cgroup cgroup rw,memory\n",
		"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us":  "150000\n",
		"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
		"sys/fs/cgroup/cpu,cpuacct/cpu.stat":          "nr_periods 5\nnr_throttled 2\nthrottled_time 1500000000\n",
		"sys/fs/cgroup/memory/memory.usage_in_bytes":  "1048576\n",
		"sys/fs/cgroup/memory/memory.limit_in_bytes":  "9223372036854771712\n",
		"sys/fs/cgroup/memory/memory.oom_control":     "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
	}
	v2Container = map[string]string{
		"proc/self/cgroup":             "0::/\n",
		"proc/self/mountinfo":          "34 33 0:29 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw,nsdelegate\n",
		"sys/fs/cgroup/cpu.max":        "50000 100000\n",
		"sys/fs/cgroup/cpu.stat":       "usage_usec 9\nthrottled_usec 2500000\n",
		"sys/fs/cgroup/memory.current": "4096\n",
		"sys/fs/cgroup/memory.max":     "536870912\n",
		"sys/fs/cgroup/memory.events":  "low 0\nhigh 0\nmax 12\noom 2\noom_kill 1\noom_group_kill 0\n",
	}
	v2Nested = map[string]string{ // host namespace, limits on two levels
		"proc/self/cgroup":                     "0::/a b/c\n",
		"proc/self/mountinfo":                  "34 33 0:29 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
		"sys/fs/cgroup/cpu.stat":               "throttled_usec 0\n",
		"sys/fs/cgroup/a b/cpu.max":            "200000 100000\n",
		"sys/fs/cgroup/a b/cpu.stat":           "throttled_usec 7\n",
		"sys/fs/cgroup/a b/memory.max":         "1000\n",
		"sys/fs/cgroup/a b/memory.current":     "900\n",
		"sys/fs/cgroup/a b/c/cpu.max":          "max 100000\n",
		"sys/fs/cgroup/a b/c/cpu.stat":         "throttled_usec 0\n",
		"sys/fs/cgroup/a b/c/memory.max":       "max\n",
		"sys/fs/cgroup/a b/c/memory.current":   "300\n",
		"sys/fs/cgroup/a b/c/memory.events":    "oom_kill 4\n",
		"sys/fs/cgroup/unrelated/memory.max":   "1\n",
		"sys/fs/cgroup/unrelated/memory.event": "oom_kill 9\n",
	}
	hybrid = map[string]string{ // memory in v1, cpu in v2
		"proc/self/cgroup": "4:memory:/x\n1:name=systemd:/x\n0::/x\n",
		"proc/self/mountinfo": "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n" +
			"41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
		"sys/fs/cgroup/memory/x/memory.usage_in_bytes": "77\n",
		"sys/fs/cgroup/memory/x/memory.limit_in_bytes": "9223372036854771712\n",
		"sys/fs/cgroup/memory/x/memory.stat":           "cache 0\nhierarchical_memory_limit 2048\nhierarchical_memsw_limit 1\n",
		"sys/fs/cgroup/memory/x/memory.oom_control":    "oom_kill 2\n",
		"sys/fs/cgroup/memory/memory.limit_in_bytes":   "4096\n",
		"sys/fs/cgroup/unified/x/cpu.max":              "100000 50000\n",
		"sys/fs/cgroup/unified/x/memory.current":       "1\n", // not to be looked at
	}
	foreign = map[string]string{ // moved below another namespace's root
		"proc/self/cgroup":             "0::/../../kubepods/pod1\n",
		"proc/self/mountinfo":          "34 33 0:29 /../.. /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
		"sys/fs/cgroup/memory.current": "11\n",
		"sys/fs/cgroup/memory.max":     "22\n",
	}
	vanished = map[string]string{ // the host's path, but the mount shows something else
		"proc/self/cgroup": "0::/system.slice/docker-1.scope (deleted)\n",
		"proc/self/mountinfo": "33 33 0:29 /elsewhere /host rw - cgroup2 cgroup rw\n" +
			"34 33 0:29 / /sys/fs/my\\040cgroup ro - cgroup2 cgroup rw\n",
		"sys/fs/my cgroup/memory.current": "11\n",
	}
)

func TestReadTellsUsageAndLimits(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		want  status.Cgroup
	}{
		{"v1 in the host's namespace", v1Host, status.Cgroup{MemoryUsage: 1 << 20, OOMKills: 3, CPULimit: 1.5, Throttled: 1500 * time.Millisecond}},
		{"v2", v2Container, status.Cgroup{MemoryUsage: 4096, MemoryLimit: 512 << 20, OOMKills: 1, CPULimit: .5, Throttled: 2500 * time.Millisecond}},
		{"v2, a limit above", v2Nested, status.Cgroup{MemoryUsage: 300, MemoryLimit: 1000, OOMKills: 4, CPULimit: 2, Throttled: 7 * time.Microsecond}},
		{"hybrid", hybrid, status.Cgroup{MemoryUsage: 77, MemoryLimit: 2048, OOMKills: 2, CPULimit: 2}},
		{"path of another namespace", foreign, status.Cgroup{MemoryUsage: 11, MemoryLimit: 22}},
		{"path that is not there", vanished, status.Cgroup{MemoryUsage: 11}},
		{"no cgroups", map[string]string{"proc/self/cgroup": "", "proc/self/mountinfo": ""}, status.Cgroup{}},
		{"no /proc", nil, status.Cgroup{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cgroup := find(fixture(t, test.files))
			if got := cgroup.Read(); got != test.want {
				t.Errorf("Read() = %+v, want %+v", got, test.want)
			}
			if got := cgroup.OOMKills(); got != test.want.OOMKills {
				t.Errorf("OOMKills() = %d, want %d", got, test.want.OOMKills)
			}
		})
	}
}

func TestCPUsByQuotaAndAffinity(t *testing.T) {
	tests := []struct {
		name    string
		quota   string
		allowed int
		want    int
	}{
		{"--cpus 0.5", "50000", 8, 1},
		{"--cpus 1", "100000", 8, 1},
		{"--cpus 1.5", "150000", 8, 2},
		{"--cpus 2", "200000", 8, 2},
		{"a cpuset of one", "-1", 1, 1},
		{"quota above the affinity", "400000", 3, 3},
		{"no quota", "-1", 8, 8},
		{"affinity unknown", "-1", 0, 1},
	}
	for _, test := range tests {
		v1, v2 := maps.Clone(v1Host), maps.Clone(v2Container)
		v1["sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us"] = test.quota + "\n"
		v2["sys/fs/cgroup/cpu.max"] = test.quota + " 100000\n"
		if test.quota == "-1" {
			v2["sys/fs/cgroup/cpu.max"] = "max 100000\n"
		}
		for version, files := range map[string]map[string]string{"v1": v1, "v2": v2} {
			t.Run(test.name+" "+version, func(t *testing.T) {
				if got := cpus(find(fixture(t, files)), test.allowed); got != test.want {
					t.Errorf("cpus(quota %s, affinity %d) = %d, want %d", test.quota, test.allowed, got, test.want)
				}
			})
		}
	}
}

func TestThisMachineIsFound(t *testing.T) {
	if n := CPUs(); n < 1 || n > max(affinity(), 1) {
		t.Errorf("CPUs() = %d, want from 1 to %d", n, affinity())
	}
	if c := Find(); len(c.memory.levels) > 0 && c.Read().MemoryUsage < 0 {
		t.Errorf("Read() = %+v, want no negative usage", c.Read())
	}
}

func TestSpanDoesNotOverflow(t *testing.T) {
	if got := duration(1<<63, time.Microsecond); got <= 0 {
		t.Errorf("span = %v, want the longest time", got)
	}
}

func BenchmarkRead(b *testing.B) {
	cgroup := Find()
	for b.Loop() {
		cgroup.Read()
	}
}

func BenchmarkOOMKills(b *testing.B) {
	cgroup := Find()
	for b.Loop() {
		cgroup.OOMKills()
	}
}

func FuzzCgroupFiles(f *testing.F) {
	for _, files := range []map[string]string{v1Host, v2Nested, hybrid, foreign, vanished} {
		f.Add(files["proc/self/cgroup"], files["proc/self/mountinfo"])
	}
	f.Fuzz(func(t *testing.T, groups, table string) {
		// Nothing must be read outside of the root: it does not exist.
		cgroup := locate("/nonexistent", parseMembership(groups), parseMounts(table), "memory")
		if len(cgroup.levels) > 0 {
			t.Errorf("levels = %q, want none", cgroup.levels)
		}
	})
}

func FuzzUnder(f *testing.F) {
	f.Add("/", "/a/b")
	f.Add("/a", "/a/../b")
	f.Add("/..", "/../a")
	f.Fuzz(func(t *testing.T, base, path string) {
		below, ok := relativePath(base, path)
		if !ok {
			return
		}
		if levels := ancestors("/top", below); levels[len(levels)-1] != "/top" {
			t.Errorf("climb(%q) = %q, want it to end at the top", below, levels)
		}
	})
}

func FuzzNumbers(f *testing.F) {
	f.Add("50000 100000")
	f.Add("max 100000")
	f.Add("9223372036854771712\n")
	f.Add("oom_kill 3\n")
	f.Fuzz(func(t *testing.T, text string) {
		if n, _ := parseBytes(text); n < 0 {
			if _, ok := parseBytes(text); ok {
				t.Errorf("parseBytes(%q) = %d", text, n)
			}
		}
		if cores := parseQuota(text); cores < 0 {
			t.Errorf("parseQuota(%q) = %v", text, cores)
		}
		valueOf(text, "oom_kill")
	})
}
