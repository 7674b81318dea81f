package ecosystem

import (
	"os"
	"path/filepath"
	"strings"

	"gorun/supervisor/spec"
)

// builder makes an app out of what was given for it. Each step reports its own
// mistakes and leaves the app incomplete.
type builder struct {
	app      spec.App
	source   *Source
	report   *report
	at       position
	settings map[string]setting // by the key's own name; defaults included
	envs     map[string]setting // env_NAME, by NAME
	base     string             // what cwd is relative to
	inPlace  bool               // cwd is a directory
	own      map[string]bool    // variables that the app itself sets or unsets
	depends  []dependency       // with positions, until the apps are known

	// Keys that decide together with others: each is the place of its word.
	execMode, sharing, reloadFallback int
	watch                             spec.Watch
}

// newBuilder takes in the entries of an app.
func newBuilder(l *loader, at position, entries []entry) *builder {
	b := &builder{source: l.source, report: l.report, at: at, base: l.base, envs: map[string]setting{}}
	b.app.Position = l.report.location(at)
	b.settings = l.report.collect(entries, "", l.appIndex.find, l.unknownKey)
	for name, s := range b.settings {
		if env, ok := strings.CutPrefix(name, "env_"); ok && name != "env_file" {
			b.envs[env] = s
		}
	}
	return b
}

// override puts the options over what the file says.
func (b *builder) override(l *loader) {
	for _, e := range l.options {
		if key, ok := l.appIndex.find(e.key); ok {
			b.settings[key.Name] = setting{name: key.Name, at: e.at, value: e.value}
		}
	}
}

// build makes the app out of the settings: what to run, then the keys in their
// order, then what depends on several of them.
func (b *builder) build() {
	keys := b.appKeys()
	addDefaults(keys, b.settings, "", b.at)
	b.names()
	b.inPlace = b.directory()
	b.environment()
	b.identity()
	if b.inPlace {
		b.program()
	}
	b.app.Node = isNode(b.app.Interpreter)
	b.app.StopSignal = defaultSignal(b.app.Node)
	b.readAll(keys, b.settings)
	b.workers()
	b.chooseSharing()
	b.variables()
	b.watching()
	b.warnWithoutNode()
}

// setting returns what was given for a key; its zero value when nothing was.
func (b *builder) setting(name string) setting { return b.settings[name] }

// written returns the text of a key, "" when it was not given.
func (b *builder) written(name string) string {
	if s := b.setting(name); s.given() {
		return b.report.text(s)
	}
	return ""
}

// on returns the value of a boolean key that has a default.
func (b *builder) on(name string) bool {
	s := b.setting(name)
	return s.given() && b.report.bool(s)
}

func (b *builder) names() {
	b.app.Script = b.written("script")
	if s := b.setting("name"); s.given() {
		b.app.Name = b.report.label(s)
	} else {
		b.app.Name = baseName(b.app.Script)
	}
	if b.on("append_env_to_name") && b.source.EnvName != "" {
		b.app.Name += "-" + b.source.EnvName
	}
}

// baseName is the script's name without folder and extension; the first word
// of a line for the shell.
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

// directory finds the working directory and says whether it is one.
func (b *builder) directory() bool {
	b.app.Dir = b.source.Dir
	s := b.setting("cwd")
	if !s.given() {
		return true
	}
	dir := b.report.text(s)
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
		b.report.wrong(s, "%s: %s; it is relative to %s", b.app.Dir, reason(err), base)
		return false
	case !info.IsDir():
		b.report.wrong(s, "%s is not a directory", b.app.Dir)
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
