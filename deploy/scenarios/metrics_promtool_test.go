//go:build scenarios

package scenarios_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestPrometheusRulesDoWhatTheyShould(t *testing.T) {
	promtool := prometheusTool(t, "promtool")
	for _, args := range [][]string{
		{"check", "rules", "rules.yml"},
		{"check", "config", "prometheus.yml"},
		{"test", "rules", "rules_test.yml"},
	} {
		c := exec.Command(promtool, args...)
		c.Dir = filepath.Dir(rulesFile)
		if out, err := c.CombinedOutput(); err != nil || !strings.Contains(string(out), "SUCCESS") {
			t.Errorf("promtool %q: %v\n%s", args, err, out)
		}
	}
}
