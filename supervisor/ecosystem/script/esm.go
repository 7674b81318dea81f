package script

import (
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/grafana/sobek"
	"github.com/grafana/sobek/parser"
)

// loadES evaluates an ES module and returns its namespace.
func (m *modules) loadES(path string) (sobek.Value, error) {
	record, err := m.record(path)
	if err != nil {
		return nil, err
	}
	if err := m.link(path, record); err != nil {
		return nil, err
	}
	if _, err := m.promises.await(record.Evaluate(m.js.runtime)); err != nil {
		return nil, err
	}
	return m.js.runtime.NamespaceObjectFor(record), nil
}

func (m *modules) link(path string, record sobek.ModuleRecord) error {
	err := record.Link()
	if err == nil || interruption(err) {
		return err
	}
	switch err.(type) { //nolint:errorlint // a wrapped one has lost its position
	case *Error, *sobek.Exception:
		return err
	}
	return m.locator.syntaxError(path, 1, err)
}

// record returns the module record of a file, a synthetic one if it is no ES module.
func (m *modules) record(path string) (sobek.ModuleRecord, error) {
	if found, ok := m.records[path]; ok {
		return found, nil
	}
	made, err := m.makeRecord(path)
	if err == nil {
		m.records[path] = made
	}
	return made, err
}

func (m *modules) makeRecord(path string) (sobek.ModuleRecord, error) {
	if name, ok := strings.CutPrefix(path, nodePrefix); ok {
		exports, err := m.builtins.get(name)
		if err != nil {
			return nil, err
		}
		return synthesize(m.js.runtime, exports), nil
	}
	format, err := formatOf(path)
	if err != nil {
		return nil, err
	}
	if format == esModule {
		return m.parse(path)
	}
	if format == ambiguous {
		if source, err := readSource(path); err == nil && hasESSyntax(source) {
			return m.parse(path)
		}
	}
	exports, err := m.load(path)
	if err != nil {
		return nil, err
	}
	return synthesize(m.js.runtime, exports), nil
}

func (m *modules) parse(path string) (sobek.ModuleRecord, error) {
	source, err := readSource(path)
	if err != nil {
		return nil, err
	}
	source = withoutAttributes(source)
	lines := 1 + strings.Count(source, "\n")
	tree, err := parser.ParseFile(nil, path, source, 0, parser.IsModule, parser.WithDisableSourceMaps)
	if err != nil {
		return nil, m.locator.syntaxError(path, lines, err)
	}
	record, err := sobek.ModuleFromAST(tree, m.resolveImport)
	if err != nil {
		return nil, m.locator.syntaxError(path, lines, err)
	}
	m.paths[record] = path
	return record, nil
}

// withoutAttributes blanks import attributes, which the parser does not support
// and the file's extension makes redundant.
func withoutAttributes(source string) string {
	attributes := regexp.MustCompile(`(\bfrom\s*(?:'[^'\n]*'|"[^"\n]*"))(\s*(?:with|assert)\s*\{[^}\n]*\})`)
	return attributes.ReplaceAllStringFunc(source, func(found string) string {
		parts := attributes.FindStringSubmatch(found)
		return parts[1] + strings.Repeat(" ", len(parts[2]))
	})
}

func (m *modules) resolveImport(referrer any, specifier string) (sobek.ModuleRecord, error) {
	from, ok := m.paths[referrer]
	if !ok {
		from = m.locator.main
	}
	found, err := resolve(from, specifier, forImport)
	if err != nil {
		return nil, &Error{File: from, Line: importLine(from, specifier), Column: 1, Text: err.Error()}
	}
	return m.record(found)
}

// importLine returns the line of an import, which the engine does not record.
func importLine(path, specifier string) int {
	source, err := readSource(path)
	if err != nil {
		return 0
	}
	for i, line := range strings.Split(source, "\n") {
		if strings.Contains(line, "'"+specifier+"'") || strings.Contains(line, `"`+specifier+`"`) {
			return i + 1
		}
	}
	return 1
}

func (m *modules) importDynamically(referrer any, specifier sobek.Value, payload any) {
	record, err := m.resolveImport(referrer, specifier.String())
	if err != nil {
		m.js.runtime.FinishLoadingImportModule(referrer, specifier, payload, nil, m.js.errorObject(err))
		return
	}
	m.js.runtime.FinishLoadingImportModule(referrer, specifier, payload, record, nil)
}

func (m *modules) importMeta(record sobek.ModuleRecord) []sobek.MetaProperty {
	path := m.paths[record]
	address := (&url.URL{Scheme: "file", Path: path}).String()
	resolve := m.js.function(func(args arguments) (any, error) {
		found, err := resolve(path, args.text(0), forImport)
		if err != nil || strings.HasPrefix(found, nodePrefix) {
			return found, err
		}
		return (&url.URL{Scheme: "file", Path: found}).String(), nil
	})
	return []sobek.MetaProperty{
		{Key: "dirname", Value: m.js.runtime.ToValue(filepath.Dir(path))},
		{Key: "filename", Value: m.js.runtime.ToValue(path)},
		{Key: "resolve", Value: resolve},
		{Key: "url", Value: m.js.runtime.ToValue(address)},
	}
}

// syntheticModule is a module of another format as ES modules import it: the whole
// as the default export, and each of its properties by name.
type syntheticModule struct {
	runtime *sobek.Runtime
	exports sobek.Value
	names   []string
}

func synthesize(rt *sobek.Runtime, exports sobek.Value) *syntheticModule {
	m := &syntheticModule{runtime: rt, exports: exports}
	if o, ok := exports.(*sobek.Object); ok {
		_ = rt.Try(func() { m.names = o.Keys() })
	}
	if !slices.Contains(m.names, "default") {
		m.names = append(m.names, "default")
	}
	return m
}

// Link has nothing to link.
func (*syntheticModule) Link() error { return nil }

// GetExportedNames is part of sobek.ModuleRecord.
func (m *syntheticModule) GetExportedNames(callback func([]string), _ ...sobek.ModuleRecord) bool {
	callback(m.names)
	return true
}

// ResolveExport is part of sobek.ModuleRecord.
func (m *syntheticModule) ResolveExport(name string, _ ...sobek.ResolveSetElement) (*sobek.ResolvedBinding, bool) {
	if !slices.Contains(m.names, name) {
		return nil, false
	}
	return &sobek.ResolvedBinding{BindingName: name, Module: m}, false
}

// Evaluate has nothing to evaluate: the exports are there.
func (m *syntheticModule) Evaluate(runtime *sobek.Runtime) *sobek.Promise {
	promise, resolve, _ := runtime.NewPromise()
	if err := resolve(m); err != nil {
		panic(fmt.Errorf("import: %w", err))
	}
	return promise
}

// GetBindingValue is part of sobek.ModuleInstance.
func (m *syntheticModule) GetBindingValue(name string) sobek.Value {
	if name == "default" {
		return m.exports
	}
	return m.exports.ToObject(m.runtime).Get(name)
}
