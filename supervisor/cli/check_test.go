package cli

import (
	"strings"
	"testing"
)

func TestCheckPrintsAllMistakes(t *testing.T) {
	bad := ecosystemFile(t, "true", "instances: many", "max_restarts: -1")
	r := gorun(t, "check", bad)
	if r.code != codeUsage || r.out != "" || !strings.Contains(r.err, bad+":6:") || !strings.Contains(r.err, bad+":7:") {
		t.Errorf("code %d, %q, %q", r.code, r.out, r.err)
	}
}

func TestCheckOfAGoodFile(t *testing.T) {
	r := gorun(t, "check", ecosystemFile(t, "true", "vizion: false"))
	if r.code != 0 || !strings.HasPrefix(r.out, "ok: ") || !strings.Contains(r.err, "vizion") {
		t.Errorf("code %d, %q, %q", r.code, r.out, r.err)
	}
}

func TestStrictMakesAWarningAMistake(t *testing.T) {
	file := ecosystemFile(t, "true", "no_such_key: 1")
	for option, want := range map[string]int{"--strict=false": 0, "--strict": codeUsage} {
		if r := gorun(t, "check", file, option); r.code != want || !strings.Contains(r.err, "no_such_key") {
			t.Errorf("check %s: code %d, want %d: %q", option, r.code, want, r.err)
		}
	}
}

func TestVersion(t *testing.T) {
	for _, line := range []string{"version", "--version"} {
		if r := gorun(t, line); r.code != 0 || !strings.Contains(r.out, "1.2.3") {
			t.Errorf("%s: code %d, %q", line, r.code, r.out)
		}
	}
}

func TestHelpNamesEveryCommand(t *testing.T) {
	help := gorun(t, "--help")
	c := &commandLine{}
	for _, command := range c.app().Commands {
		if !strings.Contains(help.out, "  "+command.Name) {
			t.Errorf("%s is missing", command.Name)
		}
	}
	if help.code != 0 {
		t.Errorf("code %d", help.code)
	}
}
