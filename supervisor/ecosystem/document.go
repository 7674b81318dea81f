package ecosystem

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// document is the file of a source.
type document struct {
	source *Source
	report *report
	path   string // absolute, once it is read; "" for standard input
}

// dir is the folder that the file's own paths are relative to.
func (d *document) dir() string {
	if d.path == "" {
		return d.source.Dir
	}
	return filepath.Dir(d.path)
}

// tree reads and parses the file of the source.
func (d *document) tree() (value, error) {
	format, err := formatOf(d.source.Path)
	if err != nil {
		return value{}, err
	}
	if format == bareScript {
		return value{}, errors.New("not an ecosystem file; those end in .yaml, .yml, .json or .config.js, or are package.json")
	}
	content, err := d.read(format)
	if err != nil {
		return value{}, err
	}
	return d.parse(format, content)
}

func (d *document) read(format format) ([]byte, error) {
	from := d.source.Stdin
	if format == standardInput {
		d.report.file = "stdin"
		if from == nil {
			from = strings.NewReader("")
		}
	} else {
		d.path = absolute(d.source.Dir, d.source.Path)
		file, err := os.Open(d.path)
		if err != nil {
			return nil, errors.New(reason(err))
		}
		defer file.Close()
		from = file
	}
	content, err := readBounded(from)
	if err == nil && !utf8.Valid(content) {
		err = errors.New("not UTF-8 text")
	}
	return bytes.TrimPrefix(content, []byte("\ufeff")), err
}

// readBounded reads a file up to maxBytes.
func readBounded(from io.Reader) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(from, maxBytes+1))
	switch {
	case err != nil:
		return nil, errors.New(reason(err))
	case len(content) > maxBytes:
		return nil, fmt.Errorf("larger than %d MiB", maxBytes>>20)
	}
	return content, nil
}

// parse reads standard input as JSON where it is valid JSON, as YAML otherwise:
// YAML's flow style begins alike.
func (d *document) parse(format format, content []byte) (value, error) {
	switch format {
	case jsonFile:
		if len(bytes.TrimSpace(content)) == 0 {
			return value{}, errors.New("the file is empty; list the apps under the key apps")
		}
		return readJSON(content, d.report)
	case standardInput:
		if start := bytes.TrimSpace(content); len(start) == 0 || !bytes.ContainsRune([]byte("{[/"), rune(start[0])) {
			return readYAML(content, d.report)
		}
		root, jsonErr := readJSON(content, d.report)
		if jsonErr == nil {
			return root, nil
		}
		if root, err := readYAML(content, d.report); err == nil {
			return root, nil
		}
		return value{}, jsonErr
	case packageFile:
		return manifest(content, d.report)
	case javaScript:
		return d.evaluate(content)
	case yamlFile, bareScript:
	}
	return readYAML(content, d.report)
}

// reason is an error of the file system without the path, which the message has
// already.
func reason(err error) string {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		err = path.Err
	}
	return err.Error()
}

// format is the format of the file.
type format int

const (
	bareScript format = iota
	jsonFile
	yamlFile
	standardInput
	packageFile
	javaScript
)

// IsScript reports whether a path names a program to run, rather than an ecosystem file.
func IsScript(path string) bool {
	format, err := formatOf(path)
	return err == nil && format == bareScript
}

// formatOf goes by the name of the file alone, as pm2 does.
func formatOf(path string) (format, error) {
	name := strings.ToLower(filepath.Base(path))
	switch {
	case path == "":
		return 0, errors.New("no file or script given")
	case path == "-":
		return standardInput, nil
	case name == "package.json":
		return packageFile, nil
	case strings.HasSuffix(name, ".config.js"), strings.HasSuffix(name, ".config.cjs"), strings.HasSuffix(name, ".config.mjs"):
		return javaScript, nil
	case strings.HasSuffix(name, ".json"):
		return jsonFile, nil
	case strings.HasSuffix(name, ".yml"), strings.HasSuffix(name, ".yaml"):
		return yamlFile, nil
	}
	return bareScript, nil
}
