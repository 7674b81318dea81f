package ecosystem

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// header is what the beginning of a file tells about running it.
type header struct {
	executable bool
	plain      bool   // text without #!
	windows    bool   // #! in a line that ends in CR LF
	line       string // what follows #!
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
		h.plain = !bytes.ContainsRune(start, 0) && !bytes.HasPrefix(start, []byte("\x7fELF"))
		return h
	}
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	h.windows = bytes.HasSuffix(line, []byte("\r"))
	h.line = strings.TrimSpace(string(line))
	return h
}

// shebang returns the program that the first line names, with its arguments.
// What env would look up counts as that program.
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

// isProgram says whether anybody may execute the file: the worker may be
// somebody else than gorun.
func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}
