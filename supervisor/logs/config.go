// Package logs carries the workers' output to gorun's own output and to files: whole
// lines, raw, tagged, as key=value or as JSON. Each stream of a run has a goroutine that
// reads and writes; gorun's own lines have one; opening, closing and compressing files
// happens in the background. A disk or a reader that hangs holds up the streams that
// write to it, and nothing else: no lock that others need is held over a system call
// that may wait.
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
