package ecosystem

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// header describes how a file can be run, judged by its mode and first line.
type header struct {
	executable bool
	noShebang  bool   // text that does not begin with #!
	crlf       bool   // the #! line ends in CR LF
	line       string // the rest of the #! line
}

// longestShebang is how much of the first line the kernel looks at.
const longestShebang = 256

func readHeader(path string) header {
	h := header{executable: isProgram(path)}
	if !isFile(path) {
		return h
	}
	file, err := os.Open(path)
	if err != nil {
		return h // executable and not readable is fine
	}
	defer file.Close()
	start, err := io.ReadAll(io.LimitReader(file, longestShebang))
	if err != nil {
		return h
	}
	rest, ok := bytes.CutPrefix(start, []byte("#!"))
	if !ok {
		h.noShebang = !bytes.ContainsRune(start, 0) && !bytes.HasPrefix(start, []byte("\x7fELF"))
		return h
	}
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	h.crlf = bytes.HasSuffix(line, []byte("\r"))
	h.line = strings.TrimSpace(string(line))
	return h
}

// shebang returns the interpreter of the #! line with its arguments; for
// /usr/bin/env the program that env would look up.
func (h header) shebang() []string {
	words := strings.Fields(h.line)
	if len(words) < 2 || filepath.Base(words[0]) != "env" {
		return words
	}
	words = words[1:]
	if words[0] == "-S" {
		words = words[1:]
	}
	if len(words) == 0 || strings.ContainsAny(words[0], "-=") {
		return []string{"env"} // env's own options and variables: it decides
	}
	return words
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// isProgram reports whether the file is executable for anybody: the worker may
// run as another user than gorun.
func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}
