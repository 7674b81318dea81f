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

// thrownError is an error for JavaScript, with a code of Node.
type thrownError struct{ code, text string }

func (t thrownError) Error() string { return t.text }

// rejectedError is the reason of a rejected promise.
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

// interruption reports whether err must not be caught in JavaScript.
func interruption(err error) bool {
	if _, ok := errors.AsType[*sobek.InterruptedError](err); ok {
		return true
	}
	_, ok := errors.AsType[*sobek.StackOverflowError](err)
	return ok
}

// throw throws an error in the JavaScript that called.
func (e *engine) throw(err error) {
	if exception, ok := err.(*sobek.Exception); ok || interruption(err) { //nolint:errorlint // a wrapped one must become text
		if ok {
			panic(exception)
		}
		panic(err)
	}
	panic(e.errorObject(err))
}

// errorObject makes a JavaScript Error of err.
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

// fileError describes an error of the file system as Node does.
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

// locate makes an *Error, with its position, of the error that ended the evaluation.
func (e *engine) locate(err error) *Error {
	at := e.toError(err)
	at.base = filepath.Dir(e.options.Path)
	if at.File == "" {
		at.File = e.options.Path
	}
	return at
}

func (e *engine) toError(err error) *Error {
	if at, ok := err.(*Error); ok { //nolint:errorlint // a position of the outermost, if it has one
		return at
	}
	if stopped, ok := errors.AsType[*sobek.InterruptedError](err); ok {
		at := e.userFrame(stopped.Stack())
		at.Text = fmt.Sprint(stopped.Value())
		return at
	}
	if full, ok := errors.AsType[*sobek.StackOverflowError](err); ok {
		at := e.userFrame(full.Stack())
		at.Text = "RangeError: Maximum call stack size exceeded"
		return at
	}
	if exception, ok := errors.AsType[*sobek.Exception](err); ok {
		return e.uncaught(exception.Value(), e.userFrame(exception.Stack()))
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
		at.Text = "it threw " + truncate(value.String())
		return at
	}
	if origin, ok := e.origins[o]; ok {
		return origin
	}
	_ = e.runtime.Try(func() {
		at.Text = truncate(o.String())
		if stack := o.Get("stack"); at.Line == 0 && stack != nil {
			e.readStack(at, stack.String())
		}
	})
	if at.Text == "" {
		at.Text = "it threw an object"
	}
	return e.advise(at)
}

// advise adds what to do about CommonJS in an ES module.
func (e *engine) advise(at *Error) *Error {
	missing := regexp.MustCompile(`^ReferenceError: (module|exports|require|__dirname|__filename) is not defined`)
	if _, wrapped := e.modules[at.File]; !wrapped && missing.MatchString(at.Text) {
		at.Text += "; this file is an ES module: rename it to .cjs, or use import and export"
	}
	return at
}

func truncate(text string) string {
	const longest = 2000
	if len(text) > longest {
		return strings.ToValidUTF8(text[:longest], "") + "…"
	}
	return text
}

// readStack reads the position from the text of a stack: an Error that was made and
// never thrown has no other.
func (e *engine) readStack(at *Error, stack string) {
	for _, found := range regexp.MustCompile(`at (?:.* \()?(/[^\n]*):(\d+):(\d+)\(\d+\)`).FindAllStringSubmatch(stack, 1) {
		line, _ := strconv.Atoi(found[2])
		column, _ := strconv.Atoi(found[3])
		*at = e.position(file.Position{Filename: found[1], Line: line, Column: column}, at.Text)
	}
}

// userFrame returns the innermost position in a file of the user.
func (e *engine) userFrame(stack []sobek.StackFrame) *Error {
	for _, frame := range stack {
		if filepath.IsAbs(frame.SrcName()) {
			at := e.position(frame.Position(), "")
			return &at
		}
	}
	return &Error{}
}

// position takes the wrapper of CommonJS off the column in the first line.
func (e *engine) position(at file.Position, text string) Error {
	if _, wrapped := e.modules[at.Filename]; wrapped && at.Line == 1 {
		at.Column = max(at.Column-len(wrapper), 1)
	}
	return Error{File: at.Filename, Line: at.Line, Column: at.Column, Text: text}
}

// syntaxError returns an error of the parser or the compiler with its position.
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
		at.Text += "; the embedded engine does not support for await"
	}
	at.File = name
	if at.Line > lines {
		at.Line, at.Column = lines, 1
	}
	return &at
}
