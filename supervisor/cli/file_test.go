package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// L11: a release is what a link leads to, so the working directory is known by the name
// of the link, not by that of the release.
func TestL11TheWorkingDirectoryIsKnownByItsName(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	release, current := filepath.Join(root, "rel", "1"), filepath.Join(root, "current")
	if err := os.MkdirAll(release, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(release, current); err != nil {
		t.Fatal(err)
	}
	t.Chdir(release)
	for _, test := range []struct{ name, pwd, file, want string }{
		{"PWD names it", current, "eco.yaml", current},
		{"the path of the file does", "", filepath.Join(current, "eco.yaml"), current},
		{"the path goes before", release, filepath.Join(current, "eco.yaml"), current},
		{"nobody does", "", "eco.yaml", release},
		{"PWD is another one", root, "eco.yaml", release},
		{"the file is elsewhere", "", filepath.Join(root, "eco.yaml"), release},
		{"no file", current, "", current},
		{"standard input", current, "-", current},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("PWD", test.pwd)
			if got, err := workingDir(test.file); err != nil || got != test.want {
				t.Errorf("workingDir(%q) = %q, %v; want %q", test.file, got, err, test.want)
			}
		})
	}
}

// L14: pm2's users name an app by its script.
func TestL14AScriptNamesTheAppThatRunsIt(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, name := range []string{"shop.js", "shop", "other.js", "web", "eco.yaml"} {
		if err := os.WriteFile(name, []byte("apps: []\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(dir, filepath.Join(dir, "current")); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		script, line string
		code         int
		call         string
	}{
		{"shop.js", "restart shop.js", 0, "restart [{api -1}] parallel 0"},
		{"shop.js", "reload shop.js --parallel 2", 0, "reload [{api -1}] parallel 2"},
		{"shop.js", "start ./shop.js", 0, "start [{api -1}] parallel 0"},
		{"shop.js", "stop current/shop.js web", 0, "stop [{api -1} {web -1}] parallel 0"},
		{"shop.js", "reset " + dir + "/shop.js", 0, "reset [{api -1}] parallel 0"},
		{"shop", "restart shop", 0, "restart [{api -1}] parallel 0"}, // a binary
		{"web", "restart web", 0, "restart [{web -1}] parallel 0"},   // a name goes before
		{"shop.js", "restart other.js", 0, "apply partial true all true restart true start true parallel 0"},
		{"shop.js", "reload other.js", 1, ""}, // all others would go
		{"shop.js", "reload eco.yaml", 0, "apply partial false all true restart false start false parallel 0"},
		{"shop.js", "restart shop", 1, ""},
	} {
		t.Run(test.line, func(t *testing.T) {
			f := startFake(t, &fake{script: filepath.Join(dir, test.script)})
			r := gorunIn(t, f.environ, strings.Fields(test.line)...)
			if calls := f.takeCalls(); r.code != test.code || calls != test.call {
				t.Errorf("code %d, want %d; the supervisor was asked for %q, want %q\n%s", r.code, test.code, calls, test.call, r.err)
			}
		})
	}
}
