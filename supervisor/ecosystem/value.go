package ecosystem

import "fmt"

// kind is the kind of a value of the file.
type kind int

const (
	null kind = iota
	boolean
	number
	text
	list
	mapping
)

// value is one value of the file, whatever its format was. Values are shared
// by YAML's aliases and never changed once they are read.
type value struct {
	kind    kind
	at      position
	text    string // a scalar as it was written; true or false
	list    []value
	entries []entry
	weight  int // nodes and bytes it would have with every alias written out
}

// entry is one key of a mapping with its value.
type entry struct {
	key    string
	at     position
	value  value
	merged bool // by a YAML merge key: the mapping's own entries take precedence
}

// The limits of a file: far above any that a person writes, and low enough that a
// hostile one costs little.
const (
	maxBytes  = 1 << 20
	maxWeight = 4 << 20
	maxDepth  = 100
)

func scalar(kind kind, at position, words string) value {
	return value{kind: kind, at: at, text: words, weight: 1 + len(words)}
}

func listOf(at position, items []value) value {
	v := value{kind: list, at: at, list: items, weight: 1}
	for _, item := range items {
		v.weight = min(v.weight+item.weight, 2*maxWeight)
	}
	return v
}

func mappingOf(at position, entries []entry) value {
	v := value{kind: mapping, at: at, entries: entries, weight: 1}
	for _, e := range entries {
		v.weight = min(v.weight+1+len(e.key)+e.value.weight, 2*maxWeight)
	}
	return v
}

// lookup returns the entry of a mapping with that key.
func (v value) lookup(key string) (entry, bool) {
	for _, e := range v.entries {
		if e.key == key {
			return e, true
		}
	}
	return entry{}, false
}

// truthy is JavaScript's notion of it, but for the texts "false" and "0" of
// options and env files, which are false.
func (v value) truthy() bool {
	switch v.kind {
	case null:
		return false
	case boolean, number, text:
		return v.text != "" && v.text != "false" && v.text != "0"
	case list:
		return len(v.list) > 0
	case mapping:
		return len(v.entries) > 0
	}
	return false
}

// describe describes the value in a message: in short, and by its kind where it
// is not a scalar.
func (v value) describe() string {
	switch v.kind {
	case null:
		return "null"
	case boolean, number:
		return v.text
	case text:
		return quote(v.text)
	case list:
		return "a list"
	case mapping:
		return "a mapping"
	}
	return ""
}

// kindOf is describe without the content of a text, which may be a secret.
func (v value) kindOf() string {
	if v.kind == text {
		return "a text"
	}
	return v.describe()
}

func quote(words string) string {
	const longest = 60
	if runes := []rune(words); len(runes) > longest {
		words = string(runes[:longest]) + "…"
	}
	return fmt.Sprintf("%q", words)
}

// fault is a mistake that ends the reading of a file.
type fault struct {
	at   position
	what string
}

func (f fault) Error() string { return f.what }

func faultAt(at position, format string, args ...any) error {
	return fault{at: at, what: fmt.Sprintf(format, args...)}
}

// dropDuplicates reports every key that a mapping has twice, and keeps the first.
func dropDuplicates(entries []entry, r *report) []entry {
	seen := make(map[string]position, len(entries))
	kept := entries[:0]
	for _, e := range entries {
		if first, ok := seen[e.key]; ok {
			r.mistake(e.at, "duplicate key %s, first on line %d; keep one of them", quote(e.key), first.line)
			continue
		}
		seen[e.key] = e.at
		kept = append(kept, e)
	}
	return kept
}
