package endpoint

import (
	"context"
	"slices"
	"strings"
	"time"

	"gorun/supervisor/process"
	"gorun/supervisor/spec"
)

// libUVLimit bounds the question for the version, in which node starts and ends.
const libUVLimit = 10 * time.Second

// libUV asks the app's node for the version of its libuv; "": it did not answer. The worker
// that asks for a socket waits.
func libUV(deps Deps, app *spec.App, environ []string) string {
	ctx, cancel := context.WithTimeout(context.Background(), libUVLimit)
	defer cancel()
	environ = slices.DeleteFunc(slices.Clone(environ), func(pair string) bool { return strings.HasPrefix(pair, "NODE_") })
	lines, err := process.RunWithInput(ctx, deps.Reaper, process.Spec{
		Argv: []string{app.Argv[0], "-p", "process.versions.uv"}, Env: environ, Dir: app.Dir,
		User: app.User.Credential(), Marker: app.Name + "/libuv",
	}, nil)
	if err != nil || len(lines) == 0 {
		deps.Log.Warn("cannot find out how node names an abstract socket", "app", app.Name, "error", err)
		return ""
	}
	return lines[len(lines)-1]
}
