package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// ecosystemFile writes a file with one app that runs a line of shell once.
func ecosystemFile(t *testing.T, script string, keys ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "eco.yaml")
	text := fmt.Sprintf("apps:\n  - name: api\n    script: /bin/sh\n    args: [-c, %q]\n    autorestart: false\n", script)
	for _, key := range keys {
		text += "    " + key + "\n"
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRunEndsWithTheCodeOfItsApp(t *testing.T) {
	file := ecosystemFile(t, "echo from api $A; exit 7", "env: {A: b}", "no_such_key: 1")
	for _, args := range [][]string{{file, "--no-web"}, {"run", "--no-web", file}, {"--no-web", "start", file}} {
		command := gorunProcess(t, args...)
		command.Env = append(command.Env, "GORUN_SOCKET="+filepath.Join(t.TempDir(), "s"))
		var stdout, stderr bytes.Buffer
		command.Stdout, command.Stderr = &stdout, &stderr
		if code := exitCode(command.Run()); code != 7 || stdout.String() != "from api b\n" {
			t.Errorf("gorun %q: code %d, want 7; it printed %q", args, code, &stdout)
		}
		for _, part := range []string{"starting version=1.2.3", "file=" + file, "no_such_key"} {
			if !strings.Contains(stderr.String(), part) {
				t.Errorf("gorun %q does not say %q:\n%s", args, part, &stderr)
			}
		}
	}
}

func TestBadUsageStartsNothing(t *testing.T) {
	started := filepath.Join(t.TempDir(), "started")
	good := ecosystemFile(t, ": >"+started)
	bad := ecosystemFile(t, ": >"+started, "instances: many", "max_restarts: -1")
	for _, test := range []struct {
		args []string
		want []string // on stderr
	}{
		{[]string{good, good}, []string{"name one ecosystem file"}},
		{[]string{"run"}, nil},
		{[]string{"/no/such/file.yaml"}, []string{"/no/such/file.yaml"}},
		{[]string{bad}, []string{"instances", "max_restarts"}},
		{[]string{good, "--no-such-option"}, []string{"no-such-option", "--help"}},
		{[]string{good, "--instances", "many"}, []string{"many"}},
		{[]string{good, "--log-level", "loud"}, []string{"--log-level", "loud"}},
		{[]string{good, "--delay", "soon"}, []string{"--delay", "soon"}},
	} {
		r := gorun(t, test.args...)
		if r.code != codeUsage {
			t.Errorf("gorun %q: code %d, want %d", test.args, r.code, codeUsage)
		}
		for _, part := range test.want {
			if !strings.Contains(r.err, part) {
				t.Errorf("gorun %q does not say %q: %q", test.args, part, r.err)
			}
		}
	}
	if _, err := os.Stat(started); err == nil {
		t.Error("something was started")
	}
}

// What was asked for must work, or nothing is started.
func TestAnAddressThatCannotBeHadStartsNothing(t *testing.T) {
	started := filepath.Join(t.TempDir(), "started")
	file := ecosystemFile(t, ": >"+started)
	for _, test := range []struct{ option, socket, want string }{
		{"--web=localhost:notaport", "s", "--web"},
		{"--no-web", "/no/such/folder/s", "GORUN_SOCKET"},
	} {
		command := gorunProcess(t, file, test.option)
		command.Dir = t.TempDir()
		command.Env = append(command.Env, "GORUN_SOCKET="+test.socket)
		var stderr bytes.Buffer
		command.Stderr = &stderr
		if code := exitCode(command.Run()); code != codeUsage || !strings.Contains(stderr.String(), test.want) {
			t.Errorf("%s, socket %s: code %d, want %d; it says %s", test.option, test.socket, code, codeUsage, &stderr)
		}
	}
	if _, err := os.Stat(started); err == nil {
		t.Error("something was started")
	}
}
