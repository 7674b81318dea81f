package ecosystem

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gorun/supervisor/spec"
)

// scriptDir makes a folder with scripts of all sorts, and a bin of its own as the
// only PATH: nothing depends on what is installed.
func scriptDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"node", "python3", "ruby", "php", "perl", "bash", "sh", "go", "java", "npm", "env"} {
		write(t, dir, "bin/"+name, "#!/bin/sh\n", 0o755)
	}
	for _, name := range []string{"server.js", "app.py", "app.rb", "app.php", "app.pl", "main.go", "app.jar", "app.ts", "my app.js"} {
		write(t, dir, name, "", 0o644)
	}
	write(t, dir, "run.sh", "echo", 0o644)
	write(t, dir, "bash.sh", "#!/usr/bin/env bash\n", 0o644)
	write(t, dir, "strict.sh", "#!bin/bash -eu\n", 0o644)
	write(t, dir, "tool", "#!/bin/sh\n", 0o755)
	write(t, dir, "elf", "\x7fELF\x02", 0o755)
	write(t, dir, "plain", "echo hi\n", 0o755)
	write(t, dir, "notes.txt", "hello\n", 0o644)
	write(t, dir, "windows", "#!/bin/sh\r\necho\r\n", 0o755)
	write(t, dir, "orphan", "#!/nowhere/lua\n", 0o755)
	write(t, dir, "folder/inner.js", "", 0o644)
	return dir
}

func TestASourceKnowsItsFileByAnyPath(t *testing.T) {
	dir := scriptDir(t)
	if err := os.Symlink(dir, filepath.Join(dir, "current")); err != nil {
		t.Fatal(err)
	}
	s := Source{Path: "server.js", Dir: dir}
	for path, want := range map[string]bool{"server.js": true, "current/server.js": true, "app.py": false, "gone": false} {
		if got := s.Is(filepath.Join(dir, path)); got != want {
			t.Errorf("%s is the file: %v", path, got)
		}
	}
	if (Source{Path: "gone", Dir: dir}).Is(filepath.Join(dir, "server.js")) {
		t.Error("what is gone is a file")
	}
}

func write(t *testing.T, dir, name, content string, mode os.FileMode) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}

// source is a load of that content from standard input.
func source(dir, content string) Source {
	return Source{
		Path: "-", Stdin: strings.NewReader(content), Dir: dir, CPUs: 4,
		Environ: []string{"PATH=" + filepath.Join(dir, "bin"), "HOME=/home/gorun", "LANG=C", "SECRET_KEY=s"},
	}
}

func mustLoad(t *testing.T, src Source) File {
	t.Helper()
	file, err := Load(src)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return file
}

// only loads content that has one app.
func only(t *testing.T, src Source) spec.App {
	t.Helper()
	file := mustLoad(t, src)
	if len(file.Apps) != 1 {
		t.Fatalf("%d apps, want 1", len(file.Apps))
	}
	return file.Apps[0]
}

func failure(t *testing.T, src Source) string {
	t.Helper()
	_, err := Load(src)
	if err == nil {
		t.Fatal("Load succeeded, want mistakes")
	}
	return err.Error()
}

func containsAll(words string, parts ...string) bool {
	return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(words, part) })
}

func names(file File) []string {
	var all []string
	for _, app := range file.Apps {
		all = append(all, app.Name)
	}
	return all
}

func TestLoadUnderstandsEveryForm(t *testing.T) {
	dir := scriptDir(t)
	tests := []struct {
		name, content string
		want          []string
	}{
		{"apps as a list", "apps: [{script: server.js}, {script: app.py}]", []string{"server", "app"}},
		{"apps as one entry", "apps: {script: server.js}", []string{"server"}},
		{"apps by name", "apps:\n  api: {script: server.js}\n  web: {script: app.py, name: w}", []string{"api", "w"}},
		{"pm2 as a list", "pm2: [{script: server.js}]", []string{"server"}},
		{"pm2 with apps", "pm2: {apps: [{script: server.js}], deploy: {}}", []string{"server"}},
		{"a bare list", "- script: server.js\n- script: app.py\n", []string{"server", "app"}},
		{"one entry", "script: server.js\nname: api\n", []string{"api"}},
		{"anchors and merge keys", "x-base: &b {script: server.js, name: base}\napps: [{<<: *b, name: api}]", []string{"api"}},
		{"several merge keys", "x-a: &a {name: a}\nx-b: &b {name: b, script: server.js}\napps: [{<<: [*a, *b]}]", []string{"a"}},
		{"a merge key's alias yields", "x-b: &b {exec: app.py}\napps: [{<<: *b, script: server.js}]", []string{"server"}},
		{"JSON", `{"apps": [{"script": "server.js"}]}`, []string{"server"}},
		{"JSON with comments and commas", "// one\n{\"apps\": [{\"script\": \"server.js\", /* two */},],}", []string{"server"}},
		{"YAML in flow style", "{apps: [{script: server.js}]}", []string{"server"}},
		{"a byte order mark", "\ufeffscript: server.js", []string{"server"}},
		{"Windows line ends", "apps:\r\n  - script: server.js\r\n    name: a\r\n", []string{"a"}},
		{"a document's signs", "---\nscript: server.js\n...\n", []string{"server"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := names(mustLoad(t, source(dir, tt.content))); !slices.Equal(got, tt.want) {
				t.Errorf("apps = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestLoadReadsFilesByName(t *testing.T) {
	dir := scriptDir(t)
	write(t, dir, "conf/eco.yaml", "apps: [{script: server.js, cwd: ..}]\nshutdown_delay: 3s\n", 0o644)
	write(t, dir, "conf/eco.json", "{\"script\": \"server.js\", \"cwd\": \"..\",}", 0o644)
	for _, name := range []string{"conf/eco.yaml", "conf/eco.json"} {
		src := source(dir, "")
		src.Path = name
		file := mustLoad(t, src)
		if file.Path != filepath.Join(dir, name) || file.Apps[0].Dir != dir {
			t.Errorf("%s: path %s, dir %s", name, file.Path, file.Apps[0].Dir)
		}
		if !strings.HasPrefix(file.Apps[0].Position, name+":1:") {
			t.Errorf("%s: position %s", name, file.Apps[0].Position)
		}
	}
}

func TestLoadEvaluatesJavaScript(t *testing.T) {
	dir := scriptDir(t)
	write(t, dir, ".env", "FROM_DOTENV=yes\n", 0o644)
	write(t, dir, "package.json", `{"name": "shop", "unknown": 1, "pm2": [{"script": "server.js", "name": "packed"}]}`, 0o644)
	write(t, dir, "eco.config.js", `
require('dotenv').config();
const { name } = require('./package.json');
module.exports = { apps: [{ name, script: './server.js', instances: require('os').cpus().length - 1, env: { TAKEN: process.env.HOME, DROPPED: undefined } }] };`, 0o644)
	src := source(dir, "")
	src.Path, src.CPUs, src.Environ = "eco.config.js", 4, append(src.Environ, "HOME=/home/x")
	app := mustLoad(t, src).Apps[0]
	if app.Name != "shop" || app.Instances != 3 || app.Position != "eco.config.js: apps[0]" {
		t.Errorf("app %s × %d at %s", app.Name, app.Instances, app.Position)
	}
	for _, want := range []string{"FROM_DOTENV=yes", "TAKEN=/home/x"} {
		if env := app.Environ(0, 0); !slices.Contains(env, want) {
			t.Errorf("the environment has no %s: %q", want, env)
		}
	}
	src.Path = "package.json"
	if file := mustLoad(t, src); file.Apps[0].Name != "packed" || len(file.Warnings) > 0 {
		t.Errorf("package.json: %s, %v", file.Apps[0].Name, file.Warnings)
	}
}

func TestLoadTakesAScript(t *testing.T) {
	dir := scriptDir(t)
	src := source(dir, "")
	src.Path, src.Args = "./server.js", []string{"--port", "3000"}
	src.Options = map[string]string{"instances": "1", "name": "api", "shutdown_delay": "2s", "kill_timeout": "3000"}
	file := mustLoad(t, src)
	app := file.Apps[0]
	want := []string{dir + "/bin/node", "--enable-source-maps", dir + "/server.js", "--port", "3000"}
	if app.Name != "api" || !slices.Equal(app.Argv, want) || app.KillTimeout != 3*time.Second {
		t.Errorf("app = %+v", app)
	}
	if file.ShutdownDelay != 2*time.Second || file.Path != "" {
		t.Errorf("file = %+v", file)
	}
}

func TestLoadRefusesWhatItCannotRead(t *testing.T) {
	dir := scriptDir(t)
	write(t, dir, "empty.json", "", 0o644)
	write(t, dir, "bad.config.js", "module.exports = {\n  apps: [ };", 0o644)
	write(t, dir, "lib.config.mjs", "import './conf/lib.cjs';", 0o644)
	write(t, dir, "conf/lib.cjs", "throw 'oops'", 0o644)
	write(t, dir, "many.config.cjs", "exports.apps = [{script: 'server.js', port: 1}, {script: 'server.js', name: 'b', port: 'x'}]", 0o644)
	write(t, dir, "package.json", "{\"name\": \"shop\"}", 0o644)
	write(t, dir, "bad.json", "{\n  \"apps\": [}\n}", 0o644)
	write(t, dir, "binary.yaml", "\xff\xfe", 0o644)
	write(t, dir, "big.yaml", strings.Repeat("#", maxBytes+1), 0o644)
	tests := []struct{ path, content, want string }{
		{"eco.config.js", "", "eco.config.js: no such file or directory"},
		{"bad.config.js", "", "bad.config.js:2:11: SyntaxError: Unexpected token }"},
		{"lib.config.mjs", "", "conf/lib.cjs:1:1: it threw oops"},
		{"many.config.cjs", "", "many.config.cjs: apps[1]: port: \"x\" is not a whole number"},
		{"package.json", "", "package.json:1:1: no key \"pm2\""},
		{"gone.yaml", "", "gone.yaml: no such file or directory"},
		{"", "", "no file or script given"},
		{"empty.json", "", "empty.json: the file is empty"},
		{"bad.json", "", "bad.json:2:12: not valid JSON: invalid character '}' at start of value"},
		{"binary.yaml", "", "not UTF-8"},
		{"big.yaml", "", "larger than 1 MiB"},
		{"-", "", "stdin: the file is empty"},
		{"-", "# nothing\n", "stdin: the file is empty"},
		{"-", "apps: [", "stdin:1:7: not valid YAML"},
		{"-", "{\"apps\": [}", "stdin:1:11: not valid JSON"},
		{"-", "a: 1\n---\nb: 2\n", "stdin:3:1: a second document begins here"},
		{"-", "hello", "stdin:1:1: \"hello\" is not an ecosystem file"},
		{"-", "apps: hello", "stdin:1:7: \"hello\" is not a list of apps"},
		{"-", "apps: []", "stdin:1:7: the list of apps is empty"},
		{"-", "apps:\n  - hello", "stdin:2:5: \"hello\" is not an app"},
		{"-", "foo: 1", "stdin:1:1: no apps; list them"},
		{"-", "apps: *x", "stdin:1:7: anchor of *x is not defined above"},
		{"-", "apps: &x [*x]", "anchor of *x is not defined"},
		{"-", "apps: !foo x", "tag !foo is not supported"},
		{"-", "apps: [{<<: 5}]", "<< merges a mapping"},
		{"-", "script: server.js\nscript: app.py", "stdin:2:1: duplicate key \"script\", first on line 1"},
		{"-", `{"script": "server.js", "script": "x"}`, "stdin:1:25: duplicate key \"script\""},
	}
	for _, tt := range tests {
		src := source(dir, tt.content)
		src.Path = tt.path
		if got := failure(t, src); !strings.Contains(got, tt.want) {
			t.Errorf("%s %q: %s\nwant %s", tt.path, tt.content, got, tt.want)
		}
	}
}

func TestLoadReportsEveryMistakeWithItsPlace(t *testing.T) {
	dir := scriptDir(t)
	for _, name := range []string{"mistakes.yaml", "mistakes.json"} {
		content, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, name, string(content), 0o644)
		want, err := os.ReadFile(filepath.Join("testdata", name+".golden"))
		if err != nil {
			t.Fatal(err)
		}
		src := source(dir, "")
		src.Path = name
		got := strings.ReplaceAll(failure(t, src), dir, "DIR") + "\n"
		if got != string(want) {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
		}
	}
}

func TestALongListOfProblemsIsCut(t *testing.T) {
	src := source(scriptDir(t), strings.Repeat("script: server.js\n", 100))
	lines := strings.Split(failure(t, src), "\n")
	if len(lines) != mostProblems+1 || !containsAll(lines[0], ":2:1:") || !containsAll(lines[mostProblems], "79 more") {
		t.Errorf("mistakes: %q", lines)
	}
	var unknown strings.Builder
	for i := range 100 {
		fmt.Fprintf(&unknown, "key%d: 1\n", i)
	}
	file := mustLoad(t, source(src.Dir, "script: server.js\n"+unknown.String()))
	if len(file.Warnings) != mostProblems+1 || !containsAll(file.Warnings[mostProblems].Text, "80 more") {
		t.Errorf("warnings: %v", file.Warnings)
	}
}

func TestStrictMakesWarningsMistakes(t *testing.T) {
	src := source(scriptDir(t), "script: server.js\nkillTimeot: 5\nx-anything: 1\nvizion: false\n")
	file := mustLoad(t, src)
	want := `stdin:2:1: unknown key "killTimeot"; did you mean kill_timeout?`
	if len(file.Warnings) != 1 || file.Warnings[0].String() != want || !slices.Equal(file.Ignored, []string{"vizion"}) {
		t.Errorf("warnings %v, ignored %v", file.Warnings, file.Ignored)
	}
	src = source(src.Dir, "script: server.js\nkillTimeot: 5\n")
	src.Strict = true
	if got := failure(t, src); got != want {
		t.Errorf("strict: %s", got)
	}
}

func TestHostileFilesAreRefused(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for name := 'b'; name < 'n'; name++ {
		before := "*" + string(name-1) + " ,"
		bomb += string(name) + ": &" + string(name) + " [" + strings.Repeat(before, 9) + "]\n"
	}
	for name, content := range map[string]string{
		"aliases":  bomb,
		"brackets": strings.Repeat("[", hostileBytes),
		"dashes":   strings.Repeat("- ", hostileBytes/2),
		"keys":     strings.Repeat("a: b\r\n", maxBytes/6),
		"mappings": strings.Repeat("{a: ", hostileBytes/4),
	} {
		if got := failure(t, source(t.TempDir(), content)); len(got) > 1000 {
			t.Errorf("%s: %.1000s…", name, got)
		}
	}
}
