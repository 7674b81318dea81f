package ecosystem

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the tables of keys into docs/ecosystem.md")

const docs = "../../docs/ecosystem.md"

// The tables in docs/ecosystem.md are made from the table that the parser uses.
func TestDocsListEveryKey(t *testing.T) {
	text, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	want := string(text)
	want = fill(t, want, "works", keyTable(func(d declaredKey) bool { return d.parent == "" && !d.key.NoEffect }))
	want = fill(t, want, "nested", nestedTables())
	want = fill(t, want, "no-effect", noEffectTable())
	want = fill(t, want, "options", optionTable())
	if *update {
		if err := os.WriteFile(docs, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(text) != want {
		t.Errorf("%s is behind the code: run go test ./supervisor/ecosystem -run Docs -update", docs)
	}
}

// fill puts table between the two comments that carry the name.
func fill(t *testing.T, text, name, table string) string {
	t.Helper()
	start, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->\n"
	before, rest, found := strings.Cut(text, start)
	_, after, foundEnd := strings.Cut(rest, end)
	if !found || !foundEnd {
		t.Fatalf("%s has no %q … %q", docs, start, end)
	}
	return before + start + table + end + after
}

// declared returns every key that there is, nested ones after the key that they
// belong to.
func declared() []declaredKey {
	keys := append(new(builder).keys(), new(loader).keys()...)
	return appendDeclared(nil, "", "", keys)
}

type declaredKey struct {
	parent string // path of the mapping, "" for an app's or a top one
	shared string // name of the mapping where several keys share it
	key    Key
}

func (d declaredKey) path() string {
	return strings.TrimPrefix(d.parent+"."+d.key.Name, ".")
}

func appendDeclared(all []declaredKey, parent, shared string, keys []Key) []declaredKey {
	for _, key := range keys {
		d := declaredKey{parent, shared, key}
		all = append(all, d)
		if key.Type.object != nil {
			o := key.Type.object()
			all = appendDeclared(all, d.path(), o.name, o.keys)
		}
	}
	return all
}

func keyTable(choose func(declaredKey) bool) string {
	var table strings.Builder
	table.WriteString("| key (aliases) | default | |\n|---|---|---|\n")
	for _, d := range declared() {
		if choose(d) {
			fmt.Fprintf(&table, "| `%s`%s | %s | %s |\n", d.key.Name, aliases(d.key.Aliases), defaults(d.key), strings.ReplaceAll(d.key.Doc, "|", "\\|"))
		}
	}
	return table.String()
}

// defaults are the default of a key, and the variable that has another one.
func defaults(key Key) string {
	switch {
	case key.Environ == "":
		return key.Default
	case key.Default == "":
		return "`$" + key.Environ + "`"
	}
	return "`$" + key.Environ + "`, " + key.Default
}

func noEffectTable() string {
	var table strings.Builder
	table.WriteString("| key (aliases) | |\n|---|---|\n")
	for _, d := range declared() {
		if d.key.NoEffect {
			fmt.Fprintf(&table, "| `%s`%s | %s |\n", d.path(), aliases(d.key.Aliases), d.key.Doc)
		}
	}
	return table.String()
}

// nestedTables has a table for each mapping, with the keys that take it.
func nestedTables() string {
	var tables strings.Builder
	var order []string
	owners, first := map[string][]string{}, map[string]string{}
	for _, d := range declared() {
		name := cmp.Or(d.shared, d.parent)
		if d.parent == "" || slices.Contains(owners[name], d.parent) {
			continue
		}
		if len(owners[name]) == 0 {
			order, first[name] = append(order, name), d.parent
		}
		owners[name] = append(owners[name], d.parent)
	}
	for _, name := range order {
		fmt.Fprintf(&tables, "### %s\n\n", heading(owners[name]))
		tables.WriteString(keyTable(func(d declaredKey) bool { return d.parent == first[name] && !d.key.NoEffect }) + "\n")
	}
	return strings.TrimSuffix(tables.String(), "\n")
}

// heading names the keys that take a mapping, in short where all of one parent do.
func heading(owners []string) string {
	if parent, _, nested := strings.Cut(owners[0], "."); nested && len(owners) > 1 {
		return "Each key of `" + parent + "`"
	}
	return "`" + strings.Join(owners, "`, `") + "`"
}

func aliases(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return " (`" + strings.Join(names, "`, `") + "`)"
}

func optionTable() string {
	var table strings.Builder
	table.WriteString("| option | |\n|---|---|\n")
	for _, option := range Options() {
		if option.NoEffect {
			continue
		}
		dashes := "--" + option.Flag
		for _, alias := range option.Aliases {
			if len(alias) == 1 {
				dashes = "-" + alias + ", " + dashes
			}
		}
		fmt.Fprintf(&table, "| `%s` | %s |\n", dashes, option.Usage)
	}
	return table.String()
}
