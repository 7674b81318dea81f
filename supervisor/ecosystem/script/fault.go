package script

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"github.com/grafana/sobek"
	"github.com/grafana/sobek/file"
	"github.com/grafana/sobek/parser"
)

// thrown is an error for JavaScript with a code, as Node gives it.
type thrownError struct{ code, text string }

func (t thrownError) Error() string { return t.text }

// rejectedError is what a promise was rejected with.
type rejectedError struct{ value sobek.Value }

func (r rejectedError) Error() string { return r.value.String() }

// exitError says that the file called process.exit.
type exitError struct{ code string }

func (x exitError) Error() string { return "it called process.exit(" + x.code + ")" }

func rejection(value sobek.Value) error {
	if err, ok := value.Export().(error); ok {
		return err
	}
	return rejectedError{value: value}
}

// interruption tells what no catch in JavaScript may see.
func interruption(err error) bool {
	if _, ok := errors.AsType[*sobek.InterruptedError](err); ok {
		return true
	}
	_, ok := errors.AsType[*sobek.StackOverflowError](err)
	return ok
}

// throw hands an error to the JavaScript that called.
func (e *engine) throw(err error) {
	if exception, ok := err.(*sobek.Exception); ok || interruption(err) { //nolint:errorlint // a wrapped one must become text
		if ok {
			panic(exception)
		}
		panic(err)
	}
	panic(e.errorObject(err))
}

// errorObject makes an Error of JavaScript.
func (e *engine) errorObject(err error) sobek.Value {
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
	o, failed := e.runtime.New(e.newError, e.runtime.ToValue(text))
	if failed != nil {
		return e.runtime.ToValue(text)
	}
	if located {
		e.origins[o] = at
	}
	if t, ok := errors.AsType[thrownError](err); ok && t.code != "" {
		_ = o.Set("code", t.code)
	}
	return o
}

// fileError is an error of the file system in Node's words.
func fileError(err error, verb, path string) error {
	code, text := "EIO", err.Error()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		code, text = "ENOENT", "no such file or directory"
	case errors.Is(err, fs.ErrPermission):
		code, text = "EACCES", "permission denied"
	case errors.Is(err, syscall.EISDIR):
		code, text = "EISDIR", "illegal operation on a directory"
	case errors.Is(err, syscall.ENOTDIR):
		code, text = "ENOTDIR", "not a directory"
	}
	return thrownError{code: code, text: fmt.Sprintf("%s: %s, %s '%s'", code, text, verb, path)}
}

// locate makes an *Error of whatever ended the evaluation.
func (e *engine) locate(err error) *Error {
	at := e.find(err)
	at.base = filepath.Dir(e.options.Path)
	if at.File == "" {
		at.File = e.options.Path
	}
	return at
}

func (e *engine) find(err error) *Error {
	if at, ok := err.(*Error); ok { //nolint:errorlint // the outermost decides
		return at
	}
	if stopped, ok := errors.AsType[*sobek.InterruptedError](err); ok {
		at := e.frame(stopped.Stack())
		at.Text = fmt.Sprint(stopped.Value())
		return at
	}
	if full, ok := errors.AsType[*sobek.StackOverflowError](err); ok {
		at := e.frame(full.Stack())
		at.Text = "RangeError: Maximum call stack size exceeded"
		return at
	}
	if exception, ok := errors.AsType[*sobek.Exception](err); ok {
		return e.uncaught(exception.Value(), e.frame(exception.Stack()))
	}
	if rejected, ok := errors.AsType[rejectedError](err); ok {
		return e.uncaught(rejected.value, &Error{})
	}
	return &Error{Text: err.Error()}
}

// uncaught describes a value that was thrown.
func (e *engine) uncaught(value sobek.Value, at *Error) *Error {
	o, ok := value.(*sobek.Object)
	if !ok {
		at.Text = "it threw " + brief(value.String())
		return at
	}
	if origin, ok := e.origins[o]; ok {
		return origin
	}
	_ = e.runtime.Try(func() {
		at.Text = brief(o.String())
		if stack := o.Get("stack"); at.Line == 0 && stack != nil {
			e.readStack(at, stack.String())
		}
	})
	if at.Text == "" {
		at.Text = "it threw an object"
	}
	return e.advise(at)
}

// advise explains the commonest mistake in ES modules.
func (e *engine) advise(at *Error) *Error {
	missing := regexp.MustCompile(`^ReferenceError: (module|exports|require|__dirname|__filename) is not defined`)
	if _, wrapped := e.modules[at.File]; !wrapped && missing.MatchString(at.Text) {
		at.Text += "; this file is an ES module: rename it to .cjs, or use import and export"
	}
	return at
}

func brief(text string) string {
	const longest = 2000
	if len(text) > longest {
		return strings.ToValidUTF8(text[:longest], "") + "…"
	}
	return text
}

// readStack finds the place in the text of a stack, which is all that an
// Error has that nobody threw.
func (e *engine) readStack(at *Error, stack string) {
	for _, found := range regexp.MustCompile(`at (?:.* \()?(/[^\n]*):(\d+):(\d+)\(\d+\)`).FindAllStringSubmatch(stack, 1) {
		line, _ := strconv.Atoi(found[2])
		column, _ := strconv.Atoi(found[3])
		*at = e.position(file.Position{Filename: found[1], Line: line, Column: column}, at.Text)
	}
}

// frame is the innermost place in a file of the user.
func (e *engine) frame(stack []sobek.StackFrame) *Error {
	for _, frame := range stack {
		if filepath.IsAbs(frame.SrcName()) {
			at := e.position(frame.Position(), "")
			return &at
		}
	}
	return &Error{}
}

// position takes the wrapper of CommonJS off the first line.
func (e *engine) position(at file.Position, text string) Error {
	if _, wrapped := e.modules[at.Filename]; wrapped && at.Line == 1 {
		at.Column = max(at.Column-len(wrapper), 1)
	}
	return Error{File: at.Filename, Line: at.Line, Column: at.Column, Text: text}
}

// syntaxError finds the place of a mistake that the parser or the compiler met.
func (e *engine) syntaxError(name string, lines int, err error) error {
	at := Error{File: name, Text: "SyntaxError: " + err.Error()}
	if list, ok := errors.AsType[parser.ErrorList](err); ok && len(list) > 0 {
		at = e.position(list[0].Position, "SyntaxError: "+list[0].Message)
	} else if failed, ok := errors.AsType[*sobek.CompilerSyntaxError](err); ok {
		at.Text = "SyntaxError: " + failed.Message
		if failed.File != nil {
			at = e.position(failed.File.Position(failed.Offset), at.Text)
		}
	}
	if strings.Contains(at.Text, "Unexpected token await") {
		at.Text += "; the embedded engine knows no for await"
	}
	at.File = name
	if at.Line > lines {
		at.Line, at.Column = lines, 1
	}
	return &at
}
