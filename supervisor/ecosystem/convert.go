package ecosystem

import (
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/goccy/go-yaml"
)

// Convert writes an ecosystem file of any format as YAML. Values that a script
// computes are fixed as of now. Keys keep their spelling.
func Convert(src Source) (string, error) {
	d := document{source: &src, report: &report{file: src.Path}}
	root, err := d.tree()
	if err != nil {
		d.report.fail(err)
	}
	if len(d.report.mistakes) > 0 {
		return "", d.report.mistakes.sorted()
	}
	if root.kind == list {
		root = mappingOf(root.at, []entry{{key: "apps", value: root}})
	}
	body, err := yaml.MarshalWithOptions(root.plain(), yaml.IndentSequence(true))
	if err != nil {
		return "", fmt.Errorf("write YAML: %w", err)
	}
	return "# From " + filepath.Base(src.Path) + ": what that computes or takes from its environment is now fixed.\n" + string(body), nil
}

// plain converts the value for an encoder. null is left out of mappings, but for stdin,
// of which it is a value.
func (v value) plain() any {
	switch v.kind {
	case null:
		return nil
	case boolean:
		return v.text == "true"
	case number:
		return numberOf(v.text)
	case text:
		return v.text
	case list:
		items := make([]any, len(v.list))
		for i, item := range v.list {
			items[i] = item.plain()
		}
		return items
	case mapping:
		entries := yaml.MapSlice{}
		for _, e := range v.entries {
			if e.value.kind != null || e.key == "stdin" {
				entries = append(entries, yaml.MapItem{Key: e.key, Value: e.value.plain()})
			}
		}
		return entries
	}
	return nil
}

func numberOf(written string) any {
	if n, err := strconv.ParseInt(written, 10, 64); err == nil {
		return n
	}
	if f, err := strconv.ParseFloat(written, 64); err == nil {
		return f
	}
	return written
}
