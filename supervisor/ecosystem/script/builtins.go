package script

import (
	"embed"
	"fmt"
	"path"

	"github.com/grafana/sobek"
)

//go:embed library/*.js
var library embed.FS

// builtins are the modules of Node that the library has, and dotenv.
type builtins struct {
	js     *realm
	native *sobek.Object          // the functions of native, and process.env
	loaded map[string]sobek.Value // by name
}

// file runs a file of the library: a function of its dependencies.
func (b *builtins) file(name string, dependencies ...sobek.Value) (sobek.Value, error) {
	source, err := library.ReadFile(path.Join("library", name+".js"))
	if err != nil {
		return nil, fmt.Errorf("the embedded engine has no module %q", name)
	}
	function, err := b.js.runtime.RunScript("node:"+name, string(source))
	if err != nil {
		return nil, err
	}
	call, ok := sobek.AssertFunction(function)
	if !ok {
		return nil, fmt.Errorf("library/%s.js is no function", name)
	}
	return call(sobek.Undefined(), dependencies...)
}

// loader is the library's own require.
func (b *builtins) loader() sobek.Value {
	return b.js.function(func(args arguments) (any, error) { return b.get(args.text(0)) })
}

// get returns a module of Node, or dotenv.
func (b *builtins) get(name string) (sobek.Value, error) {
	if found, ok := b.loaded[name]; ok {
		return found, nil
	}
	made, err := b.make(name)
	if err == nil {
		b.loaded[name] = made
	}
	return made, err
}

func (b *builtins) make(name string) (sobek.Value, error) {
	switch name {
	case "fs/promises":
		fs, err := b.get("fs")
		if err != nil {
			return nil, err
		}
		return fs.ToObject(b.js.runtime).Get("promises"), nil
	case "path/posix":
		return b.get("path")
	case "dotenv/config":
		return b.configureDotenv()
	}
	return b.file(name, b.native, b.loader())
}

func (b *builtins) configureDotenv() (sobek.Value, error) {
	dotenv, err := b.get("dotenv")
	if err != nil {
		return nil, err
	}
	configure, _ := sobek.AssertFunction(dotenv.ToObject(b.js.runtime).Get("config"))
	if _, err := configure(sobek.Undefined()); err != nil {
		return nil, err
	}
	return b.js.runtime.NewObject(), nil
}
