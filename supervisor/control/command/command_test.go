package command

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"gorun/supervisor/ecosystem"
)

func TestTheSamplesLoad(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"server.js": "", "node": "#!/bin/sh\n", ".env": "A=b\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// With all that is commented out, too: but for what needs another app.
	full := strings.ReplaceAll(sample, "\n    # ", "\n    ")
	full = strings.Replace(full, "    depends_on: {migrate: completed}\n", "", 1)
	for name, text := range map[string]string{"sample": sample, "simple": sampleSimple, "full": full} {
		file, err := ecosystem.Load(ecosystem.Source{
			Path: "-", Stdin: strings.NewReader(text), Dir: dir, Environ: []string{"PATH=" + dir}, CPUs: 2, Strict: true,
		})
		if err != nil || len(file.Apps) != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, sampleScriptFile), []byte(sampleScript), 0o644); err != nil {
		t.Fatal(err)
	}
	file, err := ecosystem.Load(ecosystem.Source{Path: sampleScriptFile, Dir: dir, Environ: []string{"PATH=" + dir}, CPUs: 2, Strict: true})
	if err != nil || len(file.Apps) != 1 {
		t.Errorf("js: %v", err)
	}
}

func TestInitNeverOverwrites(t *testing.T) {
	t.Chdir(t.TempDir())
	log, err := os.Create("log")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	code := -1
	w := World{Out: log, Err: log, CPUs: func() int { return 2 }}
	w.Act = func(do func(*cli.Context) (int, error)) cli.ActionFunc {
		return func(c *cli.Context) (err error) {
			code, err = do(c)
			return err
		}
	}
	app := &cli.App{Commands: []*cli.Command{w.initCommand()}, ExitErrHandler: func(*cli.Context, error) {}}
	for i, want := range []int{0, codeFailure} {
		if err := app.Run([]string{"gorun", "init"}); err != nil || code != want {
			t.Errorf("run %d: %v, code %d, want %d", i, err, code, want)
		}
	}
	if text, err := os.ReadFile(sampleFile); err != nil || string(text) != sample {
		t.Errorf("%v, %q", err, text)
	}
	if err := os.Rename(sampleFile, "old.yaml"); err != nil {
		t.Fatal(err)
	}
	if err := app.Run([]string{"gorun", "init", "--from", "old.yaml"}); err != nil || code != 0 {
		t.Errorf("init --from: %v, code %d", err, code)
	}
	if text, err := os.ReadFile(sampleFile); err != nil || !strings.Contains(string(text), "script: server.js\n") {
		t.Errorf("%v, %q", err, text)
	}
	for _, wrong := range []string{"complicated", "--js simple", "--js --from x"} {
		if err := app.Run(append([]string{"gorun", "init"}, strings.Fields(wrong)...)); err == nil {
			t.Errorf("init %s was taken", wrong)
		}
	}
}

func TestArrange(t *testing.T) {
	app := &cli.App{
		Flags:    []cli.Flag{&cli.StringFlag{Name: "name", Aliases: []string{"n"}}, &cli.BoolFlag{Name: "raw"}, WebFlag()},
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
		arranged, rest := Arrange(strings.Fields(line), app)
		got := strings.Join(arranged, " ")
		if len(rest) > 0 {
			got += " | " + strings.Join(rest, " ")
		}
		if got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
	if !slices.Equal(List("a, b,"), []string{"a", "b"}) || List("") != nil {
		t.Error("List")
	}
}
