package cli

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// floorPlan is which package may import which, a row a package. What a row does not
// name is refused; depguard (.golangci.yml) holds the same for third-party packages.
// Names are those below gorun; "" is main.
var floorPlan = map[string]string{
	"":                               "supervisor/cli",
	"supervisor/cli":                 "supervisor supervisor/control supervisor/control/client supervisor/control/screen supervisor/control/monit supervisor/ecosystem supervisor/web supervisor/process supervisor/spec supervisor/status supervisor/logs supervisor/usage signals signals/reaper health metrics",
	"supervisor":                     "supervisor/app supervisor/app/jobs supervisor/app/slots supervisor/worker supervisor/worker/record supervisor/invocation supervisor/invocation/endpoint supervisor/invocation/event supervisor/spec supervisor/status supervisor/process supervisor/sockets supervisor/sockets/intercept supervisor/node supervisor/notify supervisor/logs supervisor/usage supervisor/hooks supervisor/trigger supervisor/restart signals/reaper health",
	"supervisor/app":                 "supervisor/app/jobs supervisor/app/slots supervisor/worker supervisor/worker/record supervisor/invocation supervisor/invocation/endpoint supervisor/invocation/event supervisor/spec supervisor/status supervisor/process supervisor/sockets supervisor/sockets/intercept supervisor/node supervisor/notify supervisor/logs supervisor/usage supervisor/hooks supervisor/trigger supervisor/restart signals/reaper health",
	"supervisor/app/jobs":            "supervisor/app/slots supervisor/worker supervisor/spec supervisor/status",
	"supervisor/app/slots":           "supervisor/worker supervisor/invocation supervisor/invocation/endpoint supervisor/spec supervisor/status",
	"supervisor/worker":              "supervisor/worker/record supervisor/invocation supervisor/invocation/endpoint supervisor/invocation/event supervisor/spec supervisor/status supervisor/process supervisor/sockets supervisor/sockets/intercept supervisor/node supervisor/notify supervisor/logs supervisor/usage supervisor/hooks supervisor/restart signals/reaper health",
	"supervisor/worker/record":       "supervisor/invocation supervisor/invocation/endpoint supervisor/invocation/event supervisor/spec supervisor/status supervisor/process supervisor/sockets supervisor/sockets/intercept supervisor/node supervisor/notify supervisor/logs supervisor/usage supervisor/hooks supervisor/restart signals/reaper health",
	"supervisor/invocation":          "supervisor/invocation/endpoint supervisor/invocation/event supervisor/spec supervisor/status supervisor/process supervisor/sockets supervisor/sockets/intercept supervisor/node supervisor/notify supervisor/logs supervisor/usage signals/reaper health",
	"supervisor/invocation/endpoint": "supervisor/invocation/event supervisor/spec supervisor/status supervisor/process supervisor/sockets supervisor/sockets/intercept supervisor/node supervisor/notify supervisor/usage signals/reaper health",
	"supervisor/invocation/event":    "health",
	"supervisor/control":             "supervisor/control/client supervisor/spec supervisor/status supervisor/logs signals",
	"supervisor/control/client":      "supervisor/spec supervisor/status",
	"supervisor/control/screen":      "supervisor/control/client supervisor/status",
	"supervisor/control/monit":       "supervisor/control/client supervisor/control/screen supervisor/status",
	"supervisor/ecosystem":           "supervisor/ecosystem/script supervisor/spec supervisor/status supervisor/hooks supervisor/restart supervisor/logs supervisor/sockets supervisor/trigger signals health",
	"supervisor/ecosystem/script":    "",
	"supervisor/web":                 "supervisor/spec supervisor/status health metrics",
	"supervisor/spec":                "supervisor/status supervisor/hooks supervisor/restart supervisor/logs supervisor/sockets health",
	"supervisor/status":              "",
	"supervisor/restart":             "",
	"supervisor/trigger":             "supervisor/spec",
	"supervisor/process":             "supervisor/usage signals/reaper",
	"supervisor/sockets":             "",
	"supervisor/sockets/intercept":   "supervisor/sockets",
	"supervisor/node":                "supervisor/status supervisor/sockets",
	"supervisor/notify":              "",
	"supervisor/logs":                "",
	"supervisor/usage":               "supervisor/status",
	"supervisor/hooks":               "",
	"signals":                        "",
	"signals/reaper":                 "",
	"health":                         "",
	"metrics":                        "metrics/merge supervisor/spec supervisor/status",
	"metrics/merge":                  "supervisor/spec",
}

func TestImportsFollowTheFloorPlan(t *testing.T) {
	t.Parallel()
	for _, line := range goList(t, "-f", `{{.ImportPath}} {{join .Imports " "}}`, "gorun/...") {
		paths := strings.Fields(line)
		name := strings.TrimPrefix(strings.TrimPrefix(paths[0], "gorun"), "/")
		if strings.HasPrefix(name, "bench") || strings.HasPrefix(name, "deploy") {
			continue // programs beside gorun
		}
		row, found := floorPlan[name]
		if !found {
			t.Errorf("package %s has no row in the floor plan", paths[0])
		}
		for _, path := range paths[1:] {
			imported, ours := strings.CutPrefix(path, "gorun/")
			if ours && !slices.Contains(strings.Fields(row), imported) {
				t.Errorf("%s imports %s, which the floor plan does not allow", paths[0], path)
			}
		}
	}
}

// What only shows how things stand depends on the published values: on no loader
// with its JavaScript engine and YAML, on no engine with its file watcher.
func TestWhatOnlyShowsLinksNoEngine(t *testing.T) {
	t.Parallel()
	unwanted := []string{
		"gorun/supervisor", "gorun/supervisor/ecosystem", "gorun/supervisor/ecosystem/script", "github.com/grafana/sobek",
		"github.com/goccy/go-yaml", "github.com/tailscale/hujson", "github.com/fsnotify/fsnotify", "github.com/robfig/cron/v3",
	}
	for _, name := range []string{
		"gorun/supervisor/control/client", "gorun/supervisor/control/screen", "gorun/supervisor/control/monit",
		"gorun/supervisor/control", "gorun/supervisor/web", "gorun/metrics", "gorun/health",
	} {
		dependencies := goList(t, "-deps", name)
		t.Logf("%s has %d dependencies", name, len(dependencies))
		for _, one := range dependencies {
			if slices.Contains(unwanted, one) {
				t.Errorf("%s depends on %s", name, one)
			}
		}
	}
}

// goList returns the lines of go list.
func goList(t *testing.T, args ...string) []string {
	t.Helper()
	if testing.Short() {
		t.Skip("needs every module's source")
	}
	tool, err := exec.LookPath("go")
	if err != nil {
		t.Skipf("needs the Go tool: %v", err)
	}
	command := exec.CommandContext(t.Context(), tool, append([]string{"list"}, args...)...)
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil && os.Getenv("CI") != "true" {
		t.Skipf("needs the source of every module: go list %v: %v", args, err)
	}
	if err != nil {
		t.Fatalf("go list %v: %v", args, err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}
