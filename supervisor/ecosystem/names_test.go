package ecosystem

import (
	"slices"
	"strings"
	"testing"

	"gorun/supervisor/spec"
)

const shop = `
apps:
  - {name: api, script: server.js, namespace: web, depends_on: {migrate: completed, cache: online}}
  - {name: migrate, script: run.sh, autorestart: false, depends_on: [cache]}
  - {name: cache, script: app.py}
`

func TestDependsOn(t *testing.T) {
	file := mustLoad(t, source(scriptDir(t), shop))
	if len(file.Warnings) > 0 {
		t.Errorf("warnings: %v", file.Warnings)
	}
	want := []spec.Dependency{{App: "migrate", Condition: spec.Completed}, {App: "cache", Condition: spec.Online}}
	if got := file.Apps[0].DependsOn; !slices.Equal(got, want) {
		t.Errorf("DependsOn = %v, want %v", got, want)
	}
}

func TestOnlyChoosesByNameAndNamespace(t *testing.T) {
	dir := scriptDir(t)
	tests := []struct {
		only, want []string
	}{
		{[]string{"cache"}, []string{"cache"}},
		{[]string{"web", "cache"}, []string{"api", "cache"}},
		{[]string{"default"}, []string{"migrate", "cache"}},
	}
	for _, tt := range tests {
		src := source(dir, shop)
		src.Only = tt.only
		if got := names(mustLoad(t, src)); !slices.Equal(got, tt.want) {
			t.Errorf("--only %v: %v, want %v", tt.only, got, tt.want)
		}
	}
	src := source(dir, shop)
	src.Only = []string{"apo"}
	want := `option --only: no app or namespace "apo"; there are: api, cache, default, migrate, web; did you mean api?`
	if got := failure(t, src); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func TestDependencyLeftOutByOnlyIsDropped(t *testing.T) {
	src := source(scriptDir(t), shop)
	src.Only = []string{"api", "cache"}
	file := mustLoad(t, src)
	if got := file.Apps[0].DependsOn; !slices.Equal(got, []spec.Dependency{{App: "cache", Condition: spec.Online}}) {
		t.Errorf("DependsOn = %v", got)
	}
	if len(file.Warnings) != 1 || !containsAll(file.Warnings[0].Text, "depends_on", `"migrate"`, `"api"`, "--only") {
		t.Errorf("warnings = %v", file.Warnings)
	}
}

func TestDependenciesThatCannotBeMet(t *testing.T) {
	dir := scriptDir(t)
	tests := []struct{ content, want string }{
		{"{script: app.py, depends_on: [app]}", "stdin:1:31: depends_on: dependency cycle: app → app"},
		{
			"apps:\n  a: {script: app.py, depends_on: b}\n  b: {script: app.py, depends_on: [c]}\n  c: {script: app.py, depends_on: [a, b]}\n",
			"stdin:4:36: depends_on: dependency cycle: a → b → c → a\nstdin:4:39: depends_on: dependency cycle: b → c → b",
		},
		{"{script: app.py, depends_on: {ap: online}}", `stdin:1:31: depends_on: unknown app "ap"; did you mean app?`},
		{"{script: app.py, depends_on: 5x}", `stdin:1:30: depends_on: unknown app "5x"`},
		{"apps: {a: {script: app.py}, b: {script: app.py, depends_on: {a: up}}}", "stdin:1:65: depends_on.a: \"up\" is not one of online, completed"},
	}
	for _, tt := range tests {
		if got := failure(t, source(dir, tt.content)); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s:\n%s\nwant %s", tt.content, got, tt.want)
		}
	}
}

func TestDependencyThatNeverComesTrueIsWarnedOf(t *testing.T) {
	content := "apps:\n  a: {script: app.py, depends_on: {b: completed, c: online}}\n  b: {script: app.py}\n  c: {script: app.py, autostart: false}\n"
	file := mustLoad(t, source(scriptDir(t), content))
	if len(file.Warnings) != 2 || !containsAll(file.Warnings[0].Text, "depends_on", `"b"`, "autorestart: false") ||
		!containsAll(file.Warnings[1].Text, "depends_on", `"c"`, "autostart: false") {
		t.Errorf("warnings = %v", file.Warnings)
	}
}

func TestNamesFollowAppendEnvToName(t *testing.T) {
	src := source(scriptDir(t), "apps:\n  a: {script: app.py, depends_on: b, env_x: {}}\n  b: {script: app.py, append_env_to_name: true}\n")
	src.EnvName, src.Only = "x", []string{"a", "b-x"}
	file := mustLoad(t, src)
	if !slices.Equal(names(file), []string{"a", "b-x"}) || file.Apps[0].DependsOn[0].App != "b-x" {
		t.Errorf("apps = %+v", file.Apps)
	}
}

func TestKeysInTheWrongPlaceAreWarnedOf(t *testing.T) {
	file := mustLoad(t, source(scriptDir(t), "instances: 2\napp: 1\napps: [{script: server.js, shutdown_delay: 1}]\n"))
	want := []string{
		"stdin:1:1: instances has no effect here; move it into an app",
		`stdin:2:1: unknown key "app"; did you mean apps?`,
		"stdin:3:28: shutdown_delay has no effect here; move it to the top level, beside apps",
	}
	var got []string
	for _, w := range file.Warnings {
		got = append(got, w.String())
	}
	if !slices.Equal(got, want) {
		t.Errorf("warnings = %q\nwant %q", got, want)
	}
}
