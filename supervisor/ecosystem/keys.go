package ecosystem

import (
	"slices"
	"strings"

	"gorun/supervisor/spec"
)

// Kind is what the value of a key looks like.
type Kind int

// The kinds.
const (
	Text     Kind = iota // words
	Bool                 // true or false
	Integer              // a whole number
	Duration             // milliseconds, or 500ms, 5s, 10m, 1h
	Size                 // bytes, or 300M, 1.5G
	Words                // a list, or a string split as a shell would
	Texts                // a list, or one text
	Object               // a mapping
	Mixed                // more than one of these; the doc line says which
)

// String returns the kind for people.
func (k Kind) String() string {
	return [...]string{"text", "boolean", "integer", "duration", "size", "words", "texts", "mapping", "mixed"}[k]
}

// Status says what gorun does with a key.
type Status int

// The statuses.
const (
	Works    Status = iota
	NoEffect        // accepted: it makes no sense in a container
)

// String returns the status for people.
func (s Status) String() string {
	return [...]string{"works", "no effect"}[s]
}

// Place says where in a file a key belongs.
type Place int

// The places.
const (
	InApp Place = iota // in an app's entry
	AtTop              // beside apps
)

// Key is one key of the ecosystem file. Parsing, suggestions, the schema and
// the documentation are all made from these.
type Key struct {
	Name    string   // snake_case; camelCase is understood as well
	Aliases []string // other names, both cases too
	Kind    Kind
	Default string // as it would be written; "" = none, or as Doc says
	Doc     string // one line
	Status  Status
	Place   Place

	set setter // nil: read by one of draft's steps
}

// setter takes a setting over into the app.
type setter func(d *draft, s setting)

// into makes a setter of a reader and the field that it fills.
func into[T any](read func(*report, setting) T, field func(*spec.App) *T) setter {
	return func(d *draft, s setting) { *field(&d.app) = read(d.report, s) }
}

// Keys returns every key, in the order of the documentation. env_NAME stands
// for each key that begins with env_.
func Keys() []Key {
	return slices.Concat(programKeys[:], environmentKeys[:], lifeKeys[:], sharingKeys[:], triggerKeys[:], healthKeys[:], hookKeys[:], outputKeys[:], ignoredKeys[:], topKeys[:])
}

// index finds keys by any of their names.
type index map[string]Key

func indexOf(place Place) index {
	found := index{}
	for _, key := range Keys() {
		if key.Place != place {
			continue
		}
		for _, name := range append([]string{key.Name}, key.Aliases...) {
			found[name] = key
			found[camelCase(name)] = key
		}
	}
	return found
}

// find returns the key of that name; env_NAME for any env_….
func (x index) find(name string) (Key, bool) {
	if key, ok := x[name]; ok {
		return key, true
	}
	if rest, ok := strings.CutPrefix(name, "env_"); ok && rest != "" {
		key, ok := x["env_NAME"]
		return key, ok
	}
	return Key{}, false
}

// names returns what can be suggested, in a stable order.
func (x index) names() []string {
	names := make([]string, 0, len(x))
	for name, key := range x {
		if name != "env_NAME" && (key.Status != NoEffect) {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		// The key's own name before its other spellings.
		if own := strings.Compare(x[a].Name, x[b].Name); own != 0 {
			return own
		}
		switch {
		case a == x[a].Name:
			return -1
		case b == x[b].Name:
			return 1
		}
		return strings.Compare(a, b)
	})
	return names
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
