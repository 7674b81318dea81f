package script

import (
	"fmt"
	"slices"

	"github.com/grafana/sobek"
)

// engine is one evaluation. The goroutine of run owns its fields.
type engine struct {
	js       *realm
	options  Options
	environ  *environ
	modules  *modules
	promises *promises
	prelude  prelude
}

// prelude is what library/prelude.js returns.
type prelude struct {
	serialize, callable, defaultExport sobek.Callable
}

func newEngine(o Options) (*engine, error) {
	r, p := newRealm(), &promises{}
	e := &engine{js: r, options: o, environ: newEnviron(r.runtime, o.Environ), modules: newModules(r, o.Path, p), promises: p}
	r.runtime.SetPromiseRejectionTracker(p.track)
	n := &native{js: r, options: o}
	functions := r.runtime.NewObject()
	for name, run := range n.functions() {
		_ = functions.Set(name, r.function(run))
	}
	_ = functions.Set("requireFrom", r.function(func(args arguments) (any, error) {
		return e.modules.requireFrom(n.absolute(args.text(0))), nil
	}))
	_ = functions.Set("env", r.runtime.NewDynamicObject(e.environ))
	e.modules.builtins = &builtins{js: r, native: functions, loaded: make(map[string]sobek.Value)}
	return e, e.startPrelude()
}

func (e *engine) startPrelude() error {
	b := e.modules.builtins
	process, err := b.get("process")
	if err != nil {
		return err
	}
	result, err := b.file("prelude", b.native, process, b.loader())
	if err != nil {
		return err
	}
	o := result.ToObject(e.js.runtime)
	for name, target := range map[string]*sobek.Callable{
		"serialize": &e.prelude.serialize, "runTimer": &e.promises.runTimer,
		"callable": &e.prelude.callable, "defaultExport": &e.prelude.defaultExport,
	} {
		*target, _ = sobek.AssertFunction(o.Get(name))
	}
	return nil
}

// evaluate loads the file and returns its export as JSON.
func (e *engine) evaluate() (string, error) {
	exported, err := e.modules.load(e.options.Path)
	if err == nil {
		exported, err = e.prelude.defaultExport(nil, exported)
	}
	if err == nil {
		exported, err = e.unwrap(exported)
	}
	if err == nil {
		exported, err = e.prelude.serialize(sobek.Undefined(), exported)
	}
	switch {
	case err != nil:
		return "", err
	case exported.String() == "":
		return "", errNothing
	}
	return exported.String(), e.promises.unhandled()
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
		if value, err = e.promises.await(promise); err != nil {
			return nil, err
		}
	}
	return value, nil
}

// promises settles those of the file, and keeps the rejected ones that nothing handles.
type promises struct {
	runTimer sobek.Callable   // runs the next timer; false when there is none
	rejected []*sobek.Promise // not handled yet
}

func (p *promises) track(promise *sobek.Promise, operation sobek.PromiseRejectionOperation) {
	switch operation {
	case sobek.PromiseRejectionReject:
		p.rejected = append(p.rejected, promise)
	case sobek.PromiseRejectionHandle:
		p.rejected = slices.DeleteFunc(p.rejected, func(one *sobek.Promise) bool { return one == promise })
	}
}

// unhandled returns the first rejection that was not caught. Node ends by it, too.
func (p *promises) unhandled() error {
	if len(p.rejected) == 0 {
		return nil
	}
	return rejection(p.rejected[0].Result())
}

// await runs jobs and timers until the promise is settled.
func (p *promises) await(promise *sobek.Promise) (sobek.Value, error) {
	for promise.State() == sobek.PromiseStatePending {
		ran, err := p.runTimer(sobek.Undefined())
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
