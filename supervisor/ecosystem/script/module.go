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

// modules loads files, CommonJS and ES modules, each once.
type modules struct {
	js       *realm
	builtins *builtins
	promises *promises
	locator  *locator
	commonJS map[string]*sobek.Object      // by path
	records  map[string]sobek.ModuleRecord // ES, by path or node:name
	paths    map[any]string                // of ES records, for their imports
}

func newModules(r *realm, main string, p *promises) *modules {
	m := &modules{
		js: r, promises: p, commonJS: make(map[string]*sobek.Object),
		records: make(map[string]sobek.ModuleRecord), paths: make(map[any]string),
	}
	m.locator = &locator{js: r, main: main, wrapped: m.commonJS}
	r.runtime.SetImportModuleDynamically(m.importDynamically)
	r.runtime.SetGetImportMetaProperties(m.importMeta)
	return m
}

// load returns the exports of a file of any format.
func (m *modules) load(path string) (sobek.Value, error) {
	format, err := formatOf(path)
	if err != nil {
		return nil, err
	}
	if format == esModule {
		return m.loadES(path)
	}
	if found, ok := m.commonJS[path]; ok {
		return found.Get("exports"), nil
	}
	source, err := readSource(path)
	if err != nil {
		return nil, err
	}
	if format == jsonData {
		return m.loadJSON(path, source)
	}
	exported, err := m.loadCommonJS(path, source)
	at, ok := err.(*Error) //nolint:errorlint // only an error in this file itself
	if format == ambiguous && ok && at.File == path && hasESSyntax(source) {
		return m.loadES(path)
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

func (m *modules) loadJSON(path, source string) (sobek.Value, error) {
	parse, _ := sobek.AssertFunction(m.js.runtime.Get("JSON").ToObject(m.js.runtime).Get("parse"))
	value, err := parse(sobek.Undefined(), m.js.runtime.ToValue(source))
	if exception, ok := errors.AsType[*sobek.Exception](err); ok {
		return nil, &Error{File: path, Text: exception.Value().String()}
	}
	if err != nil {
		return nil, err
	}
	module := m.js.runtime.NewObject()
	_ = module.Set("exports", value)
	m.commonJS[path] = module
	return value, nil
}

func (m *modules) loadCommonJS(path, source string) (sobek.Value, error) {
	module := m.newModule(path)
	m.commonJS[path] = module
	function, err := m.compile(path, source)
	if err != nil {
		delete(m.commonJS, path)
		return nil, err
	}
	exports := module.Get("exports")
	_, err = function(exports, exports, m.requireFrom(path), module,
		m.js.runtime.ToValue(path), m.js.runtime.ToValue(filepath.Dir(path)))
	if err != nil {
		return nil, err
	}
	_ = module.Set("loaded", true)
	return module.Get("exports"), nil
}

func (m *modules) newModule(path string) *sobek.Object {
	return m.js.object(map[string]any{
		"exports": m.js.runtime.NewObject(), "id": path, "filename": path, "path": filepath.Dir(path),
		"loaded": false, "children": m.js.runtime.NewArray(), "paths": m.js.runtime.NewArray(),
	})
}

func (m *modules) compile(path, source string) (sobek.Callable, error) {
	lines := 1 + strings.Count(source, "\n")
	tree, err := parser.ParseFile(nil, path, wrapper+source+"\n})", 0, parser.WithDisableSourceMaps)
	if err != nil {
		return nil, m.locator.syntaxError(path, lines, err)
	}
	program, err := sobek.CompileAST(tree, false)
	if err != nil {
		return nil, m.locator.syntaxError(path, lines, err)
	}
	m.paths[program] = path
	value, err := m.js.runtime.RunProgram(program)
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
func (m *modules) requireFrom(path string) *sobek.Object {
	require := m.js.function(func(args arguments) (any, error) { return m.require(path, args) }).ToObject(m.js.runtime)
	_ = require.Set("resolve", m.js.function(func(args arguments) (any, error) { return resolve(path, args.text(0), forRequire) }))
	_ = require.Set("cache", m.js.runtime.NewObject())
	_ = require.Set("main", sobek.Undefined())
	return require
}

func (m *modules) require(path string, args arguments) (any, error) {
	if !args.isText(0) {
		return nil, thrownError{code: "ERR_INVALID_ARG_TYPE", text: `The "id" argument must be of type string`}
	}
	found, err := resolve(path, args.text(0), forRequire)
	if err != nil {
		return nil, err
	}
	if name, ok := strings.CutPrefix(found, nodePrefix); ok {
		return m.builtins.get(name)
	}
	return m.load(found)
}
