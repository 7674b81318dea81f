package ecosystem

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// choose keeps the apps that --only names, by name or namespace.
func (l *loader) choose(builders []*builder) []*builder {
	if len(l.source.Only) == 0 {
		return builders
	}
	known := map[string]bool{}
	chosen := make([]*builder, 0, len(builders))
	for _, b := range builders {
		c := b.calledBy()
		known[c.name], known[c.full], known[c.namespace] = true, true, true
		if slices.ContainsFunc(l.source.Only, c.matches) {
			chosen = append(chosen, b)
		}
	}
	for _, name := range l.source.Only {
		if !known[name] {
			names := slices.Sorted(maps.Keys(known))
			l.report.mistake(position{option: "--only"}, "no app or namespace %s; there are: %s%s",
				quote(name), strings.Join(names, ", "), didYouMean(name, names))
		}
	}
	return chosen
}

// called is what an app can be chosen by.
type called struct {
	name      string // as in the file
	full      string // with what append_env_to_name adds
	namespace string
}

func (c called) matches(word string) bool {
	return word == c.name || word == c.full || word == c.namespace
}

// calledBy reads the names before the app is built, and leaves mistakes in
// them to that.
func (b *builder) calledBy() called {
	quiet := *b
	quiet.report = &report{}
	c := called{name: quiet.written("name"), namespace: cmp.Or(quiet.written("namespace"), "default")}
	c.name = cmp.Or(c.name, baseName(quiet.written("script")))
	c.full = c.name
	if quiet.on("append_env_to_name") && b.source.EnvName != "" {
		c.full += "-" + b.source.EnvName
	}
	return c
}
