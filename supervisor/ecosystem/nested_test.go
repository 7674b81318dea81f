package ecosystem

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gorun/health"
	"gorun/supervisor/hooks"
)

// nestedKeys are the declared keys of mappings within an app.
func nestedKeys(t *testing.T) []declaredKey {
	t.Helper()
	var nested []declaredKey
	for _, d := range declared() {
		if d.parent != "" && !d.key.NoEffect {
			nested = append(nested, d)
		}
	}
	if len(nested) < 50 {
		t.Fatalf("only %d keys are nested", len(nested))
	}
	return nested
}

// inMapping is a file with the content in the mapping of that path.
func inMapping(path, content string) string {
	for _, name := range slices.Backward(strings.Split(path, ".")) {
		content = name + ": {" + content + "}"
	}
	return "script: server.js\nwatch: true\n" + content + "\n"
}

func TestSchemaKnowsEveryNestedKey(t *testing.T) {
	var schema map[string]any
	if err := json.Unmarshal(Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	for _, d := range nestedKeys(t) {
		for _, name := range d.key.spellings() {
			node := any(map[string]any{"$ref": "#/definitions/app"})
			for _, step := range append(strings.Split(d.parent, "."), name) {
				node = property(schema, node, step)
			}
			if found, ok := node.(map[string]any); !ok || found["description"] != d.key.Doc {
				t.Errorf("%s.%s is %v in the schema", d.parent, name, node)
			}
		}
	}
}

// property finds a property in a node of a schema, or in one of its forms; nil
// where there is none.
func property(schema map[string]any, node any, name string) any {
	object, _ := node.(map[string]any)
	if target, ok := object["$ref"].(string); ok {
		definitions, _ := schema["definitions"].(map[string]any)
		return property(schema, definitions[strings.TrimPrefix(target, "#/definitions/")], name)
	}
	if properties, ok := object["properties"].(map[string]any); ok {
		return properties[name]
	}
	forms, _ := object["anyOf"].([]any)
	for _, form := range forms {
		if found := property(schema, form, name); found != nil {
			return found
		}
	}
	return nil
}

func TestDocsListEveryNestedKey(t *testing.T) {
	text, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	sections := strings.Split(string(text), "\n### ")
	for _, d := range nestedKeys(t) {
		parent, _, _ := strings.Cut(d.parent, ".")
		row := fmt.Sprintf("\n| `%s` | %s |", d.key.Name, d.key.Default)
		found := false
		for _, section := range sections {
			title, table, _ := strings.Cut(section, "\n")
			owner := strings.Contains(title, "`"+d.parent+"`") || title == "Each key of `"+parent+"`"
			found = found || owner && strings.Contains(table, row)
		}
		if !found {
			t.Errorf("%s is not in the table of its mapping", d.path())
		}
	}
}

func TestAnUnknownNestedKeySuggestsItsNeighbour(t *testing.T) {
	dir := scriptDir(t)
	for _, d := range nestedKeys(t) {
		content := inMapping(d.parent, d.key.Name+"x: 1")
		file, err := Load(source(dir, content))
		line := strings.Split(content, "\n")[2]
		want := fmt.Sprintf("stdin:3:%d: %s: unknown key %q; did you mean %s?", 1+strings.Index(line, d.key.Name+"x"), d.parent, d.key.Name+"x", d.key.Name)
		if got := fmt.Sprint(err, file.Warnings); !strings.Contains(got, want) {
			t.Errorf("%s: %s\nwant %s", line, got, want)
		}
	}
}

func TestNestedDefaultsAreWhatAnEmptyMappingMeans(t *testing.T) {
	dir, checked := scriptDir(t), 0
	needed := map[string]string{ // what a mapping must have to be valid
		"health": "tcp: 3000", "metrics": "path: /m", "on_exit": "exec: bash", "on_restart": "exec: bash", "on_giveup": "exec: bash",
	}
	for _, d := range nestedKeys(t) {
		if d.key.Default == "" {
			continue
		}
		checked++
		without := inMapping(d.parent, needed[d.parent])
		with := inMapping(d.parent, strings.TrimPrefix(needed[d.parent]+", "+d.key.Name+": "+d.key.Default, ", "))
		if one, other := only(t, source(dir, without)), only(t, source(dir, with)); !reflect.DeepEqual(one, other) {
			t.Errorf("%s and %s differ in %v", without, with, one.Changes(other))
		}
	}
	if checked < 20 {
		t.Errorf("only %d defaults were looked at", checked)
	}
}

func TestShortFormsMeanTheSameAsTheirMapping(t *testing.T) {
	dir := scriptDir(t)
	for short, long := range map[string]string{
		"health: /up":                 "health: {http: {path: /up}}",
		"health: {http: /up}":         "health: {http: {path: /up, method: GET}}",
		"metrics: /m":                 "metrics: {path: /m}",
		"metrics: true":               "metrics: {path: /metrics}",
		"on_exit: {exec: bash}":       "on_exit: [{exec: [bash]}]",
		"log_rotate: true":            "log_rotate: {}",
		"log_rotate: {maxSize: null}": "",
		"health: false":               "",
		"metrics: false":              "",
		"on_exit: false":              "on_exit: []",
		"limits: {nofile: 5}":         "limits: {nofile: {soft: 5}}",
		"limits: {nofile: '5:6'}":     "limits: {NOFILE: {hard: 6, soft: 5}}",
		"watch_options: {}":           "watchOptions: {persistent: true, ignoreInitial: false, followSymlinks: true}",
	} {
		one, other := only(t, source(dir, "script: server.js\n"+short)), only(t, source(dir, "script: server.js\n"+long))
		if !reflect.DeepEqual(one, other) {
			t.Errorf("%s and %s differ in %v", short, long, one.Changes(other))
		}
	}
}

// What the loader writes out is what the packages mean by their defaults.
func TestNestedDefaultsAreThoseOfTheirPackages(t *testing.T) {
	app := only(t, source(scriptDir(t), "{script: server.js, health: {tcp: 3000}, on_exit: {exec: bash}}"))
	check, hook := health.Defaults(), hooks.Defaults()
	check.TCP, hook.Exec = &health.TCPCheck{Port: 3000}, app.OnExit[0].Exec
	if !reflect.DeepEqual(*app.Health, check) || !reflect.DeepEqual(app.OnExit[0], hook) {
		t.Errorf("health %+v, hook %+v", *app.Health, app.OnExit[0])
	}
}

func TestNestedKeysAreGivenOnce(t *testing.T) {
	got := failure(t, source(scriptDir(t), "script: server.js\nhealth: {tcp: 1, start_period: 1s, startPeriod: 2s}\n"))
	if want := "stdin:2:36: health.startPeriod and health.start_period on line 2 are the same key"; !strings.HasPrefix(got, want) {
		t.Errorf("%s\nwant %s", got, want)
	}
}
