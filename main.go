// Command gorun is a container's first process: it keeps the workers of an
// ecosystem file running, or one command under init.
package main

import (
	"os"
	"runtime"

	"gorun/supervisor/cli"
)

// version is set by the linker: -ldflags "-X main.version=1.2.3".
var version = "devel"

func main() {
	// The main thread cannot end: no goroutine may get it that is to end with
	// its thread, see reaper.Spec.Prepare.
	runtime.LockOSThread()
	os.Exit(run(os.Args, os.Environ(), cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}

// run is one run of gorun; it returns the exit code.
func run(args, environ []string, streams cli.Streams) int {
	return cli.Run(cli.Env{Streams: streams, Args: args, Environ: environ, Version: version})
}
