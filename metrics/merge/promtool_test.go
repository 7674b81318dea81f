//go:build scenarios

package merge

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"gorun/supervisor/spec"
)

func TestPromtoolReadsWhatIsMerged(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("promtool is required: install Debian's package prometheus")
		}
		t.Skip("no promtool: install Debian's package prometheus")
	}
	const lint = 3 // promtool's exit code when it understood, but finds a metric's name bad
	for _, one := range seeds(t) {
		r := once(t, app("a", spec.Metrics{}, says(0, "", one), says(1, "", read(t, "python.txt"))), app("b\n\"\xff", spec.Metrics{Aggregate: true}, says(0, "", one)))
		command := exec.Command(promtool, "check", "metrics")
		command.Stdin = strings.NewReader(textOf(t, r.Families))
		var exit *exec.ExitError
		if output, err := command.CombinedOutput(); err != nil && (!errors.As(err, &exit) || exit.ExitCode() != lint) {
			t.Errorf("promtool check metrics: %v\n%s", err, output)
		}
	}
}
