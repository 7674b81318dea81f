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

// function makes a JavaScript function of run. An error of run is thrown there.
func (e *engine) function(run func(arguments) (any, error)) sobek.Value {
	return e.runtime.ToValue(func(call sobek.FunctionCall) sobek.Value {
		result, err := run(call.Arguments)
		if err != nil {
			e.throw(err)
		}
		return e.runtime.ToValue(result)
	})
}

func (e *engine) object(fields map[string]any) *sobek.Object {
	o := e.runtime.NewObject()
	for name, value := range fields {
		_ = o.Set(name, value)
	}
	return o
}

// natives returns the functions that the library cannot have in JavaScript.
func (e *engine) natives() *sobek.Object {
	functions := map[string]func(arguments) (any, error){
		"print": e.print, "exit": e.exit, "process": e.process, "host": e.host, "builtins": e.builtinList,
		"readFile": e.readFile, "stat": e.stat, "lstat": e.lstat, "readDir": e.readDir, "realPath": e.realPath,
		"absolute":    func(args arguments) (any, error) { return e.absolute(args.text(0)), nil },
		"requireFrom": func(args arguments) (any, error) { return e.requireFrom(e.absolute(args.text(0))), nil },
		"encode":      e.encode,
		"decode":      decodeBytes,
		"parseURL":    e.parseURL,
		"parseDotenv": e.parseDotenv,
	}
	o := e.runtime.NewObject()
	for name, run := range functions {
		_ = o.Set(name, e.function(run))
	}
	_ = o.Set("env", e.runtime.NewDynamicObject(e.environ))
	return o
}

func (e *engine) print(args arguments) (any, error) {
	_, _ = io.WriteString(e.options.Stderr, args.text(0)) // best effort, as in Node
	return nil, nil
}

func (e *engine) exit(args arguments) (any, error) {
	code := "0"
	if !sobek.IsUndefined(args.at(0)) {
		code = args.text(0)
	}
	e.runtime.Interrupt(exitError{code: code})
	return nil, nil
}

func (e *engine) builtinList(arguments) (any, error) {
	list := e.runtime.NewArray()
	for i, name := range builtinNames() {
		_ = list.Set(fmt.Sprint(i), name)
	}
	return list, nil
}

func (e *engine) absolute(path string) string {
	if !filepath.IsAbs(path) {
		path = filepath.Join(e.options.Dir, path)
	}
	return filepath.Clean(path)
}

func (e *engine) readFile(args arguments) (any, error) {
	path := args.text(0)
	f, err := os.Open(e.absolute(path))
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
	return e.runtime.NewArrayBuffer(content), nil
}

func (e *engine) stat(args arguments) (any, error) {
	info, err := os.Stat(e.absolute(args.text(0)))
	if err != nil {
		return nil, fileError(err, "stat", args.text(0))
	}
	return e.stats(info), nil
}

func (e *engine) lstat(args arguments) (any, error) {
	info, err := os.Lstat(e.absolute(args.text(0)))
	if err != nil {
		return nil, fileError(err, "lstat", args.text(0))
	}
	return e.stats(info), nil
}

func (e *engine) stats(info fs.FileInfo) *sobek.Object {
	kind := "other"
	switch mode := info.Mode(); {
	case mode.IsRegular():
		kind = "file"
	case mode.IsDir():
		kind = "directory"
	case mode&fs.ModeSymlink != 0:
		kind = "link"
	}
	return e.object(map[string]any{
		"name": info.Name(), "kind": kind, "size": info.Size(), "mode": int(info.Mode().Perm()), "mtimeMs": info.ModTime().UnixMilli(),
	})
}

func (e *engine) readDir(args arguments) (any, error) {
	entries, err := os.ReadDir(e.absolute(args.text(0)))
	if err != nil {
		return nil, fileError(err, "scandir", args.text(0))
	}
	list := e.runtime.NewArray()
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			continue // removed since
		}
		_ = list.Set(list.Get("length").String(), e.stats(info))
	}
	return list, nil
}

func (e *engine) realPath(args arguments) (any, error) {
	path, err := filepath.EvalSymlinks(e.absolute(args.text(0)))
	if err != nil {
		return nil, fileError(err, "lstat", args.text(0))
	}
	return path, nil
}

func (e *engine) encode(args arguments) (any, error) {
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
	return e.runtime.NewArrayBuffer(content), nil
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

func (e *engine) parseURL(args arguments) (any, error) {
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
	return e.object(urlFields(u)), nil
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

func (e *engine) parseDotenv(args arguments) (any, error) {
	source := args.text(0)
	parsed, err := godotenv.Unmarshal(source)
	if err != nil {
		return nil, fmt.Errorf("dotenv: %w", err)
	}
	o := e.runtime.NewObject()
	for _, key := range fileOrder(source, parsed) {
		_ = o.Set(key, parsed[key])
	}
	return o, nil
}
