package ecosystem

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"gorun/supervisor/spec"
)

// Problem is one mistake or warning, with its position.
type Problem struct {
	File         string // as the caller named it; "" for an option
	Line, Column int    // from 1; 0 when it is about the file as a whole
	Option       string // "--kill-timeout", or a variable such as PM2_KILL_TIMEOUT; "" when it is about the file
	Path         string // apps[0].env, where the line in a JavaScript file is unknown
	Key, Nearest string // an unknown key that is left out, and the known one that it resembles; "" for others
	Text         string // the mistake and the remedy
}

// String returns the problem as file:line:column: text.
func (p Problem) String() string { return p.Position() + ": " + p.Text }

// Position returns where it is, as file:line:column.
func (p Problem) Position() string {
	switch {
	case p.Option != "" && p.Option[0] != '-':
		return "environment variable " + p.Option
	case p.Option != "":
		return "option " + p.Option
	case p.Line == 0 && p.Path != "":
		return p.File + ": " + p.Path
	case p.Line == 0:
		return p.File
	default:
		return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
	}
}

// Problems are all mistakes of a load, in the order of the file: the error that
// Load returns.
type Problems []Problem //nolint:errname // "problems" is the word for many of them

// Error returns one problem a line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}

// mostProblems are listed of a file: the others are most often of one kind.
const mostProblems = 20

// sorted returns the problems by position, each once: an anchor used by three
// apps is wrong in one place. After mostProblems it has the number of the others.
func (p Problems) sorted() Problems {
	// Not slices.SortStableFunc, which is compiled anew for every struct.
	sort.SliceStable(p, func(i, j int) bool {
		a, b := &p[i], &p[j]
		return cmp.Or(cmp.Compare(a.Option, b.Option), cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Text, b.Text)) < 0
	})
	p = slices.Compact(p)
	if more := len(p) - mostProblems; more > 0 {
		p = append(p[:mostProblems], Problem{File: p[0].File, Text: fmt.Sprintf("and %d more", more)})
	}
	return p
}

// position is a position in the file, or an option. The zero position stands for
// the file as a whole.
type position struct {
	line, column int
	option       string
	path         string // of a value that JavaScript exports
}

// onLine is " on line 3", for a message at another position.
func (p position) onLine() string {
	if p.line == 0 {
		return ""
	}
	return fmt.Sprintf(" on line %d", p.line)
}

// report collects the problems of one load.
type report struct {
	file     string
	mistakes Problems
	warnings Problems
	ignored  []string
}

func (r *report) mistake(at position, format string, args ...any) {
	r.mistakes = append(r.mistakes, r.problem(at, fmt.Sprintf(format, args...)))
}

func (r *report) warn(at position, format string, args ...any) {
	r.warnings = append(r.warnings, r.problem(at, fmt.Sprintf(format, args...)))
}

// fail reports an error that ended the reading.
func (r *report) fail(err error) {
	if errors.Is(err, errReported) {
		return
	}
	if f, ok := errors.AsType[fault](err); ok {
		r.mistake(f.at, "%s", f.what)
		return
	}
	r.mistake(position{}, "%v", err)
}

// unknownKey warns of a key that is left out.
func (r *report) unknownKey(at position, key string, known []string) {
	p := r.problem(at, "unknown key "+quote(key)+didYouMean(key, known))
	p.Key, p.Nearest = key, spec.Nearest(key, known)
	r.warnings = append(r.warnings, p)
}

func (r *report) problem(at position, text string) Problem {
	p := Problem{File: r.file, Line: at.line, Column: at.column, Option: at.option, Path: at.path, Text: text}
	if p.Option != "" {
		p.File = ""
	}
	if p.Line > 0 {
		p.Path = "" // several apps may share the line
	}
	return p
}

// ignore records a key without effect, for the one line that lists them all.
func (r *report) ignore(name string) {
	if !slices.Contains(r.ignored, name) {
		r.ignored = append(r.ignored, name)
	}
}

// location returns the position for people, as in file:line:column.
func (r *report) location(at position) string {
	return Problem{File: r.file, Line: at.line, Column: at.column, Path: at.path}.Position()
}
