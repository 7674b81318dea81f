package script

import (
	"embed"
	"fmt"
	"path"
	"slices"

	"github.com/grafana/sobek"
	"github.com/grafana/sobek/parser"
)

//go:embed library/*.js
var library embed.FS

// maxFrames is the depth of calls, of the order of Node's own.
const maxFrames = 5000

// engine is one evaluation. The goroutine of run owns its fields.
type engine struct {
	options  Options
	runtime  *sobek.Runtime
	native   *sobek.Object
	environ  *environ
	builtins map[string]sobek.Value        // by name, once they were loaded
	modules  map[string]*sobek.Object      // CommonJS, by path
	records  map[string]sobek.ModuleRecord // ES, by path or node:name
	paths    map[any]string                // of ES records, for their imports
	origins  map[*sobek.Object]*Error      // where Go threw an error
	rejected []*sobek.Promise              // not handled yet
	prelude  prelude
	newError sobek.Value
}

// prelude is what library/prelude.js returns.
type prelude struct {
	serialize, runTimer, callable, defaultExport sobek.Callable
}

func newEngine(o Options) (*engine, error) {
	e := &engine{
		options: o, runtime: sobek.New(),
		builtins: make(map[string]sobek.Value), modules: make(map[string]*sobek.Object),
		records: make(map[string]sobek.ModuleRecord), paths: make(map[any]string),
		origins: make(map[*sobek.Object]*Error),
	}
	e.runtime.SetMaxCallStackSize(maxFrames)
	e.runtime.SetParserOptions(parser.WithDisableSourceMaps)
	e.runtime.SetPromiseRejectionTracker(e.trackRejection)
	e.runtime.SetImportModuleDynamically(e.importDynamically)
	e.runtime.SetGetImportMetaProperties(e.importMeta)
	e.newError = e.runtime.Get("Error")
	e.environ = newEnviron(e.runtime, o.Environ)
	e.native = e.natives()
	return e, e.startPrelude()
}

func (e *engine) startPrelude() error {
	process, err := e.builtin("process")
	if err != nil {
		return err
	}
	result, err := e.libraryFile("prelude", e.native, process, e.loader())
	if err != nil {
		return err
	}
	o := result.ToObject(e.runtime)
	for name, target := range map[string]*sobek.Callable{
		"serialize": &e.prelude.serialize, "runTimer": &e.prelude.runTimer,
		"callable": &e.prelude.callable, "defaultExport": &e.prelude.defaultExport,
	} {
		*target, _ = sobek.AssertFunction(o.Get(name))
	}
	return nil
}

// libraryFile runs a file of the library: a function of its dependencies.
func (e *engine) libraryFile(name string, dependencies ...sobek.Value) (sobek.Value, error) {
	source, err := library.ReadFile(path.Join("library", name+".js"))
	if err != nil {
		return nil, fmt.Errorf("the embedded engine has no module %q", name)
	}
	function, err := e.runtime.RunScript("node:"+name, string(source))
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
func (e *engine) loader() sobek.Value {
	return e.function(func(args arguments) (any, error) { return e.builtin(args.text(0)) })
}

// builtin returns a module of Node, or dotenv.
func (e *engine) builtin(name string) (sobek.Value, error) {
	if found, ok := e.builtins[name]; ok {
		return found, nil
	}
	made, err := e.makeBuiltin(name)
	if err == nil {
		e.builtins[name] = made
	}
	return made, err
}

func (e *engine) makeBuiltin(name string) (sobek.Value, error) {
	switch name {
	case "fs/promises":
		fs, err := e.builtin("fs")
		if err != nil {
			return nil, err
		}
		return fs.ToObject(e.runtime).Get("promises"), nil
	case "path/posix":
		return e.builtin("path")
	case "dotenv/config":
		return e.configureDotenv()
	}
	return e.libraryFile(name, e.native, e.loader())
}

func (e *engine) configureDotenv() (sobek.Value, error) {
	dotenv, err := e.builtin("dotenv")
	if err != nil {
		return nil, err
	}
	configure, _ := sobek.AssertFunction(dotenv.ToObject(e.runtime).Get("config"))
	if _, err := configure(sobek.Undefined()); err != nil {
		return nil, err
	}
	return e.runtime.NewObject(), nil
}

// evaluate loads the file and makes plain data of its export.
func (e *engine) evaluate() (Value, error) {
	exported, err := e.load(e.options.Path)
	if err != nil {
		return Value{}, err
	}
	if exported, err = e.prelude.defaultExport(nil, exported); err != nil {
		return Value{}, err
	}
	if exported, err = e.unwrap(exported); err != nil {
		return Value{}, err
	}
	written, err := e.prelude.serialize(sobek.Undefined(), exported)
	if err != nil {
		return Value{}, err
	}
	if written.String() == "" {
		return Value{}, errNothing
	}
	if err := e.unhandled(); err != nil {
		return Value{}, err
	}
	return decode(written.String())
}

func (e *engine) trackRejection(promise *sobek.Promise, operation sobek.PromiseRejectionOperation) {
	switch operation {
	case sobek.PromiseRejectionReject:
		e.rejected = append(e.rejected, promise)
	case sobek.PromiseRejectionHandle:
		e.rejected = slices.DeleteFunc(e.rejected, func(p *sobek.Promise) bool { return p == promise })
	}
}

// unhandled returns the first rejection that was not caught. Node ends by it, too.
func (e *engine) unhandled() error {
	if len(e.rejected) == 0 {
		return nil
	}
	return rejection(e.rejected[0].Result())
}

// unwrap calls exported functions and awaits exported promises.
func (e *engine) unwrap(value sobek.Value) (sobek.Value, error) {
	const mostCalls = 8
	for range mostCalls {
		yes, err := e.prelude.callable(nil, value)
		if err != nil {
			return nil, err
		}
		if call, ok := sobek.AssertFunction(value); ok && yes.ToBoolean() {
			if value, err = call(sobek.Undefined()); err != nil {
				return nil, err
			}
			continue
		}
		promise, ok := value.Export().(*sobek.Promise)
		if !ok {
			break
		}
		if value, err = e.await(promise); err != nil {
			return nil, err
		}
	}
	return value, nil
}

// await runs jobs and timers until the promise is settled.
func (e *engine) await(promise *sobek.Promise) (sobek.Value, error) {
	for promise.State() == sobek.PromiseStatePending {
		ran, err := e.prelude.runTimer(sobek.Undefined())
		if err != nil {
			return nil, err
		}
		if promise.State() == sobek.PromiseStatePending && !ran.ToBoolean() {
			return nil, fmt.Errorf("it waits for a promise that is never settled: the embedded engine has no network and no events")
		}
	}
	if promise.State() == sobek.PromiseStateRejected {
		return nil, rejection(promise.Result())
	}
	return promise.Result(), nil
}
