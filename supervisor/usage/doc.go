// Package usage measures: CPU, memory, threads and descriptors of a process
// tree, and usage and limits of the cgroup this process lives in.
//
// Every function reads /proc or the cgroup's files anew, on its caller's goroutine,
// and keeps nothing; OOMKills alone counts which kills explain a death already. What a
// process does not let gorun read counts as nothing. None of it may be called from the
// signal loop: a read of /proc may wait.
package usage
