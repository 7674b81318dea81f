package script

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const nodePrefix = "node:"

// importKind is how a module is imported: the conditions of exports depend on it.
type importKind int

const (
	forRequire importKind = iota
	forImport
)

// builtinNames are the modules of Node that the library has.
func builtinNames() []string {
	return []string{
		"buffer", "child_process", "console", "fs", "fs/promises", "module", "os", "path", "path/posix", "process", "url", "util",
	}
}

// builtinPackages are the packages that the library replaces.
func builtinPackages() []string { return []string{"dotenv", "dotenv/config"} }

// unsupportedBuiltins are the modules of Node that the library does not have.
func unsupportedBuiltins() []string {
	return []string{
		"assert", "async_hooks", "cluster", "constants", "crypto", "dgram", "diagnostics_channel", "dns", "domain", "events", "http",
		"http2", "https", "inspector", "net", "perf_hooks", "punycode", "querystring", "readline", "repl", "sqlite", "stream",
		"string_decoder", "sys", "test", "timers", "tls", "trace_events", "tty", "v8", "vm", "wasi", "worker_threads", "zlib",
	}
}

// resolve returns what a specifier in a file stands for: a path, or node:name.
func resolve(from, specifier string, importer importKind) (string, error) {
	name := strings.TrimPrefix(specifier, nodePrefix)
	switch {
	case slices.Contains(builtinNames(), name), slices.Contains(builtinPackages(), specifier):
		return nodePrefix + name, nil
	case name != specifier:
		return "", unknownBuiltin(name)
	case strings.HasPrefix(specifier, "file:"):
		address, err := url.Parse(specifier)
		if err != nil {
			return "", fmt.Errorf("import %s: %w", specifier, err)
		}
		specifier = address.Path
	case strings.HasPrefix(specifier, "#"):
		return "", fmt.Errorf("%s: the embedded engine does not support the imports of package.json; write the path", specifier)
	case strings.Contains(specifier, "\x00") || specifier == "":
		return "", thrownError{code: "MODULE_NOT_FOUND", text: fmt.Sprintf("Cannot find module %q", specifier)}
	}
	r := resolution{importer: importer, specifier: specifier}
	if r.relative() {
		return r.fromPath(filepath.Dir(from))
	}
	return r.fromPackages(filepath.Dir(from))
}

func unknownBuiltin(name string) error {
	return thrownError{
		code: "ERR_UNKNOWN_BUILTIN_MODULE",
		text: fmt.Sprintf("the embedded engine has no module %q; it has %s and dotenv", name, strings.Join(builtinNames(), ", ")),
	}
}

// resolution is the search for one module.
type resolution struct {
	importer  importKind
	specifier string
	tried     []string
}

func (r *resolution) relative() bool {
	return strings.HasPrefix(r.specifier, "/") || strings.HasPrefix(r.specifier, "./") ||
		strings.HasPrefix(r.specifier, "../") || r.specifier == "." || r.specifier == ".."
}

func (r *resolution) fromPath(folder string) (string, error) {
	path := r.specifier
	if !filepath.IsAbs(path) {
		path = filepath.Join(folder, path)
	}
	if !strings.HasSuffix(r.specifier, "/") {
		if found, ok := r.file(path); ok {
			return found, nil
		}
	}
	if found, ok, err := r.folder(path); ok || err != nil {
		return found, err
	}
	return "", r.notFound()
}

// file tries a path as it is and with the extensions that Node adds.
func (r *resolution) file(path string) (string, bool) {
	for _, candidate := range []string{path, path + ".js", path + ".json", path + ".cjs", path + ".mjs"} {
		info, err := os.Stat(candidate)
		if err == nil && info.Mode().IsRegular() {
			if target, err := filepath.EvalSymlinks(candidate); err == nil {
				return target, true
			}
			return candidate, true
		}
		r.tried = append(r.tried, candidate)
	}
	return "", false
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// folder tries main of package.json, and index.js.
func (r *resolution) folder(path string) (string, bool, error) {
	if !isFolder(path) {
		return "", false, nil
	}
	manifest, err := readManifest(path)
	if err != nil {
		return "", false, err
	}
	if manifest.Main != "" {
		main := filepath.Join(path, manifest.Main)
		if found, ok := r.file(main); ok {
			return found, true, nil
		}
		if found, ok := r.file(filepath.Join(main, "index")); ok {
			return found, true, nil
		}
	}
	found, ok := r.file(filepath.Join(path, "index"))
	return found, ok, nil
}

// fromPackages looks in node_modules of the folder and of all above it.
func (r *resolution) fromPackages(folder string) (string, error) {
	name, subpath := splitPackage(r.specifier)
	for at := folder; ; at = filepath.Dir(at) {
		if filepath.Base(at) != "node_modules" {
			root := filepath.Join(at, "node_modules", name)
			if found, ok, err := r.fromPackage(root, subpath); ok || err != nil {
				return found, err
			}
		}
		if at == filepath.Dir(at) {
			break
		}
	}
	if slices.Contains(unsupportedBuiltins(), strings.Split(r.specifier, "/")[0]) {
		return "", unknownBuiltin(r.specifier)
	}
	return "", r.notFound()
}

func (r *resolution) fromPackage(root, subpath string) (string, bool, error) {
	if !isFolder(root) {
		found, ok := r.file(filepath.Join(root, subpath))
		return found, ok, nil
	}
	manifest, err := readManifest(root)
	if err != nil {
		return "", false, err
	}
	if len(manifest.Exports) > 0 {
		found, err := r.exported(root, subpath, manifest.Exports)
		return found, err == nil, err
	}
	if subpath == "." {
		return r.folder(root)
	}
	if found, ok := r.file(filepath.Join(root, subpath)); ok {
		return found, true, nil
	}
	return r.folder(filepath.Join(root, subpath))
}

// splitPackage splits @scope/name/a/b into the package and ./a/b in it.
func splitPackage(specifier string) (name, subpath string) {
	parts := strings.SplitN(specifier, "/", 3)
	count := 1
	if strings.HasPrefix(specifier, "@") {
		count = min(2, len(parts))
	}
	name = strings.Join(parts[:count], "/")
	rest := strings.TrimPrefix(strings.TrimPrefix(specifier, name), "/")
	if rest == "" {
		return name, "."
	}
	return name, "./" + rest
}

func (r *resolution) notFound() error {
	const most = 12
	tried := r.tried
	if len(tried) > most {
		tried = append(slices.Clone(tried[:most]), "…")
	}
	return thrownError{
		code: "MODULE_NOT_FOUND",
		text: fmt.Sprintf("Cannot find module '%s'; looked for %s", r.specifier, strings.Join(tried, ", ")),
	}
}
