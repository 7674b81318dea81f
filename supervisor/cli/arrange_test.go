package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

func TestArrange(t *testing.T) {
	app := &cli.App{
		Flags:    []cli.Flag{&cli.StringFlag{Name: "name", Aliases: []string{"n"}}, &cli.BoolFlag{Name: "raw"}, webFlag()},
		Commands: []*cli.Command{{Name: "start", Flags: []cli.Flag{&cli.StringFlag{Name: "name"}}}, {Name: "run"}, {Name: "scale"}, {Name: "reload", Flags: []cli.Flag{&cli.IntFlag{Name: "parallel"}}}},
	}
	for line, want := range map[string]string{
		"gorun app.js -n api --raw":       "gorun -n api --raw app.js",
		"gorun app.js -- -n 3":            "gorun app.js | -n 3",
		"gorun --web eco.yaml":            "gorun --web=:9615 eco.yaml",
		"gorun eco.yaml --web":            "gorun --web=:9615 eco.yaml",
		"gorun --web 9000 eco.yaml --raw": "gorun --web 9000 --raw eco.yaml",
		"gorun --web [::1]:90 --raw x":    "gorun --web [::1]:90 --raw x",
		"gorun --name api start app.js":   "gorun start --name api app.js",
		"gorun --raw --web run x":         "gorun run --raw --web=:9615 x",
		"gorun --name start app.js":       "gorun --name start app.js",
		"gorun app.js start":              "gorun app.js start",
		"gorun scale api -2":              "gorun scale -- api -2",
		"gorun scale api +2":              "gorun scale api +2",
		"gorun reload api --parallel 8":   "gorun reload --parallel 8 api",
		"gorun reload --parallel=8 all x": "gorun reload --parallel=8 all x",
	} {
		arranged, rest := arrange(strings.Fields(line), app)
		got := strings.Join(arranged, " ")
		if len(rest) > 0 {
			got += " | " + strings.Join(rest, " ")
		}
		if got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
	if !slices.Equal(list("a, b,"), []string{"a", "b"}) || list("") != nil {
		t.Error("list")
	}
}
