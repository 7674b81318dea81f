// Package usage measures: CPU, memory, threads and descriptors of a process
// tree, and usage and limits of the cgroup this process lives in.
package usage
