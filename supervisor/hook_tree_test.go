//go:build scenarios

package supervisor

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gorun/supervisor/hooks"
)

func TestACommandIsEndedWithItsWholeTree(t *testing.T) {
	app := once("api", "exit", "3")
	app.Dir = t.TempDir()
	hook := hookOf("family", "pids")
	hook.Timeout = 5 * time.Second
	app.OnExit = []hooks.Hook{hook}
	r := run(t, app, actual("other", "sleep"))
	var pids []int
	eventually(t, "the command has started another", func() bool {
		text, _ := os.ReadFile(filepath.Join(app.Dir, "pids"))
		pids = nil
		_, err := fmt.Sscan(string(text), new(int), new(int))
		for word := range strings.FieldsSeq(string(text)) {
			var pid int
			_, _ = fmt.Sscan(word, &pid)
			pids = append(pids, pid)
		}
		return err == nil
	})
	eventually(t, "its end is told", func() bool { return strings.Contains(r.err.String(), "not done within its timeout of 5s") })
	for _, pid := range pids {
		eventually(t, "it is reaped", func() bool { return !exists(pid) })
	}
}
