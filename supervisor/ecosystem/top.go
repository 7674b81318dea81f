package ecosystem

import (
	"slices"
	"strings"
)

// keys are the keys of the top level, beside the apps.
func (l *loader) keys() []Key {
	return []Key{
		{Name: "apps", Doc: "The apps: a list of entries, one entry, or a mapping of names to entries."},
		{Name: "pm2", Doc: "The same as apps, or a mapping that has apps in it."},
		{Name: "shutdown_delay", Type: durationVar(&l.file.ShutdownDelay), Default: "0", Doc: "Between the first SIGTERM and the stop of the workers: time for the load balancer to notice."},
		{Name: "deploy", NoEffect: true, Doc: "pm2's deployment over ssh."},
	}
}

// top reads the outermost value: a list of apps, one app, or a mapping with
// apps or pm2 in it.
func (l *loader) top(root value) ([]*builder, error) {
	switch root.kind {
	case list:
		return l.entriesOfApps(root)
	case mapping:
	case null, boolean, number, text:
		return nil, faultAt(root.at, "%s is not an ecosystem file; write apps: and a list of apps", root.describe())
	}
	apps, ok := container(root)
	if !ok {
		return l.singleApp(root)
	}
	for _, e := range root.entries {
		if e.key != apps.key {
			l.topEntry(e)
		}
	}
	if apps.key == "pm2" && apps.value.kind == mapping {
		return l.top(apps.value)
	}
	return l.entriesOfApps(apps.value)
}

// container returns the entry that holds the apps.
func container(root value) (entry, bool) {
	if e, ok := root.lookup("apps"); ok {
		return e, true
	}
	return root.lookup("pm2")
}

// topEntry reads a key beside apps.
func (l *loader) topEntry(e entry) {
	if strings.HasPrefix(e.key, "x-") {
		return
	}
	key, ok := l.topIndex.find(e.key)
	if !ok {
		if _, inApp := l.appIndex.find(e.key); inApp {
			l.report.warn(e.at, "%s has no effect here; move it into an app", e.key)
			return
		}
		l.report.unknownKey(e.at, e.key, namesOf(l.topKeys))
		return
	}
	switch {
	case e.value.kind == null:
	case key.NoEffect:
		l.report.ignore(e.key)
	case key.Type.set != nil:
		key.Type.set(scope{report: l.report}, setting{name: e.key, at: e.at, value: e.value})
	default:
		l.report.mistake(e.at, "%s and apps are the same key; keep one of them", e.key)
	}
}

// topOptions reads the options for keys of the top level.
func (l *loader) topOptions() {
	for _, e := range l.options {
		if _, ok := l.topIndex.find(e.key); ok {
			l.topEntry(e)
		}
	}
}

// singleApp reads a mapping that is one app.
func (l *loader) singleApp(root value) ([]*builder, error) {
	var entries []entry
	for _, e := range root.entries {
		if _, ok := l.topIndex.find(e.key); ok {
			l.topEntry(e)
			continue
		}
		entries = append(entries, e)
	}
	if !l.anyAppKey(root) {
		return nil, faultAt(root.at, "no apps; list them under the key apps")
	}
	return []*builder{newBuilder(l, root.at, entries)}, nil
}

func (l *loader) anyAppKey(v value) bool {
	return slices.ContainsFunc(v.entries, func(e entry) bool {
		_, ok := l.appIndex.find(e.key)
		return ok
	})
}

// entriesOfApps reads the value of apps: a list, one entry, or a mapping of
// names to entries.
func (l *loader) entriesOfApps(v value) ([]*builder, error) {
	switch v.kind {
	case list:
		if len(v.list) == 0 {
			return nil, faultAt(v.at, "the list of apps is empty; add an app")
		}
		return l.listedApps(v.list), nil
	case mapping:
		if len(v.entries) > 0 && hasNamedApps(v) {
			return l.namedApps(v.entries), nil
		}
		return l.singleApp(v)
	case null, boolean, number, text:
	}
	return nil, faultAt(v.at, "%s is not a list of apps", v.describe())
}

func (l *loader) listedApps(items []value) []*builder {
	var builders []*builder
	for _, item := range items {
		if item.kind != mapping {
			l.report.mistake(item.at, "%s is not an app; write a mapping with the key script", item.describe())
			continue
		}
		builders = append(builders, newBuilder(l, item.at, item.entries))
	}
	return builders
}

// hasNamedApps reports whether a mapping has an app for each name, rather than
// being one app itself.
func hasNamedApps(v value) bool {
	return !slices.ContainsFunc(v.entries, func(e entry) bool { return e.value.kind != mapping })
}

func (l *loader) namedApps(entries []entry) []*builder {
	var builders []*builder
	for _, e := range entries {
		b := newBuilder(l, e.at, e.value.entries)
		if !b.settings["name"].given() {
			b.settings["name"] = setting{name: "name", at: e.at, value: scalar(text, e.at, e.key)}
		}
		builders = append(builders, b)
	}
	return builders
}

// unknownKey warns of a key that no app has.
func (l *loader) unknownKey(e entry) {
	if key, ok := l.topIndex.find(e.key); ok {
		l.report.warn(e.at, "%s has no effect here; move it to the top level, beside apps", key.Name)
		return
	}
	l.report.unknownKey(e.at, e.key, namesOf(l.appKeys))
}
