package status

import "time"

// Usage is what all processes of one tree use together.
type Usage struct {
	CPU         time.Duration // user and system time, reaped children included
	Resident    int64         // bytes; above the worker's limit, shared pages count in part
	Descriptors int
	Threads     int
	Processes   int
}

// Cgroup is usage and limits of the innermost visible cgroup, v1 or v2.
type Cgroup struct {
	MemoryUsage int64   // bytes; 0: unknown
	MemoryLimit int64   // bytes; 0: none
	OOMKills    uint64  // processes killed for want of memory
	CPULimit    float64 // cores; 0: none
	Throttled   time.Duration
}
