package ecosystem

import (
	"slices"
	"strings"
)

// top reads the outermost value: a list of apps, one app, or a mapping with
// apps or pm2 in it.
func (l *loader) top(root value) ([]*draft, error) {
	switch root.kind {
	case list:
		return l.entriesOfApps(root)
	case mapping:
	case null, boolean, number, text:
		return nil, faultAt(root.at, "%s is not an ecosystem; write apps: and a list of entries", root.describe())
	}
	apps, ok := container(root)
	if !ok {
		return l.single(root)
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
	key, ok := l.topKeys.find(e.key)
	if !ok {
		if _, inApp := l.appKeys.find(e.key); inApp {
			l.report.warn(e.at, "%s has no effect here; it belongs into an app's entry", e.key)
			return
		}
		l.report.warn(e.at, "unknown key %s%s", quote(e.key), didYouMean(e.key, l.topKeys.names()))
		return
	}
	switch {
	case e.value.kind == null:
	case key.Status == NoEffect:
		l.report.ignore(e.key)
	case key.Name == "shutdown_delay":
		l.file.ShutdownDelay = l.report.duration(setting{name: e.key, at: e.at, value: e.value})
	default:
		l.report.mistake(e.at, "%s and apps say the same; keep one of them", e.key)
	}
}

// topOptions reads the options that are about gorun as a whole.
func (l *loader) topOptions() {
	for _, e := range l.options {
		if _, ok := l.topKeys.find(e.key); ok {
			l.topEntry(e)
		}
	}
}

// single makes an app of a file that is one entry.
func (l *loader) single(root value) ([]*draft, error) {
	var entries []entry
	for _, e := range root.entries {
		if _, ok := l.topKeys.find(e.key); ok {
			l.topEntry(e)
			continue
		}
		entries = append(entries, e)
	}
	if !l.anyAppKey(root) {
		return nil, faultAt(root.at, "there are no apps in it; list them under the key apps")
	}
	return []*draft{newDraft(l, root.at, entries)}, nil
}

func (l *loader) anyAppKey(v value) bool {
	return slices.ContainsFunc(v.entries, func(e entry) bool {
		_, ok := l.appKeys.find(e.key)
		return ok
	})
}

// entriesOfApps reads the value of apps: a list, one entry, or a mapping of
// names to entries.
func (l *loader) entriesOfApps(v value) ([]*draft, error) {
	switch v.kind {
	case list:
		if len(v.list) == 0 {
			return nil, faultAt(v.at, "the list of apps is empty; nothing would run")
		}
		return l.listed(v.list), nil
	case mapping:
		if len(v.entries) > 0 && l.named(v) {
			return l.byName(v.entries), nil
		}
		return l.single(v)
	case null, boolean, number, text:
	}
	return nil, faultAt(v.at, "%s is not a list of apps", v.describe())
}

func (l *loader) listed(items []value) []*draft {
	var drafts []*draft
	for _, item := range items {
		if item.kind != mapping {
			l.report.mistake(item.at, "%s is not an app; write a mapping with script in it", item.describe())
			continue
		}
		drafts = append(drafts, newDraft(l, item.at, item.entries))
	}
	return drafts
}

// named says whether a mapping holds entries under names, rather than being
// one entry itself.
func (l *loader) named(v value) bool {
	return !slices.ContainsFunc(v.entries, func(e entry) bool {
		key, _ := l.appKeys.find(e.key)
		return e.value.kind != mapping || key.Kind == Object
	})
}

func (l *loader) byName(entries []entry) []*draft {
	var drafts []*draft
	for _, e := range entries {
		d := newDraft(l, e.at, e.value.entries)
		if !d.setting("name").given() {
			d.settings["name"] = setting{name: "name", at: e.at, value: scalar(text, e.at, e.key)}
		}
		drafts = append(drafts, d)
	}
	return drafts
}

// unknown warns of a key that no app has.
func (l *loader) unknown(e entry) {
	if key, ok := l.topKeys.find(e.key); ok {
		l.report.warn(e.at, "%s has no effect here; it belongs to the top level, beside apps", key.Name)
		return
	}
	l.report.warn(e.at, "unknown key %s%s", quote(e.key), didYouMean(e.key, l.appKeys.names()))
}
