package script

import (
	"errors"

	"github.com/grafana/sobek"
	"github.com/grafana/sobek/parser"
)

// maxFrames is the depth of calls, of the order of Node's own.
const maxFrames = 5000

// realm is the global environment of an evaluation, where Go's functions, objects and
// errors become JavaScript's.
type realm struct {
	runtime  *sobek.Runtime
	newError sobek.Value
	origins  map[*sobek.Object]*Error // where Go threw an error
}

func newRealm() *realm {
	r := &realm{runtime: sobek.New(), origins: make(map[*sobek.Object]*Error)}
	r.runtime.SetMaxCallStackSize(maxFrames)
	r.runtime.SetParserOptions(parser.WithDisableSourceMaps)
	r.newError = r.runtime.Get("Error")
	return r
}

// function makes a JavaScript function of run. An error of run is thrown there.
func (r *realm) function(run func(arguments) (any, error)) sobek.Value {
	return r.runtime.ToValue(func(call sobek.FunctionCall) sobek.Value {
		result, err := run(call.Arguments)
		if err != nil {
			r.throw(err)
		}
		return r.runtime.ToValue(result)
	})
}

func (r *realm) object(fields map[string]any) *sobek.Object {
	o := r.runtime.NewObject()
	for name, value := range fields {
		_ = o.Set(name, value)
	}
	return o
}

// throw throws an error in the JavaScript that called.
func (r *realm) throw(err error) {
	if exception, ok := err.(*sobek.Exception); ok || interruption(err) { //nolint:errorlint // a wrapped one must become text
		if ok {
			panic(exception)
		}
		panic(err)
	}
	panic(r.errorObject(err))
}

// errorObject makes a JavaScript Error of err.
func (r *realm) errorObject(err error) sobek.Value {
	if rejected, ok := errors.AsType[rejectedError](err); ok {
		return rejected.value
	}
	if exception, ok := errors.AsType[*sobek.Exception](err); ok {
		return exception.Value()
	}
	text := err.Error()
	at, located := errors.AsType[*Error](err)
	if located {
		text = at.Text
	}
	o, failed := r.runtime.New(r.newError, r.runtime.ToValue(text))
	if failed != nil {
		return r.runtime.ToValue(text)
	}
	if located {
		r.origins[o] = at
	}
	if t, ok := errors.AsType[thrownError](err); ok && t.code != "" {
		_ = o.Set("code", t.code)
	}
	return o
}
