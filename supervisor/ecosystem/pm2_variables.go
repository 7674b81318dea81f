package ecosystem

import (
	"maps"
	"slices"
	"strings"
)

// pm2Variables are those of an environment that are meant for pm2. An empty one is as
// none.
func pm2Variables(environ []string) map[string]string {
	found := map[string]string{}
	for name, words := range inherited(environ, func(name string) bool { return !strings.HasPrefix(name, "PM2_") }) {
		if words != "" {
			found[name] = words
		}
	}
	return found
}

// ignoreVariables reports those of pm2's variables that no key stands for.
func ignoreVariables(variables map[string]string, keys []Key, r *report) {
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		if !slices.ContainsFunc(keys, func(key Key) bool { return key.Environ == name }) {
			r.ignore(name)
		}
	}
}

// addVariableDefaults adds what variables have for keys without a setting.
func addVariableDefaults(keys []Key, given settings, variables map[string]string) {
	for _, key := range keys {
		words, set := variables[key.Environ]
		if !set || given[key.Name].given() {
			continue
		}
		at := position{option: key.Environ}
		given[key.Name] = setting{name: key.Name, at: at, value: scalar(text, at, words), byDefault: true}
	}
}
