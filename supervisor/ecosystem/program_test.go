package ecosystem

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestArgvByScript(t *testing.T) {
	dir := scriptDir(t)
	sh := "/bin/sh"
	tests := []struct {
		name, content, interpreter string
		argv                       []string
	}{
		{"JavaScript", "script: server.js", "node", []string{"bin/node", "--enable-source-maps", "server.js"}},
		{"a file with a space", "script: my app.js", "node", []string{"bin/node", "--enable-source-maps", "my app.js"}},
		{"TypeScript", "script: app.ts", "node", []string{"bin/node", "--enable-source-maps", "app.ts"}},
		{"TypeScript with JSX", "script: app.tsx", "bun", []string{"bin/bun", "app.tsx"}},
		{"no interpreter", "{script: server.js, interpreter: ''}", "node", []string{"bin/node", "--enable-source-maps", "server.js"}},
		{"Python", "script: ./app.py", "python3", []string{"bin/python3", "app.py"}},
		{"Ruby", "script: app.rb", "ruby", []string{"bin/ruby", "app.rb"}},
		{"PHP", "script: app.php", "php", []string{"bin/php", "app.php"}},
		{"Perl", "script: app.pl", "perl", []string{"bin/perl", "app.pl"}},
		{"Go", "{script: main.go, interpreter_args: -race, args: x}", "go", []string{"bin/go", "run", "-race", "main.go", "x"}},
		{"Java", "{script: app.jar, interpreter_args: -Xmx64m}", "java", []string{"bin/java", "-Xmx64m", "-jar", "app.jar"}},
		{"Java with its own -jar", "{script: app.jar, interpreter: java, interpreter_args: -jar}", "java", []string{"bin/java", "-jar", "app.jar"}},
		{"Java by name", "{script: app.jar, interpreter: java}", "java", []string{"bin/java", "-jar", "app.jar"}},
		{"shell without a first line", "script: run.sh", "bash", []string{"bin/bash", "run.sh"}},
		{"shell with a first line", "script: bash.sh", "bash", []string{"bin/bash", "bash.sh"}},
		{"shell with options", "script: strict.sh", "bash", []string{"bin/bash", "-eu", "strict.sh"}},
		{"a shebang", "{script: tool, args: [a, '']}", "none", []string{"tool", "a", ""}},
		{"an ELF", "script: ./elf", "none", []string{"elf"}},
		{"executable text", "script: plain", "sh", []string{sh, "plain"}},
		{"a command", "{script: npm, args: start}", "none", []string{"bin/npm", "start"}},
		{"interpreter none", "{script: tool, interpreter: none}", "none", []string{"tool"}},
		{"an interpreter of another language", "{script: notes.txt, interpreter: python3}", "python3", []string{"bin/python3", "notes.txt"}},
		{"a line of shell", "script: npm run build && npm start", "sh", []string{sh, "-c", "npm run build && npm start"}},
		{"a line of shell with arguments", "{script: npm run, args: [a, b c]}", "sh", []string{sh, "-c", `npm run "$@"`, "sh", "a", "b c"}},
		{"a PATH of the app's own", "{script: inner, env: {PATH: 'other:bin'}}", "none", []string{"other/inner"}},
		{"in cwd", "{script: inner.js, cwd: folder}", "node", []string{"bin/node", "--enable-source-maps", "folder/inner.js"}},
	}
	write(t, dir, "other/inner", "#!/bin/sh\n", 0o755)
	write(t, dir, "app.tsx", "", 0o644)
	write(t, dir, "bin/bun", "#!/bin/sh\n", 0o755)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			app := only(t, source(dir, tt.content))
			got := slices.Clone(app.Argv)
			for i := range got {
				got[i] = strings.TrimPrefix(got[i], dir+"/")
			}
			if !slices.Equal(got, tt.argv) || app.Interpreter != tt.interpreter {
				t.Errorf("argv %q by %s, want %q by %s", got, app.Interpreter, tt.argv, tt.interpreter)
			}
		})
	}
}

func TestScriptsThatCannotRun(t *testing.T) {
	dir := scriptDir(t)
	tests := []struct{ content, want string }{
		{"script: gone.js", `script: "gone.js" is not found in ` + dir + " or on PATH (" + dir + "/bin)"},
		{"script: ./gone", `script: "./gone" is not found in ` + dir},
		{"script: folder", "is a directory; name the file to run"},
		{"script: server.js/x", "not a directory"},
		{"script: notes.txt", "notes.txt is not executable; run chmod +x on it, or set interpreter"},
		{"{script: server.js, interpreter: none}", "server.js is not executable"},
		{"script: windows", "CR LF"},
		{"script: orphan", "the #! line of " + dir + "/orphan names /nowhere/lua, which is not found"},
		{"{script: server.js, interpreter: deno}", `interpreter: "deno" is not found`},
		{"{script: gone.js, interpreter: node}", `script: "gone.js" is not found`},
		{"{script: app.py, env: {PATH: /nowhere}}", "app.py needs python3, which is not found in " + dir + " or on PATH (/nowhere)"},
		{"{name: a}", "stdin:1:1: no script"},
		{"script: ''", "no script"},
		{"script: [a]", "script: a list is not text"},
		{`script: "a\0b"`, "contains a NUL byte"},
	}
	for _, tt := range tests {
		got := failure(t, source(dir, tt.content))
		if !strings.Contains(got, tt.want) || strings.Count(got, "\n") > 0 {
			t.Errorf("%s: %s\nwant %s", tt.content, got, tt.want)
		}
	}
}

func TestScriptBesideTheFileIsHintedAt(t *testing.T) {
	dir := scriptDir(t)
	write(t, dir, "conf/worker.js", "", 0o644)
	write(t, dir, "conf/eco.yaml", "script: worker.js", 0o644)
	src := source(dir, "")
	src.Path = "conf/eco.yaml"
	if got, want := failure(t, src), "; it is in "+filepath.Join(dir, "conf")+", so set cwd: ."; !strings.HasSuffix(got, want) {
		t.Errorf("%s, want …%s", got, want)
	}
}

func TestStopSignalDependsOnTheInterpreter(t *testing.T) {
	dir := scriptDir(t)
	for script, want := range map[string]unix.Signal{"server.js": unix.SIGINT, "app.py": unix.SIGTERM, "npm": unix.SIGTERM} {
		if got := only(t, source(dir, "script: "+script)).StopSignal; got != want {
			t.Errorf("%s: %v, want %v", script, got, want)
		}
	}
}

func TestInterpreterArgumentsThatReachNobodyAreWarnedOf(t *testing.T) {
	dir := scriptDir(t)
	file := mustLoad(t, source(dir, "{script: npm, node_args: --inspect}"))
	want := "stdin:1:15: node_args has no effect: npm runs without an interpreter"
	if len(file.Warnings) != 1 || file.Warnings[0].String() != want {
		t.Errorf("warnings = %v, want %s", file.Warnings, want)
	}
}

func TestL30TheInterpretersOptionsEndBeforeTheScript(t *testing.T) {
	dir := scriptDir(t)
	for content, want := range map[string]string{
		"{script: server.js, node_args: '-r x', args: a}": dir + "/server.js",
		"{script: server.js}":                             dir + "/server.js",
		"{script: bash}":                                  "",
	} {
		app, got := only(t, source(dir, content)), ""
		if app.ScriptAt > 0 {
			got = app.Argv[app.ScriptAt]
		}
		if got != want {
			t.Errorf("%s: the options of %q end before %q, want %q", content, app.Argv, got, want)
		}
	}
}
