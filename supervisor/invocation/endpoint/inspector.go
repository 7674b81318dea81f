package endpoint

import (
	"path/filepath"
	"slices"

	"gorun/supervisor/node"
	"gorun/supervisor/process"
	"gorun/supervisor/sockets"
	"gorun/supervisor/sockets/intercept"
)

// inspector is Node's, of one run.
type inspector struct{ node.Inspector }

// assign gives Node's inspector a port that no other run of the app has: by the
// option that Node's own cluster uses, also for one that SIGUSR1 starts.
func (i *inspector) assign(e *Endpoint, request *process.Spec) {
	var options []string
	if e.app.Node && e.app.ScriptAt > 0 {
		options = request.Argv[1:e.app.ScriptAt]
	}
	offset := e.ports.inspectorOffset(e.owner)
	i.Inspector = node.InspectorOf(request.Env, options).Next(offset)
	switch {
	case offset == 0, i.Port == 0: // as the app has it
	case e.app.Node && e.app.ScriptAt > 0:
		request.Argv = slices.Insert(slices.Clone(request.Argv), e.app.ScriptAt, i.Option())
	case i.Named: // whatever starts node, such as npm
		request.Env = node.AddOption(request.Env, i.Option())
	}
}

// private reports whether an address that a process of the tree binds is its inspector's:
// that is nobody else's, and no sign that the process serves. Node binds it in a thread
// of its own.
func (i *inspector) private(p intercept.Process, address sockets.Address) bool {
	if p.MainThread || address.Kind != sockets.TCP || !slices.Contains([]string{"node", "nodejs"}, filepath.Base(p.Program)) {
		return false
	}
	return address.Port == i.Port || address.Port == node.InspectorOf(p.Environ, p.Args).Port
}
