package process

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// WritePIDFile writes the number of a process to a file, "" for none, and makes its
// directory.
func WritePIDFile(path string, pid int) error {
	if path == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(strconv.Itoa(pid)+"\n"), 0o644)
}

// RemovePIDFile removes the file unless it names another process by now, or is no file
// at all: /dev/null stays.
func RemovePIDFile(path string, pid int) error {
	text, err := os.ReadFile(path)
	if err != nil || strings.TrimSpace(string(text)) != strconv.Itoa(pid) {
		return nil //nolint:nilerr // there is nothing to remove
	}
	return os.Remove(path)
}
