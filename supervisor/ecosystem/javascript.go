package ecosystem

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gorun/supervisor/ecosystem/script"
)

// evaluate runs an ecosystem file in JavaScript. Variables that the file adds to
// process.env, by dotenv for example, are inherited by its apps, as under pm2.
func (d *document) evaluate(content []byte) (value, error) {
	result, err := script.Evaluate(context.Background(), script.Options{ // it has a time limit of its own
		Path: d.path, Dir: d.source.Dir, Environ: d.source.Environ, CPUs: d.source.CPUs, Stderr: d.source.Console,
		Args: append([]string{"/usr/local/bin/node", "/usr/local/bin/gorun", d.source.Path}, d.source.Args...),
	})
	if at, ok := errors.AsType[*script.Error](err); ok {
		d.report.mistakes = append(d.report.mistakes, Problem{File: d.nameOf(at.File), Line: at.Line, Column: at.Column, Text: at.Text})
		return value{}, errReported
	}
	if err != nil {
		return value{}, fmt.Errorf("evaluate: %w", err)
	}
	d.source.Environ = result.Environ
	return exported{source: string(content)}.convert(result.Exports, position{}, ""), nil
}

// errReported means that the mistake has already been reported.
var errReported = errors.New("the mistake is reported")

// nameOf is the path of a file for messages, as the caller would write it.
func (d *document) nameOf(path string) string {
	if target, err := filepath.EvalSymlinks(d.path); path == d.path || err == nil && path == target {
		return d.source.Path
	}
	if short, err := filepath.Rel(d.source.Dir, path); err == nil && filepath.IsLocal(short) {
		return short
	}
	return path
}

// exported converts the exports of a file in JavaScript. The engine does not
// report where a value came from: its position is the only line of the source
// that has its key, or else its path.
type exported struct{ source string }

// convert converts a value with its position and path; the paths of its parts
// begin with that path.
func (x exported) convert(v script.Value, at position, path string) value {
	switch v.Kind {
	case script.Null:
		return scalar(null, at, "")
	case script.Bool:
		return scalar(boolean, at, v.Text)
	case script.Number:
		return scalar(number, at, v.Text)
	case script.Text:
		return scalar(text, at, v.Text)
	case script.List:
		items := make([]value, len(v.List))
		for i, item := range v.List {
			own := path + "[" + strconv.Itoa(i) + "]"
			items[i] = x.convert(item, position{path: own}, own)
		}
		return listOf(at, items)
	case script.Object:
		entries := make([]entry, len(v.Entries))
		for i, e := range v.Entries {
			key := x.keyPosition(e.Key)
			key.path = path
			entries[i] = entry{key: e.Key, at: key, value: x.convert(e.Value, key, strings.TrimPrefix(path+"."+e.Key, "."))}
		}
		return mappingOf(at, entries)
	}
	return value{at: at}
}

// keyPosition finds the only line that has a key, which may be quoted.
func (x exported) keyPosition(key string) position {
	name := regexp.MustCompile(`(?m)(?:^|[{,\s])(["']?)` + regexp.QuoteMeta(key) + `(["']?)\s*:`)
	found := name.FindAllStringSubmatchIndex(x.source, 2)
	if len(found) != 1 {
		return position{}
	}
	start := found[0][2]
	before := x.source[:start]
	line := before[strings.LastIndexByte(before, '\n')+1:]
	if strings.Contains(line, "//") || strings.HasPrefix(strings.TrimSpace(line), "*") {
		return position{}
	}
	return position{line: 1 + strings.Count(before, "\n"), column: 1 + utf8.RuneCountInString(line)}
}

// manifest returns the value of the key pm2 of package.json.
func manifest(content []byte, r *report) (value, error) {
	root, err := readJSON(content, r)
	if err != nil {
		return value{}, err
	}
	e, ok := root.lookup("pm2")
	if !ok {
		return value{}, faultAt(root.at, "no key \"pm2\"; add it with the apps, or pass the program instead")
	}
	return e.value, nil
}
