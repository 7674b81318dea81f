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

// loadES evaluates an ES module: its default export, else all that it exports.
func (e *engine) loadES(path string) (sobek.Value, error) {
	record, err := e.record(path)
	if err != nil {
		return nil, err
	}
	if err := e.link(path, record); err != nil {
		return nil, err
	}
	if _, err := e.await(record.Evaluate(e.runtime)); err != nil {
		return nil, err
	}
	return e.runtime.NamespaceObjectFor(record), nil
}

func (e *engine) link(path string, record sobek.ModuleRecord) error {
	err := record.Link()
	if err == nil || interruption(err) {
		return err
	}
	switch err.(type) { //nolint:errorlint // what has a place keeps it
	case *Error, *sobek.Exception:
		return err
	}
	return e.syntaxError(path, 1, err)
}

// record parses a file, or wraps what is not an ES module.
func (e *engine) record(path string) (sobek.ModuleRecord, error) {
	if found, ok := e.records[path]; ok {
		return found, nil
	}
	made, err := e.makeRecord(path)
	if err == nil {
		e.records[path] = made
	}
	return made, err
}

func (e *engine) makeRecord(path string) (sobek.ModuleRecord, error) {
	if name, ok := strings.CutPrefix(path, nodePrefix); ok {
		exports, err := e.builtin(name)
		if err != nil {
			return nil, err
		}
		return e.wrap(exports), nil
	}
	kind, err := styleOf(path)
	if err != nil {
		return nil, err
	}
	if kind == esModule {
		return e.parse(path)
	}
	if kind == undecided {
		if source, err := readSource(path); err == nil && looksES(source) {
			return e.parse(path)
		}
	}
	exports, err := e.load(path)
	if err != nil {
		return nil, err
	}
	return e.wrap(exports), nil
}

func (e *engine) parse(path string) (sobek.ModuleRecord, error) {
	source, err := readSource(path)
	if err != nil {
		return nil, err
	}
	source = withoutAttributes(source)
	lines := 1 + strings.Count(source, "\n")
	tree, err := parser.ParseFile(nil, path, source, 0, parser.IsModule, parser.WithDisableSourceMaps)
	if err != nil {
		return nil, e.syntaxError(path, lines, err)
	}
	record, err := sobek.ModuleFromAST(tree, e.resolveImport)
	if err != nil {
		return nil, e.syntaxError(path, lines, err)
	}
	e.paths[record] = path
	return record, nil
}

// withoutAttributes blanks import attributes, which the parser does not know
// and which say nothing that the extension does not.
func withoutAttributes(source string) string {
	attributes := regexp.MustCompile(`(\bfrom\s*(?:'[^'\n]*'|"[^"\n]*"))(\s*(?:with|assert)\s*\{[^}\n]*\})`)
	return attributes.ReplaceAllStringFunc(source, func(found string) string {
		parts := attributes.FindStringSubmatch(found)
		return parts[1] + strings.Repeat(" ", len(parts[2]))
	})
}

func (e *engine) resolveImport(referrer any, specifier string) (sobek.ModuleRecord, error) {
	from, ok := e.paths[referrer]
	if !ok {
		from = e.options.Path
	}
	found, err := e.resolve(from, specifier, forImport)
	if err != nil {
		return nil, &Error{File: from, Line: importLine(from, specifier), Column: 1, Text: err.Error()}
	}
	return e.record(found)
}

// importLine finds the line of an import: the engine does not keep it.
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

func (e *engine) importDynamically(referrer any, specifier sobek.Value, payload any) {
	record, err := e.resolveImport(referrer, specifier.String())
	if err != nil {
		e.runtime.FinishLoadingImportModule(referrer, specifier, payload, nil, e.errorObject(err))
		return
	}
	e.runtime.FinishLoadingImportModule(referrer, specifier, payload, record, nil)
}

func (e *engine) importMeta(record sobek.ModuleRecord) []sobek.MetaProperty {
	path := e.paths[record]
	address := (&url.URL{Scheme: "file", Path: path}).String()
	resolve := e.function(func(args arguments) (any, error) {
		found, err := e.resolve(path, args.text(0), forImport)
		if err != nil || strings.HasPrefix(found, nodePrefix) {
			return found, err
		}
		return (&url.URL{Scheme: "file", Path: found}).String(), nil
	})
	return []sobek.MetaProperty{
		{Key: "dirname", Value: e.runtime.ToValue(filepath.Dir(path))},
		{Key: "filename", Value: e.runtime.ToValue(path)},
		{Key: "resolve", Value: resolve},
		{Key: "url", Value: e.runtime.ToValue(address)},
	}
}

// wrapped is a module of another kind as ES modules see it: the whole as the
// default export, and each of its properties by name.
type wrapped struct {
	runtime *sobek.Runtime
	exports sobek.Value
	names   []string
}

func (e *engine) wrap(exports sobek.Value) *wrapped {
	w := &wrapped{runtime: e.runtime, exports: exports}
	if o, ok := exports.(*sobek.Object); ok {
		_ = e.runtime.Try(func() { w.names = o.Keys() })
	}
	if !slices.Contains(w.names, "default") {
		w.names = append(w.names, "default")
	}
	return w
}

// Link is never in want of anything.
func (*wrapped) Link() error { return nil }

// GetExportedNames is part of sobek.ModuleRecord.
func (w *wrapped) GetExportedNames(callback func([]string), _ ...sobek.ModuleRecord) bool {
	callback(w.names)
	return true
}

// ResolveExport is part of sobek.ModuleRecord.
func (w *wrapped) ResolveExport(name string, _ ...sobek.ResolveSetElement) (*sobek.ResolvedBinding, bool) {
	if !slices.Contains(w.names, name) {
		return nil, false
	}
	return &sobek.ResolvedBinding{BindingName: name, Module: w}, false
}

// Evaluate is done already: wrapped was made of the result.
func (w *wrapped) Evaluate(runtime *sobek.Runtime) *sobek.Promise {
	promise, resolve, _ := runtime.NewPromise()
	if err := resolve(w); err != nil {
		panic(fmt.Errorf("import: %w", err))
	}
	return promise
}

// GetBindingValue is part of sobek.ModuleInstance.
func (w *wrapped) GetBindingValue(name string) sobek.Value {
	if name == "default" {
		return w.exports
	}
	return w.exports.ToObject(w.runtime).Get(name)
}
