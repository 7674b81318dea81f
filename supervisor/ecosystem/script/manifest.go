package script

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// manifest is the part of a package.json that resolution needs.
type manifest struct {
	Main    string
	Type    string
	Exports json.RawMessage
	found   bool
}

func readManifest(folder string) (manifest, error) {
	path := filepath.Join(folder, "package.json")
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return manifest{}, nil
	}
	if err != nil {
		return manifest{}, fileError(err, "open", path)
	}
	var raw struct {
		Main, Type any
		Exports    json.RawMessage
	}
	if err := json.Unmarshal([]byte(strings.TrimPrefix(string(content), "\ufeff")), &raw); err != nil {
		return manifest{}, &Error{File: path, Text: "not valid JSON: " + err.Error()}
	}
	m := manifest{found: true, Exports: raw.Exports}
	m.Main, _ = raw.Main.(string)
	m.Type, _ = raw.Type.(string)
	if string(m.Exports) == "null" {
		m.Exports = nil
	}
	return m, nil
}

// packageType returns the "type" of the nearest package.json.
func packageType(path string) (string, error) {
	for at := filepath.Dir(path); filepath.Base(at) != "node_modules"; at = filepath.Dir(at) {
		m, err := readManifest(at)
		if err != nil || m.found {
			return m.Type, err
		}
		if at == filepath.Dir(at) {
			break
		}
	}
	return "", nil
}

// exported resolves a subpath by the exports of a package.
func (r *resolution) exported(root, subpath string, exports json.RawMessage) (string, error) {
	target, ok := r.exportTarget(subpath, exports)
	if ok && strings.HasPrefix(target, "./") {
		path := filepath.Join(root, target)
		if found, ok := r.file(path); ok {
			return found, nil
		}
		return "", r.notFound()
	}
	return "", thrownError{
		code: "ERR_PACKAGE_PATH_NOT_EXPORTED",
		text: fmt.Sprintf("Package subpath '%s' is not defined by \"exports\" in %s", subpath, filepath.Join(root, "package.json")),
	}
}

func (r *resolution) exportTarget(subpath string, exports json.RawMessage) (string, bool) {
	paths, ok := members(exports)
	if !ok || len(paths) == 0 || !strings.HasPrefix(paths[0].key, ".") {
		if subpath != "." {
			return "", false
		}
		return r.target(exports, "")
	}
	for _, p := range paths {
		if p.key == subpath {
			return r.target(p.value, "")
		}
	}
	for _, p := range paths {
		before, after, ok := strings.Cut(p.key, "*")
		if ok && len(subpath) >= len(before)+len(after) && strings.HasPrefix(subpath, before) && strings.HasSuffix(subpath, after) {
			return r.target(p.value, subpath[len(before):len(subpath)-len(after)])
		}
	}
	return "", false
}

// target follows conditions to a path.
func (r *resolution) target(value json.RawMessage, star string) (string, bool) {
	var path string
	if json.Unmarshal(value, &path) == nil && path != "" {
		return strings.ReplaceAll(path, "*", star), true
	}
	for _, choice := range r.conditional(value) {
		if found, ok := r.target(choice, star); ok {
			return found, true
		}
	}
	return "", false
}

// conditional returns the items of a list, or the values of the active conditions.
func (r *resolution) conditional(value json.RawMessage) []json.RawMessage {
	var list []json.RawMessage
	if json.Unmarshal(value, &list) == nil {
		return list
	}
	conditions, _ := members(value)
	for _, c := range conditions {
		if r.active(c.key) {
			list = append(list, c.value)
		}
	}
	return list
}

func (r *resolution) active(condition string) bool {
	switch condition {
	case "default", "node", "module-sync":
		return true
	case "require":
		return r.importer == forRequire
	case "import":
		return r.importer == forImport
	}
	return false
}

// member is a key of an object with its value. The first match decides.
type member struct {
	key   string
	value json.RawMessage
}

func members(object json.RawMessage) ([]member, bool) {
	decoder := json.NewDecoder(strings.NewReader(string(object)))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, false
	}
	var found []member
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return nil, false
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, false
		}
		found = append(found, member{key: fmt.Sprint(key), value: value})
	}
	return found, true
}
