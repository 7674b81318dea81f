//go:build scenarios

package scenarios_test

import (
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"gorun/deploy/scenarios/freeport"
)

// place is where the programs of one test lie, and where they listen.
type place struct {
	dir, address string
}

// newPlace copies the programs to a folder that every user may read.
func newPlace(t *testing.T) place {
	t.Helper()
	p := place{dir: openDir(t), address: freeport.Address(t)}
	if err := os.CopyFS(p.dir, os.DirFS("testdata/runtimes")); err != nil {
		t.Fatal(err)
	}
	for _, instance := range []string{"0", "1", "2"} {
		www := filepath.Join(p.dir, "www", instance)
		if err := os.MkdirAll(www, 0o755); err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(www, "index.html"), "worker "+instance, 0o644)
	}
	return p
}

// openDir is a folder that every user may read and write.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "gorun-sharing-") //nolint:usetesting // t.TempDir is for its owner alone
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil { //nolint:gosec // meant to be open
		t.Fatal(err)
	}
	return dir
}

func (p place) port() string {
	_, port, _ := net.SplitHostPort(p.address)
	return port
}

// environ is the environment that a program finds its port in, and more.
func (p place) environ(more ...string) map[string]string {
	env := map[string]string{"PORT": p.port()}
	for i := 0; i < len(more); i += 2 {
		env[more[i]] = more[i+1]
	}
	return env
}

// three is the app with three workers that share.
func (p place) three(a app) app {
	whole := app{"name": "app", "cwd": p.dir, "env": p.environ(), "listen_timeout": "1m"}
	maps.Copy(whole, a)
	whole["instances"], whole["exec_mode"] = 3, "cluster"
	return whole
}

// file writes an ecosystem file of three workers of the app.
func (p place) file(t *testing.T, a app) string {
	t.Helper()
	path := filepath.Join(p.dir, "ecosystem.json")
	writeFile(t, path, readText(t, ecosystem(t, p.three(a))), 0o644)
	return path
}

// awaitReady waits until all workers listen. A runtime takes its time on a busy
// machine.
func (g *gorun) awaitReady(t *testing.T, sharing string) {
	t.Helper()
	g.err.next(t, "sharing="+sharing+" ")
	eventually(t, "ready", func() bool {
		return g.err.count("^gorun: ready ") > 0 || !g.running()
	})
	if !g.running() {
		t.Fatal("gorun has ended")
	}
}

// tool finds what .ci/runtimes installs: Debian's, where there are several.
func tool(t *testing.T, name string) string {
	t.Helper()
	for _, dir := range []string{"/usr/bin/", "/usr/sbin/"} {
		if unix.Access(dir+name, unix.X_OK) == nil {
			return dir + name
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, err.Error())
	}
	return path
}

// fromNPM finds a file of an npm package that .ci/runtimes has installed.
func fromNPM(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(npmFolder(), pattern))
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		missing(t, "no "+pattern+" in "+npmFolder()+": run .ci/runtimes")
	}
	return found[0]
}

// npmFolder is where .ci/runtimes puts npm's packages.
func npmFolder() string {
	cache := os.Getenv("GORUN_TEST_RUNTIMES")
	if cache == "" {
		home := os.Getenv("XDG_CACHE_HOME")
		if home == "" {
			home = "/var/cache"
		}
		cache = filepath.Join(home, "gorun-runtimes")
	}
	return filepath.Join(cache, "npm", "node_modules")
}
