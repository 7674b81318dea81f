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
}

func TestInitNeverOverwrites(t *testing.T) {
	t.Chdir(t.TempDir())
	log, err := os.Create("log")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	code := -1
	w := World{Out: log, Err: log}
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
	if err := app.Run([]string{"gorun", "init", "complicated"}); err == nil {
		t.Error("an argument that there is not was taken")
	}
}

func TestArrange(t *testing.T) {
	app := &cli.App{
		Flags:    []cli.Flag{&cli.StringFlag{Name: "name", Aliases: []string{"n"}}, &cli.BoolFlag{Name: "raw"}},
		Commands: []*cli.Command{{Name: "scale"}, {Name: "reload", Flags: []cli.Flag{&cli.IntFlag{Name: "parallel"}}}},
	}
	for line, want := range map[string]string{
		"gorun app.js -n api --raw":       "gorun -n api --raw app.js",
		"gorun app.js -- -n 3":            "gorun app.js | -n 3",
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
	if !slices.Equal(List("a,b"), []string{"a", "b"}) || List("") != nil {
		t.Error("List")
	}
}
