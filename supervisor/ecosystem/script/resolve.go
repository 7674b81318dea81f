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

// purpose says who asks for a module: conditions of exports depend on it.
type purpose int

const (
	forRequire purpose = iota
	forImport
)

// builtinNames are the modules that the library has.
func builtinNames() []string {
	return []string{
		"buffer", "child_process", "console", "fs", "fs/promises", "module", "os", "path", "path/posix", "process", "url", "util",
	}
}

// alwaysBuiltin are packages that the library stands in for.
func alwaysBuiltin() []string { return []string{"dotenv", "dotenv/config"} }

// missingNames are the modules of Node that the library does not have.
func missingNames() []string {
	return []string{
		"assert", "async_hooks", "cluster", "constants", "crypto", "dgram", "diagnostics_channel", "dns", "domain", "events", "http",
		"http2", "https", "inspector", "net", "perf_hooks", "punycode", "querystring", "readline", "repl", "sqlite", "stream",
		"string_decoder", "sys", "test", "timers", "tls", "trace_events", "tty", "v8", "vm", "wasi", "worker_threads", "zlib",
	}
}

// resolve finds what a specifier means in a file: a path, or node:name.
func (e *engine) resolve(from, specifier string, why purpose) (string, error) {
	name := strings.TrimPrefix(specifier, nodePrefix)
	switch {
	case slices.Contains(builtinNames(), name), slices.Contains(alwaysBuiltin(), specifier):
		return nodePrefix + name, nil
	case name != specifier:
		return "", missing(name)
	case strings.HasPrefix(specifier, "file:"):
		address, err := url.Parse(specifier)
		if err != nil {
			return "", fmt.Errorf("import %s: %w", specifier, err)
		}
		specifier = address.Path
	case strings.HasPrefix(specifier, "#"):
		return "", fmt.Errorf("%s: the embedded engine does not know the imports of package.json; write the path", specifier)
	case strings.Contains(specifier, "\x00") || specifier == "":
		return "", thrownError{code: "MODULE_NOT_FOUND", text: fmt.Sprintf("Cannot find module %q", specifier)}
	}
	s := search{engine: e, why: why, specifier: specifier}
	if s.relative() {
		return s.near(filepath.Dir(from))
	}
	return s.inPackages(filepath.Dir(from))
}

func missing(name string) error {
	return thrownError{
		code: "ERR_UNKNOWN_BUILTIN_MODULE",
		text: fmt.Sprintf("the embedded engine has no module %q; it has %s and dotenv", name, strings.Join(builtinNames(), ", ")),
	}
}

// search is one search for a module.
type search struct {
	engine    *engine
	why       purpose
	specifier string
	looked    []string
}

func (s *search) relative() bool {
	return strings.HasPrefix(s.specifier, "/") || strings.HasPrefix(s.specifier, "./") ||
		strings.HasPrefix(s.specifier, "../") || s.specifier == "." || s.specifier == ".."
}

func (s *search) near(folder string) (string, error) {
	path := s.specifier
	if !filepath.IsAbs(path) {
		path = filepath.Join(folder, path)
	}
	if !strings.HasSuffix(s.specifier, "/") {
		if found, ok := s.file(path); ok {
			return found, nil
		}
	}
	if found, ok, err := s.folder(path); ok || err != nil {
		return found, err
	}
	return "", s.notFound()
}

// file tries a path as it is and with the extensions that Node adds.
func (s *search) file(path string) (string, bool) {
	for _, candidate := range []string{path, path + ".js", path + ".json", path + ".cjs", path + ".mjs"} {
		info, err := os.Stat(candidate)
		if err == nil && info.Mode().IsRegular() {
			if target, err := filepath.EvalSymlinks(candidate); err == nil {
				return target, true
			}
			return candidate, true
		}
		s.looked = append(s.looked, candidate)
	}
	return "", false
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// folder tries what package.json calls main, and index.js.
func (s *search) folder(path string) (string, bool, error) {
	if !isFolder(path) {
		return "", false, nil
	}
	manifest, err := readManifest(path)
	if err != nil {
		return "", false, err
	}
	if manifest.Main != "" {
		main := filepath.Join(path, manifest.Main)
		if found, ok := s.file(main); ok {
			return found, true, nil
		}
		if found, ok := s.file(filepath.Join(main, "index")); ok {
			return found, true, nil
		}
	}
	found, ok := s.file(filepath.Join(path, "index"))
	return found, ok, nil
}

// inPackages walks up through the node_modules folders.
func (s *search) inPackages(folder string) (string, error) {
	name, inside := splitPackage(s.specifier)
	for at := folder; ; at = filepath.Dir(at) {
		if filepath.Base(at) != "node_modules" {
			home := filepath.Join(at, "node_modules", name)
			if found, ok, err := s.inPackage(home, inside); ok || err != nil {
				return found, err
			}
		}
		if at == filepath.Dir(at) {
			break
		}
	}
	if slices.Contains(missingNames(), strings.Split(s.specifier, "/")[0]) {
		return "", missing(s.specifier)
	}
	return "", s.notFound()
}

func (s *search) inPackage(home, inside string) (string, bool, error) {
	if !isFolder(home) {
		found, ok := s.file(filepath.Join(home, inside))
		return found, ok, nil
	}
	manifest, err := readManifest(home)
	if err != nil {
		return "", false, err
	}
	if len(manifest.Exports) > 0 {
		found, err := s.exported(home, inside, manifest.Exports)
		return found, err == nil, err
	}
	if inside == "." {
		return s.folder(home)
	}
	if found, ok := s.file(filepath.Join(home, inside)); ok {
		return found, true, nil
	}
	return s.folder(filepath.Join(home, inside))
}

// splitPackage takes @scope/name/a/b apart: the package, and ./a/b in it.
func splitPackage(specifier string) (name, inside string) {
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

func (s *search) notFound() error {
	const most = 12
	looked := s.looked
	if len(looked) > most {
		looked = append(slices.Clone(looked[:most]), "…")
	}
	return thrownError{
		code: "MODULE_NOT_FOUND",
		text: fmt.Sprintf("Cannot find module '%s'; looked for %s", s.specifier, strings.Join(looked, ", ")),
	}
}
