//go:build scenarios

package scenarios_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// program is a server whose workers are replaced. None but node knows of it.
type program struct {
	name string
	app  func(t *testing.T, s site) app
}

var nodeProgram = program{"node server.js", func(t *testing.T, s site) app {
	t.Helper()
	tool(t, "node")
	return s.app()
}}

var staticProgram = program{"static Go", func(t *testing.T, s site) app {
	t.Helper()
	return s.app().with("script", releaseBinary(t)).with("interpreter", "none")
}}

var reloaded = []program{
	nodeProgram, staticProgram,
	{"npm start", func(t *testing.T, s site) app {
		t.Helper()
		return s.app().with("script", tool(t, "npm")).with("args", []string{"start"})
	}},
	{"gunicorn", func(t *testing.T, s site) app {
		t.Helper()
		return s.app().with("script", tool(t, "gunicorn")).with("args", []string{"-b", s.address, "wsgi:app"})
	}},
}

// builtOnce returns what builds the program of a folder of testdata, the first time
// that a test wants it, and has its path.
func builtOnce(name string) func(*testing.T) string {
	path := ""
	build := sync.OnceValue(func() error {
		path = filepath.Join(buildDir, name)
		c := exec.Command("go", "build", "-buildvcs=false", "-o", path, "./testdata/"+name)
		c.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("go build ./testdata/%s: %w\n%s", name, err, out)
		}
		return nil
	})
	return func(t *testing.T) string {
		t.Helper()
		if err := build(); err != nil {
			t.Fatal(err)
		}
		return path
	}
}

// releaseBinary is the static binary of testdata/release.
var releaseBinary = builtOnce("release")
