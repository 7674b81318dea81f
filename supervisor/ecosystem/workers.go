package ecosystem

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"gorun/signals"
	"gorun/supervisor/spec"
)

// maxInstances is far above what one container can hold.
const maxInstances = 10_000

// workers reads how many there are and how they share their work.
func (d *draft) workers() {
	s := d.setting("instances")
	count := d.instances(s)
	d.app.Instances = count
	mode := d.setting("exec_mode")
	asked := !s.byDefault && count > 0
	switch {
	case mode.given():
		if d.report.oneOf(mode, "fork", "fork_mode", "cluster", "cluster_mode") >= 2 {
			d.app.Mode = spec.Cluster
		}
	case asked && isNode(d.app.Interpreter):
		d.app.Mode = spec.Cluster
	}
	if ready := d.setting("ready_min"); d.app.ReadyMin > count && count > 0 {
		d.report.wrong(ready, "%d is more than the %d instances there are", d.app.ReadyMin, count)
	}
}

// instances returns 0 where the value is a mistake.
func (d *draft) instances(s setting) int {
	if s.value.kind == text && strings.EqualFold(strings.TrimSpace(s.value.text), "max") {
		return d.source.CPUs
	}
	before := len(d.report.mistakes)
	n := parsed(d.report, s, errInstances, func(words string) (int64, error) {
		n, err := parseInteger(words)
		if err != nil || n < -maxInstances || n > maxInstances {
			return 0, errInstances
		}
		return n, nil
	})
	if n > 0 || len(d.report.mistakes) > before {
		return int(n)
	}
	return max(1, d.source.CPUs+int(n))
}

var errInstances = fmt.Errorf("is no number of instances; write 1 to %d, max, or -1 for one fewer than the CPUs", maxInstances)

func setPort(d *draft, s setting) {
	d.app.Port = int(d.report.between(s, 1, 65535))
}

// stopSignal is SIGINT for Node, whose servers know it, and SIGTERM for others.
func (d *draft) stopSignal() {
	d.app.StopSignal = unix.SIGTERM
	if isNode(d.app.Interpreter) {
		d.app.StopSignal = unix.SIGINT
	}
	s := d.setting("stop_signal")
	if !s.given() {
		return
	}
	name := d.report.text(s)
	sig, err := signals.Parse(name)
	if err != nil && (s.value.kind == text || s.value.kind == number) {
		d.report.wrong(s, "%v", err)
		return
	}
	d.app.StopSignal = sig
}

// The rotation of log files where none is given.
const (
	rotateSize   = 10 << 20
	rotateRetain = 10
)

// logging reads the log files, and the pid file beside them.
func (d *draft) logging() {
	conf := &d.app.Logs
	conf.OutFile = d.outputFile("out_file")
	conf.ErrorFile = d.outputFile("error_file")
	conf.File = d.outputFile("log_file")
	d.app.PidFile = d.outputFile("pid_file")
	conf.DateFormat = d.written("log_date_format")
	if conf.DateFormat == "" && d.on("time") {
		conf.DateFormat = "YYYY-MM-DDTHH:mm:ss"
	}
	if conf.OutFile != "" || conf.ErrorFile != "" || conf.File != "" {
		conf.Rotation.MaxSize, conf.Rotation.Retain = rotateSize, rotateRetain
	}
	if s := d.setting("log_rotate"); s.given() {
		d.rotation(s)
	}
}

// outputFile returns the absolute path of a file to write, or "" for none.
// The container's own streams get everything anyway.
func (d *draft) outputFile(key string) string {
	path := d.written(key)
	if path == "" || path == "NULL" || slices.Contains([]string{"/dev/null", "/dev/stdout", "/dev/stderr"}, path) {
		return ""
	}
	path = absolute(d.app.Dir, path)
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		d.report.wrong(d.setting(key), "%s is a directory; name a file", path)
	}
	return path
}

func (d *draft) rotation(s setting) {
	rotation := &d.app.Logs.Rotation
	if s.value.kind == boolean {
		if s.value.text == "false" {
			rotation.MaxSize = 0
		}
		return
	}
	for _, e := range d.report.entriesOf(s, "log_rotate: {max_size: 10M, retain: 10, compress: false}") {
		switch inner := s.inner(e); e.key {
		case "max_size", "maxSize":
			rotation.MaxSize = d.report.size(inner)
		case "retain":
			rotation.Retain = d.report.count(inner)
		case "compress":
			rotation.Compress = d.report.bool(inner)
		default:
			d.report.warn(e.at, "unknown key %s in log_rotate%s", quote(e.key),
				didYouMean(e.key, []string{"max_size", "retain", "compress"}))
		}
	}
}

func setLogType(d *draft, s setting) {
	d.app.Logs.JSONFiles = d.report.oneOf(s, "json", "raw", "text") == 0 && strings.EqualFold(s.value.text, "json")
}
