package ecosystem

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// choose keeps the apps that --only names, by name or namespace.
func (l *loader) choose(drafts []*draft) []*draft {
	if len(l.source.Only) == 0 {
		return drafts
	}
	known := map[string]bool{}
	chosen := make([]*draft, 0, len(drafts))
	for _, d := range drafts {
		c := d.calledBy()
		known[c.name], known[c.full], known[c.namespace] = true, true, true
		if slices.ContainsFunc(l.source.Only, c.matches) {
			chosen = append(chosen, d)
		}
	}
	for _, name := range l.source.Only {
		if !known[name] {
			names := slices.Sorted(maps.Keys(known))
			l.report.mistake(position{option: "--only"}, "there is no app or namespace %s, only %s%s",
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
func (d *draft) calledBy() called {
	quiet := *d
	quiet.report = &report{}
	c := called{name: quiet.written("name"), namespace: cmp.Or(quiet.written("namespace"), "default")}
	c.name = cmp.Or(c.name, baseName(quiet.written("script")))
	c.full = c.name
	if quiet.on("append_env_to_name") && d.source.EnvName != "" {
		c.full += "-" + d.source.EnvName
	}
	return c
}
