package cli

import (
	"os"
	"path/filepath"
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
