package cli

import (
	"log/slog"
	"strings"
	"testing"

	"gorun/supervisor/ecosystem"
)

func TestAWarningSaysWhatAndWhere(t *testing.T) {
	var out strings.Builder
	warnAbout(slog.New(slog.NewTextHandler(&out, nil)), ecosystem.File{Warnings: []ecosystem.Problem{
		{File: "a.yaml", Line: 2, Column: 3, Key: "instnaces", Nearest: "instances", Text: "unknown"},
		{File: "a.yaml", Line: 3, Column: 3, Key: "colour", Text: "unknown"},
		{File: "a.yaml", Line: 4, Column: 3, Text: "watch has no effect"},
	}})
	for _, want := range []string{
		`msg="unknown key ignored" key=instnaces at=a.yaml:2:3 did_you_mean=instances`,
		`msg="unknown key ignored" key=colour at=a.yaml:3:3`,
		`at=a.yaml:4:3 problem="watch has no effect"`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s\nhas no %s", out.String(), want)
		}
	}
}
