package ecosystem

import (
	"os"
	"slices"

	"gorun/supervisor/logs"
	"gorun/supervisor/spec"
)

// outputKeys configure log files. Their order counts: log_date_format takes
// precedence over time.
func outputKeys(a *spec.App) []Key {
	conf := &a.Logs
	return []Key{
		{Name: "out_file", Aliases: []string{"out", "output", "out_log"}, Type: outputVar(&conf.OutFile), Doc: "File for standard output, relative to cwd; none by default."},
		{Name: "error_file", Aliases: []string{"error", "err", "err_file", "err_log"}, Type: outputVar(&conf.ErrorFile), Doc: "File for standard error."},
		{Name: "log_file", Aliases: []string{"log"}, Type: outputVar(&conf.File), Doc: "File for both."},
		{Name: "pid_file", Aliases: []string{"pid"}, Type: outputVar(&a.PidFile), Doc: "File that holds the worker's process id; none by default."},
		{Name: "merge_logs", Aliases: []string{"combine_logs"}, Type: boolVar(&conf.Merge), Default: "false", Doc: "One log file for all workers; -0, -1, … before the extension otherwise."},
		{Name: "log_date_format", Type: textVar(&conf.DateFormat), Doc: "Date put before each line, in day.js tokens; on standard output not in the raw format, which is the default."},
		{Name: "time", Type: timeVar(&conf.DateFormat), Default: "false", Doc: "The same as log_date_format: YYYY-MM-DDTHH:mm:ss."},
		{Name: "log_type", Type: logTypeVar(&conf.JSONFiles), Doc: "json writes the log files as one object a line; raw, the default, as text."},
		{Name: "disable_logs", Type: boolVar(&conf.Disabled), Default: "false", Doc: "Writes no log files at all."},
		{Name: "log_rotate", Type: rotationVar(&conf.Rotation), Default: "{}", Doc: "Rotation of log files; false = none."},
	}
}

// outputVar is a file to write: its absolute path, or "" for none. The
// container's own streams get everything anyway.
func outputVar(field *string) Type {
	return Type{forms: []any{ref("text")}, set: func(in scope, s setting) {
		path := s.text(in.report)
		if slices.Contains([]string{"", "NULL", "/dev/null", "/dev/stdout", "/dev/stderr"}, path) {
			return
		}
		*field = absolute(in.programs.dir, path)
		if info, err := os.Stat(*field); err == nil && info.IsDir() {
			s.wrong(in.report, "%s is a directory; name a file", *field)
		}
	}}
}

// timeVar puts the time before each line where log_date_format does not.
func timeVar(format *string) Type {
	return Type{forms: []any{ref("boolean")}, set: func(in scope, s setting) {
		if s.bool(in.report) && *format == "" {
			*format = "YYYY-MM-DDTHH:mm:ss"
		}
	}}
}

// rotationVar configures the rotation of log files.
func rotationVar(field *logs.Rotation) Type {
	return Type{object: func() object {
		rotation := new(logs.Rotation)
		return object{
			off: true, example: "{max_size: 10M, retain: 10, compress: false}",
			on:   boolVar(nil),
			open: true, // pm2-logrotate has more
			keys: []Key{
				{Name: "max_size", Type: sizeVar(&rotation.MaxSize), Default: "10M", Doc: "Size beyond which a file is rotated; 0 = never."},
				{Name: "retain", Type: countVar(&rotation.Retain), Default: "10", Doc: "Rotated files to keep."},
				{Name: "compress", Type: boolVar(&rotation.Compress), Default: "false", Doc: "Whether rotated files are compressed by gzip."},
			},
			done: func(scope, setting) { *field = *rotation },
		}
	}}
}

// logTypeVar has the names of pm2's formats.
func logTypeVar(field *bool) Type {
	words := []string{"json", "raw", "text"}
	return Type{forms: []any{shape{"enum": words}}, set: func(in scope, s setting) {
		*field = s.oneOf(in.report, words...) == 0
	}}
}
