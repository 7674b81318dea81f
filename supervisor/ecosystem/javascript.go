package ecosystem

import (
	"context"
	"errors"
	"fmt"
	"math/big"
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
	exports, err := jsonReader{source: []byte(result.Exports), report: d.report}.read()
	return exported{source: string(content)}.place(exports, position{}, ""), err
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

// exported gives positions to the exports of a file in JavaScript. The engine does not
// report where a value came from: it is the only line of the source that has its key,
// or else its path.
type exported struct{ source string }

// place gives a value its position; the paths of its parts begin with path.
func (x exported) place(v value, at position, path string) value {
	v.at = at
	switch v.kind {
	case number:
		v.text = decimal(v.text)
	case list:
		for i, item := range v.list {
			own := path + "[" + strconv.Itoa(i) + "]"
			v.list[i] = x.place(item, position{path: own}, own)
		}
	case mapping:
		for i, e := range v.entries {
			key := x.keyPosition(e.key)
			key.path = path
			v.entries[i] = entry{key: e.key, at: key, value: x.place(e.value, key, strings.TrimPrefix(path+"."+e.key, "."))}
		}
	case null, boolean, text:
	}
	return v
}

// decimal returns a whole number without exponent: JavaScript writes one from 1e21
// on.
func decimal(number string) string {
	if !strings.ContainsAny(number, "eE") {
		return number
	}
	if whole, ok := new(big.Rat).SetString(number); ok && whole.IsInt() {
		return whole.Num().String()
	}
	return number
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
