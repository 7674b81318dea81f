package ecosystem

import (
	"path/filepath"
	"strings"
)

// defaultPath is searched for programs when there is no PATH.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// search is where a worker finds programs.
type search struct {
	dir  string // its working directory
	path string // its PATH
}

// find finds a program by its path or on PATH.
func (s search) find(name string) (string, bool) {
	if strings.Contains(name, "/") {
		path := absolute(s.dir, name)
		return path, isProgram(path)
	}
	for _, dir := range filepath.SplitList(s.path) {
		if path := filepath.Join(absolute(s.dir, dir), name); name != "" && isProgram(path) {
			return path, true
		}
	}
	return "", false
}

func (s search) shell() (string, bool) {
	if isProgram("/bin/sh") {
		return "/bin/sh", true
	}
	return s.find("sh")
}

// places says where find has looked, for a message.
func (s search) places(name string) string {
	switch {
	case filepath.IsAbs(name):
		return ""
	case strings.Contains(name, "/"):
		return " in " + s.dir
	}
	return " in " + s.dir + " or on PATH (" + s.path + ")"
}
