package script

import (
	"cmp"
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

// locator finds out where an error comes from.
type locator struct {
	js      *realm
	main    string                   // the file that is evaluated
	wrapped map[string]*sobek.Object // CommonJS modules, by path: their first line is longer
}

// locate makes an *Error, with its position, of the error that ended the evaluation.
func (l *locator) locate(err error) *Error {
	at := l.toError(err)
	at.base = filepath.Dir(l.main)
	at.File = cmp.Or(at.File, l.main)
	return at
}

func (l *locator) toError(err error) *Error {
	if at, ok := err.(*Error); ok { //nolint:errorlint // a position of the outermost, if it has one
		return at
	}
	if stopped, ok := errors.AsType[*sobek.InterruptedError](err); ok {
		at := l.userFrame(stopped.Stack())
		at.Text = fmt.Sprint(stopped.Value())
		return at
	}
	if full, ok := errors.AsType[*sobek.StackOverflowError](err); ok {
		at := l.userFrame(full.Stack())
		at.Text = "RangeError: Maximum call stack size exceeded"
		return at
	}
	if exception, ok := errors.AsType[*sobek.Exception](err); ok {
		return l.uncaught(exception.Value(), l.userFrame(exception.Stack()))
	}
	if rejected, ok := errors.AsType[rejectedError](err); ok {
		return l.uncaught(rejected.value, &Error{})
	}
	return &Error{Text: err.Error()}
}

// uncaught describes a value that was thrown.
func (l *locator) uncaught(value sobek.Value, at *Error) *Error {
	o, ok := value.(*sobek.Object)
	if !ok {
		at.Text = "it threw " + truncate(value.String())
		return at
	}
	if origin, ok := l.js.origins[o]; ok {
		return origin
	}
	_ = l.js.runtime.Try(func() {
		at.Text = truncate(o.String())
		if stack := o.Get("stack"); at.Line == 0 && stack != nil {
			l.readStack(at, stack.String())
		}
	})
	at.Text = cmp.Or(at.Text, "it threw an object")
	return l.advise(at)
}

// advise adds what to do about CommonJS in an ES module.
func (l *locator) advise(at *Error) *Error {
	missing := regexp.MustCompile(`^ReferenceError: (module|exports|require|__dirname|__filename) is not defined`)
	if _, wrapped := l.wrapped[at.File]; !wrapped && missing.MatchString(at.Text) {
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
func (l *locator) readStack(at *Error, stack string) {
	for _, found := range regexp.MustCompile(`at (?:.* \()?(/[^\n]*):(\d+):(\d+)\(\d+\)`).FindAllStringSubmatch(stack, 1) {
		line, _ := strconv.Atoi(found[2])
		column, _ := strconv.Atoi(found[3])
		*at = l.position(file.Position{Filename: found[1], Line: line, Column: column}, at.Text)
	}
}

// userFrame returns the innermost position in a file of the user.
func (l *locator) userFrame(stack []sobek.StackFrame) *Error {
	for _, frame := range stack {
		if filepath.IsAbs(frame.SrcName()) {
			at := l.position(frame.Position(), "")
			return &at
		}
	}
	return &Error{}
}

// position takes the wrapper of CommonJS off the column in the first line.
func (l *locator) position(at file.Position, text string) Error {
	if _, wrapped := l.wrapped[at.Filename]; wrapped && at.Line == 1 {
		at.Column = max(at.Column-len(wrapper), 1)
	}
	return Error{File: at.Filename, Line: at.Line, Column: at.Column, Text: text}
}

// syntaxError returns an error of the parser or the compiler with its position.
func (l *locator) syntaxError(name string, lines int, err error) error {
	at := Error{File: name, Text: "SyntaxError: " + err.Error()}
	if list, ok := errors.AsType[parser.ErrorList](err); ok && len(list) > 0 {
		at = l.position(list[0].Position, "SyntaxError: "+list[0].Message)
	} else if failed, ok := errors.AsType[*sobek.CompilerSyntaxError](err); ok {
		at.Text = "SyntaxError: " + failed.Message
		if failed.File != nil {
			at = l.position(failed.File.Position(failed.Offset), at.Text)
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
