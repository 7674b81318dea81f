package script

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/grafana/sobek"
	"github.com/grafana/sobek/parser"
)

const (
	wrapper    = "(function (exports, require, module, __filename, __dirname) {"
	maxSource  = 4 << 20
	maxNesting = 2000 // open brackets: the parser is recursive
)

// moduleFormat is how Node would load a file.
type moduleFormat int

const (
	commonJS moduleFormat = iota
	esModule
	ambiguous // a .js file without a "type" in package.json: whichever parses
	jsonData
)

func formatOf(path string) (moduleFormat, error) {
	switch ext := filepath.Ext(path); ext {
	case ".cjs":
		return commonJS, nil
	case ".mjs":
		return esModule, nil
	case ".json":
		return jsonData, nil
	case ".node", ".ts", ".cts", ".mts", ".tsx", ".jsx", ".wasm":
		return 0, fmt.Errorf("%s cannot be loaded: the embedded engine reads JavaScript and JSON only", path)
	}
	switch kind, err := packageType(path); {
	case err != nil:
		return 0, err
	case kind == "module":
		return esModule, nil
	case kind == "commonjs" || strings.Contains(path, "/node_modules/"):
		return commonJS, nil
	}
	return ambiguous, nil
}

// load returns the exports of a file of any format.
func (e *engine) load(path string) (sobek.Value, error) {
	format, err := formatOf(path)
	if err != nil {
		return nil, err
	}
	if format == esModule {
		return e.loadES(path)
	}
	if found, ok := e.modules[path]; ok {
		return found.Get("exports"), nil
	}
	source, err := readSource(path)
	if err != nil {
		return nil, err
	}
	if format == jsonData {
		return e.loadJSON(path, source)
	}
	exported, err := e.loadCommonJS(path, source)
	at, ok := err.(*Error) //nolint:errorlint // only an error in this file itself
	if format == ambiguous && ok && at.File == path && hasESSyntax(source) {
		return e.loadES(path)
	}
	if format == commonJS && ok && at.File == path && strings.HasPrefix(at.Text, "SyntaxError") && hasESSyntax(source) {
		at.Text += "; import and export are for .mjs files"
	}
	return exported, err
}

func hasESSyntax(source string) bool {
	return regexp.MustCompile(`(?m)^\s*(import|export)\b|\bimport\.meta\b|^\s*(const|let|var)\b.*\bawait\b`).MatchString(source)
}

func readSource(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fileError(err, "open", path)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxSource+1))
	switch {
	case err != nil:
		return "", fileError(err, "read", path)
	case len(content) > maxSource:
		return "", fmt.Errorf("%s is larger than %d MiB", path, maxSource>>20)
	case !utf8.Valid(content):
		return "", fmt.Errorf("%s is not UTF-8 text", path)
	}
	source := strings.TrimPrefix(string(content), "\ufeff")
	if rest, ok := strings.CutPrefix(source, "#!"); ok {
		source = "//" + rest
	}
	return source, checkNesting(path, source)
}

func checkNesting(path, source string) error {
	depth := 0
	for _, b := range []byte(source) {
		switch b {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth = max(depth-1, 0)
		}
		if depth > maxNesting {
			return fmt.Errorf("%s is nested more than %d deep", path, maxNesting)
		}
	}
	return nil
}

func (e *engine) loadJSON(path, source string) (sobek.Value, error) {
	parse, _ := sobek.AssertFunction(e.runtime.Get("JSON").ToObject(e.runtime).Get("parse"))
	value, err := parse(sobek.Undefined(), e.runtime.ToValue(source))
	if exception, ok := errors.AsType[*sobek.Exception](err); ok {
		return nil, &Error{File: path, Text: exception.Value().String()}
	}
	if err != nil {
		return nil, err
	}
	module := e.runtime.NewObject()
	_ = module.Set("exports", value)
	e.modules[path] = module
	return value, nil
}

func (e *engine) loadCommonJS(path, source string) (sobek.Value, error) {
	module := e.newModule(path)
	e.modules[path] = module
	function, err := e.compile(path, source)
	if err != nil {
		delete(e.modules, path)
		return nil, err
	}
	exports := module.Get("exports")
	_, err = function(exports, exports, e.requireFrom(path), module,
		e.runtime.ToValue(path), e.runtime.ToValue(filepath.Dir(path)))
	if err != nil {
		return nil, err
	}
	_ = module.Set("loaded", true)
	return module.Get("exports"), nil
}

func (e *engine) newModule(path string) *sobek.Object {
	return e.object(map[string]any{
		"exports": e.runtime.NewObject(), "id": path, "filename": path, "path": filepath.Dir(path),
		"loaded": false, "children": e.runtime.NewArray(), "paths": e.runtime.NewArray(),
	})
}

func (e *engine) compile(path, source string) (sobek.Callable, error) {
	lines := 1 + strings.Count(source, "\n")
	tree, err := parser.ParseFile(nil, path, wrapper+source+"\n})", 0, parser.WithDisableSourceMaps)
	if err != nil {
		return nil, e.syntaxError(path, lines, err)
	}
	program, err := sobek.CompileAST(tree, false)
	if err != nil {
		return nil, e.syntaxError(path, lines, err)
	}
	e.paths[program] = path
	value, err := e.runtime.RunProgram(program)
	if err != nil {
		return nil, err
	}
	function, ok := sobek.AssertFunction(value)
	if !ok {
		return nil, &Error{File: path, Text: "SyntaxError: unmatched closing bracket"}
	}
	return function, nil
}

// requireFrom returns the require function of one file.
func (e *engine) requireFrom(path string) *sobek.Object {
	require := e.function(func(args arguments) (any, error) { return e.require(path, args) }).ToObject(e.runtime)
	_ = require.Set("resolve", e.function(func(args arguments) (any, error) { return e.resolve(path, args.text(0), forRequire) }))
	_ = require.Set("cache", e.runtime.NewObject())
	_ = require.Set("main", sobek.Undefined())
	return require
}

func (e *engine) require(path string, args arguments) (any, error) {
	if !args.isText(0) {
		return nil, thrownError{code: "ERR_INVALID_ARG_TYPE", text: `The "id" argument must be of type string`}
	}
	found, err := e.resolve(path, args.text(0), forRequire)
	if err != nil {
		return nil, err
	}
	if name, ok := strings.CutPrefix(found, nodePrefix); ok {
		return e.builtin(name)
	}
	return e.load(found)
}
