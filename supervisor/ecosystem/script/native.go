package script

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/grafana/sobek"
	"github.com/joho/godotenv"
)

// maxRead is the largest file that fs.readFileSync returns.
const maxRead = 16 << 20

// arguments are the arguments of a call from JavaScript.
type arguments []sobek.Value

func (a arguments) at(i int) sobek.Value {
	if i < len(a) {
		return a[i]
	}
	return sobek.Undefined()
}

func (a arguments) text(i int) string  { return a.at(i).String() }
func (a arguments) isText(i int) bool  { return sobek.IsString(a.at(i)) }
func (a arguments) bytes(i int) []byte { return exportBytes(a.at(i)) }

func exportBytes(value sobek.Value) []byte {
	if buffer, ok := value.Export().(sobek.ArrayBuffer); ok {
		return buffer.Bytes()
	}
	return nil
}

// native has the functions that the library cannot have in JavaScript.
type native struct {
	js      *realm
	options Options
}

// functions returns them all, as the library gets them.
func (n *native) functions() map[string]func(arguments) (any, error) {
	return map[string]func(arguments) (any, error){
		"print": n.print, "exit": n.exit, "process": n.process, "host": n.host, "builtins": n.builtinList,
		"readFile": n.readFile, "stat": n.stat("stat", os.Stat), "lstat": n.stat("lstat", os.Lstat), "readDir": n.readDir, "realPath": n.realPath,
		"absolute":    func(args arguments) (any, error) { return n.absolute(args.text(0)), nil },
		"encode":      n.encode,
		"decode":      decodeBytes,
		"parseURL":    n.parseURL,
		"parseDotenv": n.parseDotenv,
	}
}

func (n *native) print(args arguments) (any, error) {
	_, _ = io.WriteString(n.options.Stderr, args.text(0)) // best effort, as in Node
	return nil, nil
}

func (n *native) exit(args arguments) (any, error) {
	code := "0"
	if !sobek.IsUndefined(args.at(0)) {
		code = args.text(0)
	}
	n.js.runtime.Interrupt(exitError{code: code})
	return nil, nil
}

func (n *native) builtinList(arguments) (any, error) {
	list := n.js.runtime.NewArray()
	for i, name := range builtinNames() {
		_ = list.Set(fmt.Sprint(i), name)
	}
	return list, nil
}

func (n *native) absolute(path string) string {
	if !filepath.IsAbs(path) {
		path = filepath.Join(n.options.Dir, path)
	}
	return filepath.Clean(path)
}

func (n *native) readFile(args arguments) (any, error) {
	path := args.text(0)
	f, err := os.Open(n.absolute(path))
	if err != nil {
		return nil, fileError(err, "open", path)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	content, err := io.ReadAll(io.LimitReader(f, maxRead+1))
	if err != nil {
		return nil, fileError(err, "read", path)
	}
	if len(content) > maxRead {
		return nil, fmt.Errorf("%s is larger than %d MiB", path, maxRead>>20)
	}
	return n.js.runtime.NewArrayBuffer(content), nil
}

// stat makes stat or lstat.
func (n *native) stat(verb string, look func(path string) (fs.FileInfo, error)) func(arguments) (any, error) {
	return func(args arguments) (any, error) {
		info, err := look(n.absolute(args.text(0)))
		if err != nil {
			return nil, fileError(err, verb, args.text(0))
		}
		return n.stats(info), nil
	}
}

func (n *native) stats(info fs.FileInfo) *sobek.Object {
	kind := "other"
	switch mode := info.Mode(); {
	case mode.IsRegular():
		kind = "file"
	case mode.IsDir():
		kind = "directory"
	case mode&fs.ModeSymlink != 0:
		kind = "link"
	}
	return n.js.object(map[string]any{
		"name": info.Name(), "kind": kind, "size": info.Size(), "mode": int(info.Mode().Perm()), "mtimeMs": info.ModTime().UnixMilli(),
	})
}

func (n *native) readDir(args arguments) (any, error) {
	entries, err := os.ReadDir(n.absolute(args.text(0)))
	if err != nil {
		return nil, fileError(err, "scandir", args.text(0))
	}
	list := n.js.runtime.NewArray()
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			continue // removed since
		}
		_ = list.Set(list.Get("length").String(), n.stats(info))
	}
	return list, nil
}

func (n *native) realPath(args arguments) (any, error) {
	path, err := filepath.EvalSymlinks(n.absolute(args.text(0)))
	if err != nil {
		return nil, fileError(err, "lstat", args.text(0))
	}
	return path, nil
}

func (n *native) encode(args arguments) (any, error) {
	source := args.text(0)
	content := []byte(source)
	var err error
	switch encoding := args.text(1); encoding {
	case "utf8", "utf-8":
	case "base64", "base64url":
		plain := strings.NewReplacer("-", "+", "_", "/", "=", "", "\n", "").Replace(source)
		content, err = base64.RawStdEncoding.DecodeString(plain)
	case "hex":
		content, err = hex.DecodeString(source)
	case "ascii", "latin1", "binary":
		content = content[:0]
		for _, r := range source {
			content = append(content, byte(r&0xff))
		}
	default:
		err = thrownError{code: "ERR_UNKNOWN_ENCODING", text: "Unknown encoding: " + encoding}
	}
	if err != nil {
		return nil, err
	}
	return n.js.runtime.NewArrayBuffer(content), nil
}

func decodeBytes(args arguments) (any, error) {
	content := args.bytes(0)
	switch encoding := args.text(1); encoding {
	case "utf8", "utf-8":
		return strings.ToValidUTF8(string(content), "\ufffd"), nil
	case "base64":
		return base64.StdEncoding.EncodeToString(content), nil
	case "base64url":
		return base64.RawURLEncoding.EncodeToString(content), nil
	case "hex":
		return hex.EncodeToString(content), nil
	case "ascii", "latin1", "binary":
		runes := make([]rune, len(content))
		for i, b := range content {
			runes[i] = rune(b)
		}
		return string(runes), nil
	default:
		return nil, thrownError{code: "ERR_UNKNOWN_ENCODING", text: "Unknown encoding: " + encoding}
	}
}

func (n *native) parseURL(args arguments) (any, error) {
	u, err := url.Parse(args.text(0))
	if base := args.text(1); err == nil && base != "" {
		var from *url.URL
		if from, err = url.Parse(base); err == nil {
			u = from.ResolveReference(u)
		}
	}
	if err != nil || u.Scheme == "" {
		return nil, thrownError{code: "ERR_INVALID_URL", text: "Invalid URL"}
	}
	return n.js.object(urlFields(u)), nil
}

func urlFields(u *url.URL) map[string]any {
	ports := map[string]string{"http": "80", "https": "443", "ws": "80", "wss": "443", "ftp": "21"}
	if u.Port() != "" && ports[u.Scheme] == u.Port() {
		u.Host = u.Hostname()
	}
	_, special := ports[u.Scheme]
	if special && u.Path == "" {
		u.Path = "/"
	}
	search, hash, origin := "", "", "null"
	if u.RawQuery != "" {
		search = "?" + u.RawQuery
	}
	if u.Fragment != "" {
		hash = "#" + u.EscapedFragment()
	}
	if special {
		origin = u.Scheme + "://" + u.Host
	}
	password, _ := u.User.Password()
	path := u.EscapedPath()
	if u.Opaque != "" {
		path = u.Opaque
	}
	return map[string]any{
		"protocol": u.Scheme + ":", "username": u.User.Username(), "password": password, "host": u.Host, "hostname": u.Hostname(),
		"port": u.Port(), "pathname": path, "search": search, "hash": hash, "origin": origin, "href": u.String(),
	}
}

func (n *native) parseDotenv(args arguments) (any, error) {
	source := args.text(0)
	parsed, err := godotenv.Unmarshal(source)
	if err != nil {
		return nil, fmt.Errorf("dotenv: %w", err)
	}
	o := n.js.runtime.NewObject()
	for _, key := range fileOrder(source, parsed) {
		_ = o.Set(key, parsed[key])
	}
	return o, nil
}
