package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gorun/supervisor/ecosystem"
)

func TestTheSamplesLoad(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"server.js": "", "node": "#!/bin/sh\n", ".env": "A=b\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// With all that is commented out, too: but for what needs another app.
	full := strings.ReplaceAll(sample, "\n    # ", "\n    ")
	full = strings.Replace(full, "    depends_on: {migrate: completed}\n", "", 1)
	for name, text := range map[string]string{"sample": sample, "simple": sampleSimple, "full": full} {
		file, err := ecosystem.Load(ecosystem.Source{
			Path: "-", Stdin: strings.NewReader(text), Dir: dir, Environ: []string{"PATH=" + dir}, CPUs: 2, Strict: true,
		})
		if err != nil || len(file.Apps) != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, sampleScriptFile), []byte(sampleScript), 0o644); err != nil {
		t.Fatal(err)
	}
	file, err := ecosystem.Load(ecosystem.Source{Path: sampleScriptFile, Dir: dir, Environ: []string{"PATH=" + dir}, CPUs: 2, Strict: true})
	if err != nil || len(file.Apps) != 1 {
		t.Errorf("js: %v", err)
	}
}

func TestInitNeverOverwrites(t *testing.T) {
	t.Chdir(t.TempDir())
	for i, want := range []int{0, codeFailure} {
		if r := gorun(t, "init"); r.code != want {
			t.Errorf("run %d: code %d, want %d: %s", i, r.code, want, r.err)
		}
	}
	if got := read(t, sampleFile); got != sample {
		t.Errorf("%q", got)
	}
	if err := os.Rename(sampleFile, "old.yaml"); err != nil {
		t.Fatal(err)
	}
	if r := gorun(t, "init", "--from", "old.yaml"); r.code != 0 {
		t.Errorf("init --from: code %d: %s", r.code, r.err)
	}
	if got := read(t, sampleFile); !strings.Contains(got, "script: server.js\n") {
		t.Errorf("%q", got)
	}
	for _, wrong := range []string{"complicated", "--js simple", "--js --from x"} {
		if r := gorun(t, append([]string{"init"}, strings.Fields(wrong)...)...); r.code != codeUsage {
			t.Errorf("init %s was taken: code %d", wrong, r.code)
		}
	}
}
