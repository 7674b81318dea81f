package ecosystem

import (
	"strings"
	"testing"
)

func TestConvertWritesTheSameApps(t *testing.T) {
	dir := scriptDir(t)
	write(t, dir, "eco.config.js", `
const base = { script: './server.js', exec_mode: 'cluster', instances: require('os').cpus().length, env: { N: 1, YES: 'yes', EMPTY: '', MULTI: 'a\nb: c', COLON: 'a: b', NUM: '08' } };
module.exports = { apps: [{ ...base, name: 'a', args: ['--x', 'true', '1'], watch: undefined, cron: null }, { ...base, name: 'b', max_memory_restart: '1.5G', env_production: { A: true, F: 1.5 } }] };`, 0o644)
	src := source(dir, "")
	src.Path, src.CPUs, src.EnvName = "eco.config.js", 3, "production"
	written, err := Convert(src)
	if err != nil {
		t.Fatal(err)
	}
	want, got := mustLoad(t, src), source(dir, written)
	got.CPUs, got.EnvName = 1, "production"
	file := mustLoad(t, got)
	for i, app := range file.Apps {
		if changes := want.Apps[i].Changes(app); len(changes) > 0 {
			t.Errorf("app %s differs in %v:\n%s", app.Name, changes, written)
		}
	}
	if strings.Contains(written, "cron") || !strings.Contains(written, "instances: 3\n") {
		t.Errorf("written:\n%s", written)
	}
}

func TestConvertRefusesWhatItCannotRead(t *testing.T) {
	dir := scriptDir(t)
	write(t, dir, "bad.config.js", "module.exports = {\n  apps: [ };", 0o644)
	write(t, dir, "twice.json", `{"script": "a", "script": "b"}`, 0o644)
	for path, want := range map[string]string{
		"server.js":     "server.js: not an ecosystem file",
		"gone.yaml":     "gone.yaml: no such file or directory",
		"bad.config.js": "bad.config.js:2:11: SyntaxError",
		"twice.json":    `duplicate key "script"`,
	} {
		src := source(dir, "")
		src.Path = path
		if _, err := Convert(src); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}
