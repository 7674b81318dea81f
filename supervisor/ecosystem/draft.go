package ecosystem

import (
	"os"
	"path/filepath"
	"strings"

	"gorun/supervisor/spec"
)

// draft is an app in the making: what was given for it, and what came of it
// so far. Each step reports its own mistakes and leaves the app incomplete.
type draft struct {
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
}

// newDraft takes in the entries of an app.
func newDraft(l *loader, at position, entries []entry) *draft {
	d := &draft{
		source: l.source, report: l.report, at: at, base: l.base,
		settings: map[string]setting{}, envs: map[string]setting{},
	}
	d.app.Position = l.report.place(at)
	for _, e := range entries {
		d.take(l, e)
	}
	return d
}

// override puts the options over what the file says.
func (d *draft) override(l *loader) {
	for _, e := range l.options {
		key, ok := l.appKeys.find(e.key)
		s := setting{name: key.Name, at: e.at, value: e.value}
		if ok {
			d.settings[key.Name] = s
		}
	}
}

// take notes one entry of the file.
func (d *draft) take(l *loader, e entry) {
	if strings.HasPrefix(e.key, "x-") {
		return // a place for YAML's anchors, as in Compose files
	}
	key, ok := l.appKeys.find(e.key)
	s := setting{name: e.key, at: e.at, value: e.value}
	switch {
	case !ok:
		l.unknown(e)
	case e.value.kind == null: // not given
	case key.Status == NoEffect:
		d.report.ignore(e.key)
	case key.Name == "env_NAME":
		d.envs[strings.TrimPrefix(e.key, "env_")] = s
	default:
		d.put(key, s, e)
	}
}

func (d *draft) put(key Key, s setting, e entry) {
	first, twice := d.settings[key.Name]
	if twice && e.merged {
		return // the entry's own words win over those of a merge key
	}
	if twice {
		d.report.mistake(e.at, "%s means the same as %s%s; keep one of them", e.key, first.name, first.at.inLine())
		return
	}
	d.settings[key.Name] = s
}

// build makes the app out of the settings.
func (d *draft) build() {
	for _, key := range Keys() {
		if key.Place != InApp {
			continue
		}
		s, given := d.settings[key.Name]
		if !given && key.Default != "" {
			s = setting{name: key.Name, at: d.at, value: scalar(text, d.at, key.Default), byDefault: true}
			d.settings[key.Name] = s
		}
		switch {
		case !s.given():
		case key.set != nil:
			key.set(d, s)
		default:
			d.check(key, s)
		}
	}
	d.names()
	d.inPlace = d.directory()
	d.environment()
	d.identity()
	if d.inPlace {
		d.program()
	}
	d.workers()
	d.sharing()
	d.variables()
	d.stopSignal()
	d.dependencies()
	d.logging()
	d.watching()
	d.healthCheck()
	d.ownMetrics()
	d.hooks()
	d.ofNode()
}

// check reads a value that a later step uses, or does not: a mistake is one
// either way. Reporting it twice is no harm.
func (d *draft) check(key Key, s setting) {
	switch key.Kind {
	case Text:
		d.report.text(s)
	case Bool:
		d.report.bool(s)
	case Integer:
		d.report.integer(s)
	case Duration:
		d.report.duration(s)
	case Size:
		d.report.size(s)
	case Words:
		d.report.words(s)
	case Texts:
		d.report.texts(s)
	case Object, Mixed: // read by their step
	}
}

// setting returns what was given for a key; its zero value when nothing was.
func (d *draft) setting(name string) setting { return d.settings[name] }

// written returns the text of a key, "" when it was not given.
func (d *draft) written(name string) string {
	if s := d.setting(name); s.given() {
		return d.report.text(s)
	}
	return ""
}

// on returns the value of a boolean key that has a default.
func (d *draft) on(name string) bool {
	s := d.setting(name)
	return s.given() && d.report.bool(s)
}

func (d *draft) names() {
	d.app.Script = d.written("script")
	if s := d.setting("name"); s.given() {
		d.app.Name = d.report.label(s)
	} else {
		d.app.Name = baseName(d.app.Script)
	}
	if d.on("append_env_to_name") && d.source.EnvName != "" {
		d.app.Name += "-" + d.source.EnvName
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
func (d *draft) directory() bool {
	d.app.Dir = d.source.Dir
	s := d.setting("cwd")
	if !s.given() {
		return true
	}
	dir := d.report.text(s)
	if dir == "" {
		return true
	}
	base := d.base
	if s.at.option != "" {
		base = d.source.Dir
	}
	d.app.Dir = absolute(base, dir)
	info, err := os.Stat(d.app.Dir)
	switch {
	case err != nil:
		d.report.wrong(s, "%s: %s; it is relative to %s", d.app.Dir, reason(err), base)
		return false
	case !info.IsDir():
		d.report.wrong(s, "%s is not a directory", d.app.Dir)
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
