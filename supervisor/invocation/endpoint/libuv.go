package endpoint

import (
	"context"
	"slices"
	"strings"
	"time"

	"gorun/supervisor/process"
)

// libUVLimit bounds the question for the version, in which node starts and ends.
const libUVLimit = 10 * time.Second

// libUV asks the app's node for the version of its libuv; "": it did not answer. The worker
// that asks for a socket waits.
func (e *Endpoint) libUV() string {
	ctx, cancel := context.WithTimeout(context.Background(), libUVLimit)
	defer cancel()
	environ := slices.DeleteFunc(slices.Clone(e.probe.environ), func(pair string) bool { return strings.HasPrefix(pair, "NODE_") })
	lines, err := process.RunWithInput(ctx, e.ports.deps.Reaper, process.Spec{
		Argv: []string{e.app.Argv[0], "-p", "process.versions.uv"}, Env: environ, Dir: e.app.Dir,
		User: e.app.User.Credential(), Marker: e.app.Name + "/libuv",
	}, nil)
	if err != nil || len(lines) == 0 {
		e.ports.deps.Log.Warn("cannot find out how node names an abstract socket", "app", e.app.Name, "error", err)
		return ""
	}
	return lines[len(lines)-1]
}
