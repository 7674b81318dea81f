//go:build scenarios

package scenarios_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"gorun/deploy/scenarios/freeport"
)

// site is where an app lies that is operated, and where it listens.
type site struct {
	dir, address string
	file         string // the ecosystem file
	socket       string // gorun's own, for control
}

// newSite copies the programs of testdata/control to a folder of every user.
func newSite(t *testing.T) site {
	t.Helper()
	dir := openDir(t)
	if err := os.CopyFS(dir, os.DirFS("testdata/control")); err != nil {
		t.Fatal(err)
	}
	return site{
		dir: dir, address: freeport.Address(t),
		file: filepath.Join(dir, "ecosystem.json"), socket: filepath.Join(dir, "sock"),
	}
}

// app is api, which serves the site's address.
func (s site) app() app {
	return app{
		"name": "api", "script": "server.js", "cwd": s.dir, "exec_mode": "cluster", "instances": 2,
		"env": s.environ(),
	}
}

// environ is the app's, with more of it in pairs.
func (s site) environ(more ...string) map[string]string {
	return place{address: s.address}.environ(more...)
}

// write makes these apps the content of the site's file.
func (s site) write(t *testing.T, apps ...app) {
	t.Helper()
	writeFile(t, s.file, readText(t, ecosystem(t, apps...)), 0o644)
}

func (s site) asker(path string) asker {
	return asker{network: "tcp", address: s.address, path: path, limit: patience}
}

// operated is a gorun that takes commands.
type operated struct {
	*gorun
	site site
}

// operate starts gorun with the site's file.
func operate(t *testing.T, s site, apps ...app) operated {
	t.Helper()
	s.write(t, apps...)
	g := operated{start(t, launch{args: []string{s.file, "--web", "127.0.0.1:0"}, env: []string{"GORUN_SOCKET=" + s.socket}}), s}
	g.err.next(t, "^gorun: ready ")
	return g
}

// outcome is how a command ended.
type outcome struct {
	out, err string
	code     int
	took     time.Duration
}

// commandLine is a command for a gorun.
type commandLine struct {
	socket string
	args   []string
	user   *syscall.Credential // nil: ours
}

func (o commandLine) run(t *testing.T) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	c := exec.CommandContext(ctx, gorunBinary, o.args...)
	c.Env = append(os.Environ(), "GORUN_SOCKET="+o.socket)
	c.SysProcAttr = &syscall.SysProcAttr{Credential: o.user}
	var out, problem bytes.Buffer
	c.Stdout, c.Stderr = &out, &problem
	begun := time.Now()
	err := c.Run()
	result := outcome{out: out.String(), err: problem.String(), took: time.Since(begun)}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		result.code = shellCode(exit.Sys())
	case err != nil:
		t.Fatalf("gorun %q: %v", o.args, err)
	}
	return result
}

// order runs a command, which may fail.
func (g operated) order(t *testing.T, args ...string) outcome {
	t.Helper()
	return commandLine{socket: g.site.socket, args: args}.run(t)
}

// ok runs a command, which must exit with 0, and returns what it printed.
func (g operated) ok(t *testing.T, args ...string) string {
	t.Helper()
	o := g.order(t, args...)
	if o.code != 0 {
		t.Errorf("gorun %q exits with %d\nstdout: %s\nstderr: %s", args, o.code, o.out, o.err)
	}
	return o.out
}

// refused runs a command, which must exit with 1 and tell all of these.
func (g operated) refused(t *testing.T, args []string, words ...string) {
	t.Helper()
	o := g.order(t, args...)
	if o.code != 1 || !containsAll(o.err, words) {
		t.Errorf("gorun %q exits with %d and says %q, want 1 and %q", args, o.code, o.err, words)
	}
}

// tells runs a command, which must exit with 0 and print all of these.
func (g operated) tells(t *testing.T, args []string, words ...string) {
	t.Helper()
	if out := g.ok(t, args...); !containsAll(out, words) {
		t.Errorf("gorun %q prints %q, want all of %q in it", args, out, words)
	}
}

// member is a worker as `gorun list --json` has it.
type member struct {
	ID, Instance, Pid, Restarts int
	State                       string
}

// members lists the workers of an app, or of all: by the name of the app and
// their instance.
func (g operated) members(t *testing.T, apps ...string) map[string]member {
	t.Helper()
	var list []struct {
		Name    string
		Workers []member
	}
	text := g.ok(t, "list", "--json")
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		t.Fatalf("gorun list --json: %v\n%s", err, text)
	}
	found := map[string]member{}
	for _, app := range list {
		if len(apps) > 0 && !slices.Contains(apps, app.Name) {
			continue
		}
		for _, w := range app.Workers {
			found[fmt.Sprintf("%s/%d", app.Name, w.Instance)] = w
		}
	}
	return found
}

// states is what `gorun list` says of the workers, such as "api/0 online".
func (g operated) states(t *testing.T) string {
	t.Helper()
	var found []string
	for name, w := range g.members(t) {
		found = append(found, name+" "+w.State)
	}
	slices.Sort(found)
	return strings.Join(found, ", ")
}

// wantStates waits for them: `gorun stop` returns when the workers have ended,
// but a worker that comes back takes its time.
func (g operated) wantStates(t *testing.T, want string) {
	t.Helper()
	deadline := time.After(patience)
	for {
		got := g.states(t)
		if got == want {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("the workers are %q, want %q", got, want)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// changed names the workers that have another process than before.
func changed(before, after map[string]member) string {
	var found []string
	for name, w := range after {
		if before[name].Pid != w.Pid {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return strings.Join(found, " ")
}

// changes names the workers that a command gave another process.
func (g operated) changes(t *testing.T, args ...string) string {
	t.Helper()
	before := g.members(t)
	g.ok(t, args...)
	return changed(before, g.members(t))
}
