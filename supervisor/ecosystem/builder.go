package ecosystem

import (
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"gorun/supervisor/restart"
	"gorun/supervisor/spec"
)

// builder makes an app out of its settings. Each step reports its own mistakes
// and leaves the app incomplete.
type builder struct {
	app       spec.App
	source    *Source
	variables map[string]string // pm2's own, of gorun's environment
	report    *report
	at        position
	settings  settings
	envs      settings // env_NAME, by NAME
	base      string   // folder that cwd is relative to
	dirExists bool     // cwd is an existing directory
	env       environment
	depends   []dependency // with positions, until the apps are known

	// Values of keys that a later step combines with others: an index into the words of each.
	execMode, sharing, reloadFallback int
	watch                             spec.Watch
}

// newBuilder sorts the entries of an app by their keys.
func newBuilder(l *loader, at position, entries []entry) *builder {
	b := &builder{source: l.source, variables: l.variables, report: l.report, at: at, base: l.base, envs: settings{}}
	b.app.Position = l.report.location(at)
	b.settings = l.report.collect(entries, "", l.appIndex.find, l.unknownKey)
	for name, s := range b.settings {
		if env, ok := strings.CutPrefix(name, "env_"); ok && name != "env_file" {
			b.envs[env] = s
		}
	}
	return b
}

// override replaces settings of the file by the options of the command line.
func (b *builder) override(l *loader) {
	for _, e := range l.options {
		if key, ok := l.appIndex.find(e.key); ok {
			b.settings[key.Name] = setting{name: key.Name, at: e.at, value: e.value}
		}
	}
}

// build makes the app: first the program to run, then each key in the order of
// the tables, then the fields that depend on several keys.
func (b *builder) build(keys []Key) {
	addVariableDefaults(keys, b.settings, b.variables)
	addDefaults(keys, b.settings, "", b.at)
	b.chooseNames()
	b.dirExists = b.chooseDir()
	b.chooseEnvironment()
	b.chooseUser()
	programs := search{dir: b.app.Dir, path: defaultPath}
	if path, ok := b.app.Env.Vars["PATH"]; ok {
		programs.path = path
	}
	if b.dirExists {
		b.chooseProgram(programs)
	}
	b.app.StopSignal = unix.SIGTERM
	if b.app.Node = isNode(b.app.Interpreter); b.app.Node {
		b.app.StopSignal = unix.SIGINT // Node servers handle it
	}
	readAll(keys, scope{report: b.report, app: b.app.Name, programs: programs, node: b.app.Node, cpus: b.source.CPUs}, b.settings)
	if b.settings["min_uptime"].byDefault {
		b.app.Restart.FailureUptime = restart.DefaultFailureUptime
	}
	b.chooseMode()
	b.chooseSharing()
	b.addVariables()
	b.chooseWatch()
	b.warnWithoutNode()
}

func (b *builder) chooseNames() {
	b.app.Script = b.settings.text("script", b.report)
	if s := b.settings["name"]; s.given() {
		b.app.Name = s.label(b.report)
	} else {
		b.app.Name = baseName(b.app.Script)
	}
	if b.settings.enabled("append_env_to_name", b.report) && b.source.EnvName != "" {
		b.app.Name += "-" + b.source.EnvName
	}
}

// baseName is the script's name without folder and extension; of a shell command
// the first word's.
func baseName(path string) string {
	if fields := strings.Fields(path); len(fields) > 1 {
		path = fields[0]
	}
	name := filepath.Base(path)
	if bare := strings.TrimSuffix(name, filepath.Ext(name)); bare != "" {
		return bare
	}
	return name
}

// chooseDir resolves the working directory and reports whether it exists.
func (b *builder) chooseDir() bool {
	b.app.Dir = b.source.Dir
	s := b.settings["cwd"]
	if !s.given() {
		return true
	}
	dir := s.text(b.report)
	if dir == "" {
		return true
	}
	base := b.base
	if s.at.option != "" {
		base = b.source.Dir
	}
	b.app.Dir = absolute(base, dir)
	info, err := os.Stat(b.app.Dir)
	switch {
	case err != nil:
		s.wrong(b.report, "%s: %s; it is relative to %s", b.app.Dir, reason(err), base)
		return false
	case !info.IsDir():
		s.wrong(b.report, "%s is not a directory", b.app.Dir)
		return false
	}
	return true
}

// absolute resolves a path against a folder.
func absolute(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}
