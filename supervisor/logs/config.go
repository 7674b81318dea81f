// Package logs carries the workers' output to gorun's own output and to files:
// whole lines, raw, tagged, as key=value or as JSON.
//
// Each Capture has two goroutines, one for each pipe of a run: they read the pipe
// and write what they have read, one at a time for each destination, so that a slow
// reader holds up the workers that write to it and no others. One more goroutine
// writes gorun's own lines. Files are opened, closed, rotated and compressed in the
// background. Output.Close ends all of them.
//
// Nothing here may open a file while it holds a lock, and what the signal loop may
// reach (Handler) never waits: it queues, and drops and counts what is too much.
package logs

// Format is how a worker's line reaches gorun's stdout or stderr.
type Format int

// The formats, by the option that chooses them.
const (
	Raw      Format = iota // --raw: byte for byte
	Tagged                 // --formatted: 0|api  | line
	KeyValue               // --format: timestamp=… app=… id=… type=out message="…"
	JSON                   // --json: one object a line
)

// Stream is the standard stream that a worker wrote a line to.
type Stream int

// The streams.
const (
	Stdout Stream = iota
	Stderr
)

// Config is the log settings of one app.
type Config struct {
	OutFile    string // "" = none; absolute
	ErrorFile  string
	File       string // both streams
	Merge      bool   // one file for all instances; else -0, -1, … before the extension
	DateFormat string // day.js tokens; "" = none: put before each line, in files and in Tagged
	JSONFiles  bool   // log_type: json
	Disabled   bool   // disable_logs: no files
	Rotation   Rotation
}

// Rotation says when a log file is rotated, and what becomes of the rotated files.
type Rotation struct {
	MaxSize  int64 // bytes; 0 = never
	Retain   int   // rotated files to keep
	Compress bool  // gzip rotated files
}
