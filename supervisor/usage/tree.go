// Package usage measures: CPU, memory, threads and descriptors of a process
// tree, and usage and limits of the cgroup this process lives in.
package usage

import "time"

// Tree is what all processes of one tree use together.
type Tree struct {
	CPU         time.Duration // user and system time, reaped children included
	Resident    int64         // bytes
	Descriptors int
	Threads     int
	Processes   int
}

// Group is usage and limits of the innermost visible cgroup, v1 or v2.
type Group struct {
	MemoryUsage int64   // bytes; 0: unknown
	MemoryLimit int64   // bytes; 0: none
	OOMKills    uint64  // processes killed for want of memory
	CPULimit    float64 // cores; 0: none
	Throttled   time.Duration
}
