package script

import (
	"fmt"
	"maps"
	"os"
	"os/user"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/grafana/sobek"
	"golang.org/x/sys/unix"
)

// environ is process.env: strings only, in the order of the environment.
type environ struct {
	runtime *sobek.Runtime
	values  map[string]string
	keys    []string
}

func newEnviron(rt *sobek.Runtime, list []string) *environ {
	env := &environ{runtime: rt, values: make(map[string]string, len(list))}
	for _, pair := range list {
		if key, value, ok := strings.Cut(pair, "="); ok && key != "" {
			env.set(key, value)
		}
	}
	return env
}

func (e *environ) list() []string {
	list := make([]string, len(e.keys))
	for i, key := range e.keys {
		list[i] = key + "=" + e.values[key]
	}
	return list
}

func (e *environ) set(key, value string) {
	if _, ok := e.values[key]; !ok {
		e.keys = append(e.keys, key)
	}
	e.values[key] = value
}

// Get returns nil, undefined in JavaScript, for a variable that is not set.
func (e *environ) Get(key string) sobek.Value {
	if value, ok := e.values[key]; ok {
		return e.runtime.ToValue(value)
	}
	return nil
}

// Set converts every value to a string, as Node does.
func (e *environ) Set(key string, value sobek.Value) bool {
	e.set(key, value.String())
	return true
}

// Has is part of sobek.DynamicObject.
func (e *environ) Has(key string) bool {
	_, ok := e.values[key]
	return ok
}

// Delete is part of sobek.DynamicObject.
func (e *environ) Delete(key string) bool {
	delete(e.values, key)
	e.keys = slices.DeleteFunc(e.keys, func(k string) bool { return k == key })
	return true
}

// Keys is part of sobek.DynamicObject.
func (e *environ) Keys() []string { return slices.Clone(e.keys) }

// fileOrder returns the keys of a dotenv file in the order of the file.
func fileOrder(source string, parsed map[string]string) []string {
	var keys []string
	for _, found := range regexp.MustCompile(`(?m)^\s*(?:export\s+)?([\w.-]+)\s*[=:]`).FindAllStringSubmatch(source, -1) {
		if _, ok := parsed[found[1]]; ok && !slices.Contains(keys, found[1]) {
			keys = append(keys, found[1])
		}
	}
	for _, key := range slices.Sorted(maps.Keys(parsed)) {
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

func (n *native) process(arguments) (any, error) {
	args := n.js.runtime.NewArray()
	for i, arg := range n.options.Args {
		_ = args.Set(fmt.Sprint(i), arg)
	}
	exec, arch := "/usr/local/bin/node", runtime.GOARCH
	if arch == "amd64" {
		arch = "x64"
	}
	if len(n.options.Args) > 0 {
		exec = n.options.Args[0]
	}
	return n.js.object(map[string]any{
		"argv": args, "argv0": "node", "execPath": exec, "dir": n.options.Dir,
		"pid": os.Getpid(), "ppid": os.Getppid(), "uid": os.Getuid(), "gid": os.Getgid(),
		"platform": runtime.GOOS, "arch": arch, "version": n.options.NodeVersion,
	}), nil
}

// host returns what Node's module os reports about the machine.
func (n *native) host(arguments) (any, error) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return nil, fmt.Errorf("uname: %w", err)
	}
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return nil, fmt.Errorf("sysinfo: %w", err)
	}
	const loadUnit = 65536.0
	loads := n.js.runtime.NewArray(float64(info.Loads[0])/loadUnit, float64(info.Loads[1])/loadUnit, float64(info.Loads[2])/loadUnit)
	username, home := currentUser()
	return n.js.object(map[string]any{
		"cpus": n.options.CPUs, "hostname": unix.ByteSliceToString(name.Nodename[:]), "type": unix.ByteSliceToString(name.Sysname[:]),
		"release": unix.ByteSliceToString(name.Release[:]), "version": unix.ByteSliceToString(name.Version[:]),
		"machine":  unix.ByteSliceToString(name.Machine[:]),
		"totalmem": memory(info.Totalram, info.Unit), "freemem": memory(info.Freeram, info.Unit),
		"uptime": info.Uptime, "loadavg": loads,
		"uid": os.Getuid(), "gid": os.Getgid(), "username": username, "homedir": home,
	}), nil
}

func memory(units uint64, size uint32) int64 { return int64(units * uint64(size)) }

func currentUser() (name, home string) {
	found, err := user.Current()
	if err != nil {
		return fmt.Sprint(os.Getuid()), "/"
	}
	return found.Username, found.HomeDir
}
