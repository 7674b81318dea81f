package ecosystem

import (
	"cmp"
	"strings"

	"gorun/supervisor/spec"
)

// object is a mapping with keys of its own, and the value that they make up.
type object struct {
	keys    []Key
	done    setter // stores the value, unless there is a mistake in it
	example string // for the message about another value

	text Type   // reads a text or number in place of the mapping; the zero Type: it is a mistake
	on   Type   // reads true in place of the mapping
	off  bool   // false in place of the mapping means none at all
	list bool   // there may be several, in a list
	open bool   // other keys are warned of, not refused
	name string // among the schema's definitions; "" = written out
}

// read reads the value of a setting by its type.
func (t Type) read(in scope, s setting) {
	if t.object == nil {
		if t.set != nil {
			t.set(in, s)
		}
		return
	}
	o := t.object()
	if !o.list || s.value.kind != list {
		o.read(in, s)
		return
	}
	for _, item := range s.value.list {
		t.object().read(in, s.item(item))
	}
}

func (o object) read(in scope, s setting) {
	short := o.short(s.value)
	switch v := s.value; {
	case v.kind == boolean && v.text == "false" && o.off:
		return
	case v.kind != mapping && short.set == nil:
		s.wrong(in.report, "%s is not valid here; write %s: %s", v.kindOf(), s.name, o.example)
		return
	}
	before, path := len(in.report.mistakes), s.name+"."
	find := func(name string) (Key, bool) { return lookUp(o.keys, name) }
	given := in.report.collect(s.value.entries, path, find, func(e entry) { o.unknownKey(in.report, s, e) })
	addDefaults(o.keys, given, path, s.value.at)
	readAll(o.keys, in, given)
	if short.set != nil {
		short.set(in, s)
	}
	if o.done != nil && len(in.report.mistakes) == before {
		o.done(in, s)
	}
}

// short is the type that reads a value in place of the mapping.
func (o object) short(v value) Type {
	switch {
	case v.kind == text || v.kind == number:
		return o.text
	case v.kind == boolean && v.text == "true":
		return o.on
	}
	return Type{}
}

// readAll reads the settings of the keys, in the order of the keys.
func readAll(keys []Key, in scope, given settings) {
	for _, key := range keys {
		if s := given[key.Name]; s.given() {
			key.Type.read(in, s)
		}
	}
}

// addDefaults adds the defaults of keys without a setting.
func addDefaults(keys []Key, given settings, path string, at position) {
	for _, key := range keys {
		if !given[key.Name].given() && key.Default != "" {
			given[key.Name] = setting{name: path + key.Name, at: at, value: key.defaultAt(at), byDefault: true}
		}
	}
}

// collect sorts the entries of a mapping by the names of their keys. path is the
// mapping's, with a dot at the end.
func (r *report) collect(entries []entry, path string, find func(string) (Key, bool), unknown func(entry)) settings {
	given := settings{}
	for _, e := range entries {
		key, ok := find(e.key)
		first, twice := given[key.Name]
		switch {
		case strings.HasPrefix(e.key, "x-"): // for YAML's anchors, as in Compose files
		case !ok:
			unknown(e)
		case e.value.kind == null && !key.Null: // the same as no entry
		case key.NoEffect:
			r.ignore(path + e.key)
		case !twice:
			given[key.Name] = setting{name: path + e.key, at: e.at, value: e.value}
		case !e.merged: // else the mapping itself takes precedence over its merge key
			r.mistake(e.at, "%s and %s%s are the same key; keep one of them", path+e.key, first.name, first.at.onLine())
		}
	}
	return given
}

// lookUp finds a key of a nested mapping. Neither case nor underscores count.
func lookUp(keys []Key, name string) (Key, bool) {
	plain := func(word string) string { return strings.ToLower(strings.ReplaceAll(word, "_", "")) }
	for _, key := range keys {
		for _, known := range append([]string{key.Name}, key.Aliases...) {
			if plain(known) == plain(name) {
				return key, true
			}
		}
	}
	return Key{}, false
}

// unknownKey reports a key that a nested mapping does not have.
func (o object) unknownKey(r *report, s setting, e entry) {
	names := namesOf(o.keys)
	advice := cmp.Or(didYouMean(e.key, names), "; known keys: "+strings.Join(names, ", "))
	p := r.problem(e.at, s.name+": unknown key "+quote(e.key)+advice)
	if !o.open {
		r.mistakes = append(r.mistakes, p)
		return
	}
	p.Key, p.Nearest = s.name+"."+e.key, spec.Nearest(e.key, names)
	r.warnings = append(r.warnings, p)
}
