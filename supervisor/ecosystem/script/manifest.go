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

// manifest is what resolution wants of a package.json.
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
	var loose struct {
		Main, Type any
		Exports    json.RawMessage
	}
	if err := json.Unmarshal([]byte(strings.TrimPrefix(string(content), "\ufeff")), &loose); err != nil {
		return manifest{}, &Error{File: path, Text: "not valid JSON: " + err.Error()}
	}
	m := manifest{found: true, Exports: loose.Exports}
	m.Main, _ = loose.Main.(string)
	m.Type, _ = loose.Type.(string)
	if string(m.Exports) == "null" {
		m.Exports = nil
	}
	return m, nil
}

// packageType is the "type" of the nearest package.json.
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

// exported looks a path up in the exports of a package.
func (s *search) exported(home, inside string, exports json.RawMessage) (string, error) {
	target, ok := s.lookup(inside, exports)
	if ok && strings.HasPrefix(target, "./") {
		path := filepath.Join(home, target)
		if found, ok := s.file(path); ok {
			return found, nil
		}
		return "", s.notFound()
	}
	return "", thrownError{
		code: "ERR_PACKAGE_PATH_NOT_EXPORTED",
		text: fmt.Sprintf("Package subpath '%s' is not defined by \"exports\" in %s", inside, filepath.Join(home, "package.json")),
	}
}

func (s *search) lookup(inside string, exports json.RawMessage) (string, bool) {
	paths, ok := members(exports)
	if !ok || len(paths) == 0 || !strings.HasPrefix(paths[0].key, ".") {
		if inside != "." {
			return "", false
		}
		return s.target(exports, "")
	}
	for _, p := range paths {
		if p.key == inside {
			return s.target(p.value, "")
		}
	}
	for _, p := range paths {
		before, after, ok := strings.Cut(p.key, "*")
		if ok && len(inside) >= len(before)+len(after) && strings.HasPrefix(inside, before) && strings.HasSuffix(inside, after) {
			return s.target(p.value, inside[len(before):len(inside)-len(after)])
		}
	}
	return "", false
}

// target follows conditions down to a path.
func (s *search) target(value json.RawMessage, star string) (string, bool) {
	var path string
	if json.Unmarshal(value, &path) == nil && path != "" {
		return strings.ReplaceAll(path, "*", star), true
	}
	for _, choice := range s.choices(value) {
		if found, ok := s.target(choice, star); ok {
			return found, true
		}
	}
	return "", false
}

// choices are the items of a list, and the conditions of an object that hold.
func (s *search) choices(value json.RawMessage) []json.RawMessage {
	var list []json.RawMessage
	if json.Unmarshal(value, &list) == nil {
		return list
	}
	conditions, _ := members(value)
	for _, c := range conditions {
		if s.holds(c.key) {
			list = append(list, c.value)
		}
	}
	return list
}

func (s *search) holds(condition string) bool {
	switch condition {
	case "default", "node", "module-sync":
		return true
	case "require":
		return s.why == forRequire
	case "import":
		return s.why == forImport
	}
	return false
}

// member is a key of an object in the order of the file, which decides.
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
