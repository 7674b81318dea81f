package ecosystem

import (
	"strings"
	"testing"
)

func TestWhatIsForNodeAloneWarnsElsewhere(t *testing.T) {
	dir := scriptDir(t)
	tests := []struct{ name, file, want string }{
		{"Node", "script: server.js\nnode_metrics: true\nshutdown_with_message: true", ""},
		{"Python, without", "script: app.py\npmx: false", ""},
		{"node_metrics of Python", "script: app.py\nnode_metrics: true", "stdin:2:1: node_metrics has no effect: it needs a script that node runs directly, and \"app.py\" is not one"},
		{"pmx of Python", "script: app.py\npmx: true", "stdin:2:1: pmx has no effect"},
		{"a message to Python", "script: app.py\nshutdown_with_message: true", "stdin:2:1: shutdown_with_message has no effect"},
		{"metrics over IPC in a cluster", "script: server.js\nexec_mode: cluster\nmetrics: {ipc: true}", ""},
		{"metrics over IPC in fork mode", "script: server.js\nmetrics: {ipc: true}", "stdin:2:1: metrics.ipc: prom-client answers only in Node's cluster mode; set exec_mode: cluster"},
	}
	for _, tt := range tests {
		var got strings.Builder
		for _, warning := range mustLoad(t, source(dir, tt.file+"\n")).Warnings {
			got.WriteString(warning.String())
		}
		if !strings.HasPrefix(got.String(), tt.want) || (got.String() == "") != (tt.want == "") {
			t.Errorf("%s: %q, want %q", tt.name, got.String(), tt.want)
		}
	}
}

func TestMetricsOverIPCAreForNodeAndTakeNoPath(t *testing.T) {
	dir := scriptDir(t)
	for file, want := range map[string]string{
		"script: app.py\nmetrics: {ipc: true}":                "ipc needs a script that node runs directly",
		"script: server.js\nmetrics: {ipc: true, path: /m}":   "ipc takes neither path nor port",
		"script: server.js\nmetrics: {ipc: true, port: 3000}": "ipc takes neither path nor port",
		"script: server.js\nmetrics: {ipc: false}":            "set path to",
	} {
		if got := failure(t, source(dir, file+"\n")); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", file, got, want)
		}
	}
}
