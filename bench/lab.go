package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
)

// The contestants, as the tables name them.
const (
	bare  = "alone"
	gorun = "gorun"
	tini  = "tini"
	pm2   = "pm2-runtime"
)

// lab is where the programs lie that are measured. A path is "" where the
// program is not installed.
type lab struct {
	dir    string // for files of this run; short enough for a unix socket's path
	gorun  string
	server string
	worker string
	tini   string
	node   string
	pm2    string
	serial int // of directories and files
}

// newLab builds what is measured. It is to be run inside the module.
func newLab(ctx context.Context) (*lab, error) {
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return nil, fmt.Errorf("find the module's directory: %w", err)
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, fmt.Errorf("make directory: %w", err)
	}
	l := &lab{dir: dir}
	for path, into := range map[string]*string{".": &l.gorun, "./bench/testdata/server": &l.server, "./bench/testdata/worker": &l.worker} {
		if *into, err = l.build(ctx, firstLine(root), path); err != nil {
			l.close()
			return nil, err
		}
	}
	l.tini = find("tini")
	l.node = find("node")
	l.pm2 = installPM2(ctx)
	return l, nil
}

// build builds as a release is built.
func (l *lab) build(ctx context.Context, root, path string) (string, error) {
	target := l.path("program")
	argv := []string{"go", "build", "-trimpath", "-ldflags", "-s -w", "-o", target, path}
	if path == "." {
		argv = []string{".ci/build", target} // gorun as it is shipped
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w: %s", path, err, bytes.TrimSpace(text))
	}
	return target, nil
}

func (l *lab) close() { _ = os.RemoveAll(l.dir) }

// path returns one that nothing has yet.
func (l *lab) path(kind string) string {
	l.serial++
	return filepath.Join(l.dir, kind+strconv.Itoa(l.serial))
}

func find(name string) string {
	path, err := exec.LookPath(name)
	if err != nil {
		return ""
	}
	return path
}

// missing names the contestants that are not installed.
func (l *lab) missing(names ...string) []string {
	return slices.DeleteFunc(names, func(name string) bool {
		return name == tini && l.tini != "" || name == pm2 && l.pm2 != ""
	})
}

// inits are the command lines that run a command: with nothing before it, with
// tini, with gorun. As a child of the benchmark tini becomes subreaper by -s
// and gorun by itself.
func (l *lab) inits() []contestant {
	all := []contestant{{bare, nil}}
	if l.tini != "" {
		all = append(all, contestant{tini, []string{l.tini, "-s", "--"}})
	}
	return append(all, contestant{gorun, []string{l.gorun, "exec", "--"}})
}

// contestant is a name with the words that come before a command.
type contestant struct {
	name   string
	before []string
}

// app is one of an ecosystem file, in the words that pm2 and gorun share.
type app struct {
	Name        string            `json:"name"`
	Script      string            `json:"script"`
	Args        []string          `json:"args,omitempty"`
	Interpreter string            `json:"interpreter"`
	Mode        string            `json:"exec_mode"`
	Instances   int               `json:"instances"`
	MinUptime   int               `json:"min_uptime,omitempty"` // milliseconds
	Env         map[string]string `json:"env,omitempty"`
}

// program is an app of a program that needs no interpreter.
func program(instances int, path string, args ...string) app {
	return app{Name: "app", Script: path, Args: args, Interpreter: "none", Mode: "fork", Instances: instances}
}

// supervisors are the command lines that run an ecosystem file with one app.
func (l *lab) supervisors(a app, options ...string) ([]contestant, error) {
	text, err := json.Marshal(map[string]any{"apps": []app{a}})
	if err != nil {
		return nil, fmt.Errorf("write ecosystem file: %w", err)
	}
	file := l.path("ecosystem") + ".json"
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, fmt.Errorf("write ecosystem file: %w", err)
	}
	all := []contestant{{gorun, slices.Concat([]string{l.gorun, file, "--web", "127.0.0.1:0"}, options)}}
	if l.pm2 != "" {
		all = append(all, contestant{pm2, slices.Concat([]string{l.pm2, file}, options)})
	}
	return all, nil
}

// rounds lets all take turns n times, each being the first in its turn.
func rounds(n int, all []contestant, do func(contestant) error) error {
	for round := range n {
		for i := range all {
			c := all[(round+i)%len(all)]
			if err := do(c); err != nil {
				return fmt.Errorf("%s, round %d: %w", c.name, round+1, err)
			}
		}
	}
	return nil
}

// freePort is one of loopback that nobody listens on.
func freePort(ctx context.Context) (string, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a port: %w", err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return "", fmt.Errorf("find a port: %w", err)
	}
	return port, nil
}
