package worker

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"gorun/supervisor/spec"
)

// pidFile is where the process id of one worker is written: with several
// instances -0, -1, … comes before the extension, as in the names of log files.
func pidFile(app *spec.App, instance int) string {
	if app.PidFile == "" || app.Instances <= 1 {
		return app.PidFile
	}
	extension := filepath.Ext(app.PidFile)
	return strings.TrimSuffix(app.PidFile, extension) + "-" + strconv.Itoa(instance) + extension
}

// writePid keeps pid_file true while there is a process. A worker does not
// fail for want of it.
func (w *Worker) writePid(pid int) {
	path := pidFile(w.spec, w.status.Instance)
	if path == "" {
		return
	}
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, []byte(strconv.Itoa(pid)+"\n"), 0o644)
	}
	if err != nil {
		w.deps.Log.Warn("cannot write pid_file", "worker", w.name, "error", err)
	}
}

// removePid removes the file unless it is somebody else's by now, or no file
// at all: /dev/null stays.
func (w *Worker) removePid(by *spec.App, pid int) {
	path := pidFile(by, w.status.Instance)
	if path == "" {
		return
	}
	text, err := os.ReadFile(path)
	if err != nil || strings.TrimSpace(string(text)) != strconv.Itoa(pid) {
		return
	}
	if err := os.Remove(path); err != nil {
		w.deps.Log.Warn("cannot remove pid_file", "worker", w.name, "error", err)
	}
}
