// Package script evaluates ecosystem files in JavaScript by an embedded
// engine: CommonJS and ES modules, with the parts of Node that such files use.
// Nothing is written and no process is started.
//
// Evaluate runs the engine on a goroutine of its own and interrupts it when it takes
// too long or too much memory. The engine belongs to that goroutine; only plain data,
// JSON, comes out of it. The engine is the only home of its third-party package.
package script

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Options is the environment of an evaluation.
type Options struct {
	Path        string        // absolute
	Dir         string        // process.cwd()
	Environ     []string      // process.env
	CPUs        int           // os.cpus().length
	Args        []string      // process.argv
	Stderr      io.Writer     // console; nil drops it
	Limit       time.Duration // the longest that it may run; 5 s by default
	NodeVersion string        // process.version, with or without v; v22.0.0 by default
}

// Error is why and where an evaluation failed. Line is 0 if it is unknown.
type Error struct {
	File   string // absolute
	Line   int
	Column int // in characters, from 1
	Text   string
	base   string // the configuration's folder, which Error leaves out
}

func (e *Error) Error() string {
	name := e.File
	if short, err := filepath.Rel(e.base, e.File); err == nil && filepath.IsLocal(short) {
		name = short
	}
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", name, e.Text)
	}
	return fmt.Sprintf("%s:%d:%d: %s", name, e.Line, e.Column, e.Text)
}

const (
	defaultLimit   = 5 * time.Second
	interruptLimit = time.Second           // for an interrupted engine to return
	memoryInterval = 20 * time.Millisecond // between two samples of the heap
	maxMemory      = 512 << 20             // growth of the heap during an evaluation
	defaultVersion = "v22.0.0"
)

// Result is the result of an evaluation.
type Result struct {
	Exports string   // JSON, with the keys in the order of the file
	Environ []string // process.env as the file left it: dotenv adds to it
}

// Evaluate returns the file's export as plain data. An error is an *Error. An engine
// that is outside JavaScript when its time is over goes on in the background.
func Evaluate(ctx context.Context, o Options) (Result, error) {
	o = o.withDefaults()
	e, err := newEngine(o)
	if err != nil {
		return Result{}, &Error{File: o.Path, Text: err.Error(), base: filepath.Dir(o.Path)}
	}
	done := make(chan outcome, 1)
	go func() { done <- e.tryEvaluate() }()
	result := e.watch(ctx, done)
	if result.err != nil {
		return Result{}, e.modules.locator.locate(result.err)
	}
	return Result{Exports: result.exports, Environ: e.environ.list()}, nil
}

func (o Options) withDefaults() Options {
	if target, err := filepath.EvalSymlinks(o.Path); err == nil {
		o.Path = target
	}
	o.Dir = cmp.Or(o.Dir, filepath.Dir(o.Path))
	if o.Limit <= 0 {
		o.Limit = defaultLimit
	}
	if o.Stderr == nil {
		o.Stderr = io.Discard
	}
	switch {
	case o.NodeVersion == "":
		o.NodeVersion = defaultVersion
	case o.NodeVersion[0] != 'v':
		o.NodeVersion = "v" + o.NodeVersion
	}
	o.CPUs = max(o.CPUs, 1)
	return o
}

// outcome is the result of tryEvaluate.
type outcome struct {
	exports string
	err     error
}

// tryEvaluate evaluates the file. A panic of the engine is an error of the file.
func (e *engine) tryEvaluate() (result outcome) {
	defer func() {
		if problem := recover(); problem != nil {
			result = outcome{err: asError(problem)}
		}
	}()
	exports, err := e.evaluate()
	return outcome{exports: exports, err: err}
}

func asError(problem any) error {
	if err, ok := problem.(error); ok && interruption(err) {
		return err
	}
	return fmt.Errorf("the embedded engine failed: %v", problem)
}

// watch waits for the end of run, and enforces the limits of time and memory.
func (e *engine) watch(ctx context.Context, done <-chan outcome) outcome {
	limit := time.NewTimer(e.options.Limit)
	defer limit.Stop()
	tick := time.NewTicker(memoryInterval)
	defer tick.Stop()
	start := heap()
	for {
		select {
		case result := <-done:
			return result
		case <-ctx.Done():
			return e.stop(done, context.Cause(ctx))
		case <-limit.C:
			return e.stop(done, fmt.Errorf("it ran for more than %s and was stopped; is there an endless loop?", e.options.Limit))
		case <-tick.C:
			if used := heap(); used > start+maxMemory {
				return e.stop(done, fmt.Errorf("it took more than %d MiB of memory and was stopped", maxMemory>>20))
			}
		}
	}
}

func (e *engine) stop(done <-chan outcome, reason error) outcome {
	e.js.runtime.Interrupt(reason)
	select {
	case result := <-done:
		debug.FreeOSMemory()
		if result.err == nil || !interruption(result.err) {
			result.err = reason
		}
		return result
	case <-time.After(interruptLimit):
		return outcome{err: reason}
	}
}

func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}

var errNothing = errors.New("it exports nothing; write module.exports = { apps: [...] }")
