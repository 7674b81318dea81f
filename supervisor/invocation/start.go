package invocation

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"

	"gorun/supervisor/invocation/endpoint"
	"gorun/supervisor/process"
	"gorun/supervisor/spec"
)

// Start starts the program, with fresh pipes for its output. The error says what
// could not be started; process.CodeOf has the exit code that it stands for.
func Start(r Request) (*Invocation, error) {
	deps := r.Ports.Deps()
	kills := deps.Cgroup.OOMKills()
	output, err := r.Output.Capture()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", r.Spec.Argv[0], err)
	}
	stdout, stderr := output.Files()
	request := process.Spec{
		Argv: r.Spec.Argv, Env: r.Spec.Environ(r.Instance, r.ID), Dir: r.Spec.Dir,
		Stdout: stdout, Stderr: stderr,
		User: r.Spec.User.Credential(), Marker: r.Spec.Name + "/" + strconv.Itoa(r.Instance) + "/" + rand.Text(), Memory: deps.Cgroup.MemoryLimit(),
	}
	for _, limit := range r.Spec.Limits {
		request.Limits = append(request.Limits, process.Limit{Resource: limit.Resource, Soft: limit.Soft, Hard: limit.Hard})
	}
	input, err := openInput(r.Spec, &request)
	if err != nil {
		output.Started()
		_ = closeOutput(output) // nothing has written to it
		return nil, fmt.Errorf("start %s: %w", r.Spec.Argv[0], err)
	}
	e := endpoint.New(endpoint.Request{Ports: r.Ports, Spec: r.Spec, Instance: r.Instance, Count: r.Count})
	p, err := e.Start(&request)
	output.Started()
	input.Started()
	if err != nil {
		e.Release()
		input.Close()
		_ = closeOutput(output) // nothing has written to it
		return nil, err
	}
	return New(Parts{Program: p, Tree: p, Output: output, Endpoint: e, Input: input}, r.Spec, kills), nil
}

// closeOutput waits until what a dead process has left in its pipes was read, and
// lets the rest of the output finish on its own: a reader of gorun's output that
// is stalled holds up no restart. It returns what gives up the rest.
func closeOutput(output Output) context.CancelFunc {
	ctx, cancel := context.WithTimeout(context.Background(), outputDrainTimeout)
	defer cancel()
	_ = output.Drain(ctx) // cut short: the reading goes on
	closing, abandon := context.WithCancel(context.Background())
	go func() { _ = output.Close(closing) }()
	return abandon
}

// openInput gives the program its standard input.
func openInput(app *spec.App, request *process.Spec) (*process.Input, error) {
	if app.Stdin == spec.StdinNull {
		return nil, nil //nolint:nilnil // nil is /dev/null
	}
	input, err := process.OpenInput(request.User)
	if err != nil {
		return nil, err //nolint:wrapcheck // the caller names the program
	}
	request.Input = input
	return input, nil
}
