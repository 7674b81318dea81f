package ecosystem

import (
	"slices"
	"strings"
)

// Key is one key of the ecosystem file: at the top, of an app, or of a mapping
// within an app. The parser, the suggestions for unknown keys, the JSON schema,
// the tables of docs/ecosystem.md and the defaults are all made from it. To add
// a key is to add its row and the field that it fills.
type Key struct {
	Name     string   // snake_case; camelCase is understood as well
	Aliases  []string // other names, both cases too
	Type     Type     // how its value is written, and where it goes
	Default  string   // as written in a file; "" = none, or described in Doc
	Environ  string   // variable of gorun's own environment that has another default, as pm2's daemon does
	Doc      string   // one line
	Null     bool     // null is a value of it, not the same as no entry
	NoEffect bool     // accepted for pm2's sake: it makes no sense in a container
}

// keys are the keys of an app, in the order of the documentation. They are
// also read in that order, once the program is known. env_NAME stands for each
// key that begins with env_.
func (b *builder) keys() []Key {
	return slices.Concat(b.programKeys(), environmentKeys(&b.app), b.lifecycleKeys(), b.sharingKeys(), b.triggerKeys(),
		healthKeys(&b.app), hookKeys(&b.app), outputKeys(&b.app), ignoredKeys())
}

// defaultAt is the default as a value of the file.
func (k Key) defaultAt(at position) value {
	if k.Default == "{}" {
		return mappingOf(at, nil)
	}
	return scalar(text, at, k.Default)
}

// spellings are the names of the key in both cases.
func (k Key) spellings() []string {
	var all []string
	for _, name := range append([]string{k.Name}, k.Aliases...) {
		all = append(all, name, camelCase(name))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func camelCase(snake string) string {
	parts := strings.Split(snake, "_")
	for i, part := range parts[1:] {
		if part != "" {
			parts[i+1] = strings.ToUpper(part[:1]) + part[1:]
		}
	}
	return strings.Join(parts, "")
}

// index finds keys by any of their names.
type index map[string]Key

func indexOf(keys []Key) index {
	found := index{}
	for _, key := range keys {
		for _, name := range key.spellings() {
			found[name] = key
		}
	}
	return found
}

// find returns the key of that name; for any env_… the key env_NAME, renamed.
func (x index) find(name string) (Key, bool) {
	if key, ok := x[name]; ok {
		return key, true
	}
	key, ok := x["env_NAME"]
	if rest, cut := strings.CutPrefix(name, "env_"); !cut || rest == "" || !ok {
		return Key{}, false
	}
	key.Name = name
	return key, true
}

// namesOf returns the names to suggest for an unknown key.
func namesOf(keys []Key) []string {
	var names []string
	for _, key := range keys {
		if !key.NoEffect && key.Name != "env_NAME" {
			names = append(append(names, key.Name), key.Aliases...)
		}
	}
	return names
}
