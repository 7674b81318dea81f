package reaper

import (
	"runtime"
	"sync"
)

// spareThreads is how many threads the Go runtime may want at once beyond
// those it has: readers of output, starts from threads of their own.
const spareThreads = 8

// reserveThreads makes the runtime start threads and keep them. Where it needs one
// later and the container's limit of processes is reached, it ends the program
// (newosproc): a worker that forks too much would end gorun.
func reserveThreads() {
	var started, ended sync.WaitGroup
	started.Add(spareThreads)
	for range spareThreads {
		ended.Go(func() {
			runtime.LockOSThread()
			started.Done()
			started.Wait()
			runtime.UnlockOSThread()
		})
	}
	ended.Wait()
}
