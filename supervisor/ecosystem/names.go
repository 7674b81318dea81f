package ecosystem

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// selectApps keeps the apps that --only selects, by name or namespace.
func (l *loader) selectApps(builders []*builder) []*builder {
	if len(l.source.Only) == 0 {
		return builders
	}
	known := map[string]bool{}
	chosen := make([]*builder, 0, len(builders))
	for _, b := range builders {
		c := b.appNames()
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

// appNames are the names that --only and depends_on know an app by.
type appNames struct {
	name      string // as in the file
	full      string // with the suffix of append_env_to_name
	namespace string
}

func (c appNames) matches(word string) bool {
	return word == c.name || word == c.full || word == c.namespace
}

// appNames reads the names before the app is built, which reports the mistakes
// in them.
func (b *builder) appNames() appNames {
	quiet := &report{}
	c := appNames{name: b.settings.text("name", quiet), namespace: cmp.Or(b.settings.text("namespace", quiet), "default")}
	c.name = cmp.Or(c.name, baseName(b.settings.text("script", quiet)))
	c.full = c.name
	if b.settings.enabled("append_env_to_name", quiet) && b.source.EnvName != "" {
		c.full += "-" + b.source.EnvName
	}
	return c
}

// checkDuplicateNames reports two apps of one name: commands, metrics and logs
// could not distinguish them.
func (l *loader) checkDuplicateNames(builders []*builder) {
	first := map[string]*builder{}
	for _, b := range builders {
		if b.app.Name == "" {
			continue
		}
		if other, ok := first[b.app.Name]; ok {
			l.report.mistake(b.nameAt(), "name %q is already used by the app at %s; rename one of them",
				b.app.Name, l.report.location(other.nameAt()))
			continue
		}
		first[b.app.Name] = b
	}
}

func (b *builder) nameAt() position {
	for _, key := range []string{"name", "script"} {
		if s := b.settings[key]; s.given() {
			return s.value.at
		}
	}
	return b.at
}
