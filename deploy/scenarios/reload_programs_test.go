package scenarios_test

import (
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

// release is the static binary of testdata/release, once it is built.
var release struct {
	once sync.Once
	path string
	err  error
	out  []byte
}

// releaseBinary builds testdata/release, once.
func releaseBinary(t *testing.T) string {
	t.Helper()
	release.once.Do(func() {
		release.path = filepath.Join(buildDir, "release")
		c := exec.Command("go", "build", "-buildvcs=false", "-o", release.path, "./testdata/release")
		c.Env = append(os.Environ(), "CGO_ENABLED=0")
		release.out, release.err = c.CombinedOutput()
	})
	if release.err != nil {
		t.Fatalf("go build ./testdata/release: %v\n%s", release.err, release.out)
	}
	return release.path
}
