package ecosystem

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"gorun/supervisor/spec"
)

// FuzzLoad feeds bytes as YAML or JSON. Whatever comes in, what comes out is
// either mistakes or apps that can be started.
func FuzzLoad(f *testing.F) {
	seeds := []string{
		"apps:\n  - script: sleep\n    args: 5 'a b'\n    instances: max\n    env: {A: 1, B: null, C: [1, {d: e}]}\n",
		`{"apps": [{"script": "sleep", "kill_timeout": "5s", /* c */ "max_memory_restart": "1.5G",},]}`,
		"x: &a {script: sh}\napps: [{<<: *a, name: a, depends_on: [b]}, {<<: *a, name: b, depends_on: {a: completed}}]\n",
		"pm2: {apps: {script: sh, uid: 1000, gid: 10, limits: {nofile: '1:2', core: {soft: 1}}}}",
		"- script: echo a b\n  log_rotate: {max_size: 1k}\n  out_file: x.log\n  time: true\n  port: 3000\n  increment_var: PORT\n",
		"script: sh\nstop_signal: RTMIN+1\nfilter_env: [A]\nstop_exit_codes: [0, '3']\nenv_prod: {A: !!str 1}\n",
		"? a\n: b\n--- |\n  x\n...\n%YAML 1.2\n", "&a [*a]", "[[[[", "{\"a\":\"\\ud800\"}", "a: >-\n  b\n\n  c\n",
	}
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, content []byte) {
		file, err := Load(Source{
			Path: "-", Stdin: bytes.NewReader(content), Dir: dir, EnvName: "prod", CPUs: 2,
			Environ: []string{"PATH=/usr/bin:/bin", "HOME=/"},
		})
		var problems Problems
		if err != nil && (!errors.As(err, &problems) || len(problems) == 0 || len(file.Apps) > 0) {
			t.Fatalf("Load = %+v, %v", file, err)
		}
		for _, app := range file.Apps {
			checkStartable(t, app)
		}
	})
}

// FuzzDotenv feeds bytes as an env file.
func FuzzDotenv(f *testing.F) {
	for _, seed := range []string{"A=1\n", "export B='x y' # c\n", "C=\"a\\nb${A}\"\n", "D: yaml\n", "=x", "E='", "F=$", "G=${"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		vars, err := parseDotenv(content)
		for name := range vars {
			if err != nil || name == "" {
				t.Fatalf("%q and %v", vars, err)
			}
		}
	})
}

func checkStartable(t *testing.T, app spec.App) {
	t.Helper()
	if app.Name == "" || app.Instances < 1 || !filepath.IsAbs(app.Dir) || len(app.Argv) == 0 || !filepath.IsAbs(app.Argv[0]) {
		t.Fatalf("cannot be started: %+v", app)
	}
	for _, arg := range app.Argv {
		if strings.ContainsRune(arg, 0) {
			t.Fatalf("NUL in %q", app.Argv)
		}
	}
	seen := map[string]bool{}
	for _, pair := range app.Environ(0, 0) {
		name, words, ok := strings.Cut(pair, "=")
		if !ok || name == "" || seen[name] || strings.ContainsRune(words, 0) {
			t.Fatalf("%q in the environment", pair)
		}
		seen[name] = true
	}
}
