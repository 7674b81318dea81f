package endpoint

import (
	"slices"
	"testing"

	"gorun/supervisor/process"
	"gorun/supervisor/sockets"
	"gorun/supervisor/sockets/intercept"
	"gorun/supervisor/spec"
)

// inspectors has an app of three workers.
func inspectors(app spec.App) *SharedPorts {
	app.Instances = 3
	return &SharedPorts{app: &app, runs: map[sockets.Owner]run{}}
}

func TestL30NoTwoRunsHaveOneInspector(t *testing.T) {
	p := inspectors(spec.App{})
	var first []int
	for instance := range 3 {
		first = append(first, p.inspectorOffset(p.owner(instance)))
	}
	replacement := p.owner(1)
	beside := p.owner(2)
	scaled := p.owner(3)
	if got := append(first, p.inspectorOffset(replacement), p.inspectorOffset(beside), p.inspectorOffset(scaled)); !slices.Equal(got, []int{0, 1, 2, 3, 4, 5}) {
		t.Errorf("offsets %v", got)
	}
	delete(p.runs, 2) // instance 1's first
	if got := p.inspectorOffset(p.owner(1)); got != 1 {
		t.Errorf("offset %d for the next run of instance 1", got)
	}
}

func TestL30TheInspectorsPortIsAnOption(t *testing.T) {
	for _, test := range []struct {
		name        string
		node        bool
		argv, env   []string
		before      int
		argvs, envs []string
	}{
		{"the first", true, []string{"node", "--inspect", "s.js"}, nil, 0, []string{"node", "--inspect", "s.js"}, nil},
		{"the second", true, []string{"node", "--inspect=9300", "s.js"}, nil, 1, []string{"node", "--inspect=9300", "--inspect-port=9301", "s.js"}, nil},
		{"for SIGUSR1", true, []string{"node", "s.js"}, nil, 2, []string{"node", "--inspect-port=9231", "s.js"}, nil},
		{"any port", true, []string{"node", "--inspect=0", "s.js"}, nil, 1, []string{"node", "--inspect=0", "s.js"}, nil},
		{"NODE_OPTIONS", true, []string{"node", "s.js"}, []string{"NODE_OPTIONS=--inspect=9300"}, 1, []string{"node", "--inspect-port=9301", "s.js"}, []string{"NODE_OPTIONS=--inspect=9300"}},
		{"behind npm", false, []string{"npm", "start"}, []string{"NODE_OPTIONS=--inspect=9300"}, 1, []string{"npm", "start"}, []string{"NODE_OPTIONS=--inspect=9300 --inspect-port=9301"}},
		{"no Node", false, []string{"python3", "s.py"}, []string{"A=B"}, 1, []string{"python3", "s.py"}, []string{"A=B"}},
	} {
		app := spec.App{Node: test.node}
		if test.node {
			app.ScriptAt = len(test.argv) - 1
		}
		e := New(Request{Ports: inspectors(app), Spec: &app, Instance: test.before})
		request := process.Spec{Argv: test.argv, Env: test.env}
		e.inspector.assign(e, &request)
		if !slices.Equal(request.Argv, test.argvs) || !slices.Equal(request.Env, test.envs) {
			t.Errorf("%s: %q %q, want %q %q", test.name, request.Argv, request.Env, test.argvs, test.envs)
		}
	}
}

func TestL30OnlyAnInspectorIsPrivate(t *testing.T) {
	app := spec.App{}
	e := New(Request{Ports: inspectors(app), Spec: &app})
	e.inspector.Port = 9230
	for _, test := range []struct {
		name    string
		process intercept.Process
		address sockets.Address
		want    bool
	}{
		{"assigned", intercept.Process{Program: "/usr/bin/node"}, sockets.Address{Port: 9230}, true},
		{"by default", intercept.Process{Program: "/usr/bin/node"}, sockets.Address{Port: 9229}, true},
		{"named", intercept.Process{Program: "/usr/bin/node", Args: []string{"--inspect=9300", "x.js"}}, sockets.Address{Port: 9300}, true},
		{"another port", intercept.Process{Program: "/usr/bin/node"}, sockets.Address{Port: 8080}, false},
		{"a server", intercept.Process{Program: "/usr/bin/node", MainThread: true}, sockets.Address{Port: 9229}, false},
		{"another program", intercept.Process{Program: "/usr/bin/python3"}, sockets.Address{Port: 9229}, false},
		{"UDP", intercept.Process{Program: "/usr/bin/node"}, sockets.Address{Kind: sockets.UDP, Port: 9229}, false},
	} {
		if got := e.inspector.private(test.process, test.address); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}
