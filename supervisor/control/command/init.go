package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"gorun/supervisor/ecosystem"
)

// sample is the file that `gorun init` writes.
const sample = `# gorun check ecosystem.yaml tells every mistake; docs/ecosystem.md has every key.
apps:
  - name: api
    script: server.js          # a file, or a command on $PATH
    instances: max             # as many workers as this container may use CPUs
    exec_mode: cluster         # all on one port, whatever the program
    env:
      PORT: 3000
    # env_file: .env
    # env_production:          # with --env production
    #   LOG_LEVEL: warn
    # health: /healthz         # asked of each worker; a sick one is replaced
    # metrics: /metrics        # of each worker, served with gorun's own
    # max_memory_restart: 300M # of the worker's whole process tree
    # kill_timeout: 8s         # less than the container's own grace
    # depends_on: {migrate: completed}
`

// sampleSimple is what `gorun init simple` writes.
const sampleSimple = `apps:
  - name: api
    script: server.js
`

// sampleScript is what `gorun init --js` writes.
const sampleScript = `// gorun check ecosystem.config.js tells every mistake; docs/ecosystem.md has every key.
module.exports = {
  apps: [
    {
      name: 'api',
      script: 'server.js', // a file, or a command on $PATH
      instances: 'max', // as many workers as this container may use CPUs
      exec_mode: 'cluster', // all on one port, whatever the program
      env: { PORT: 3000 },
      env_production: { NODE_ENV: 'production' }, // with --env production
    },
  ],
};
`

const (
	sampleFile       = "ecosystem.yaml"
	sampleScriptFile = "ecosystem.config.js"
)

func (w World) initCommand() *cli.Command {
	return &cli.Command{
		Name: "init", Aliases: []string{"ecosystem"}, Usage: "write a commented " + sampleFile + " to begin with", ArgsUsage: "[simple]",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "js", Usage: "write " + sampleScriptFile + " instead"},
			&cli.StringFlag{Name: "from", Usage: "write " + sampleFile + " with what `FILE` says, such as " + sampleScriptFile},
		},
		Action: w.Act(w.writeSample),
	}
}

// writeSample never overwrites.
func (w World) writeSample(c *cli.Context) (int, error) {
	name, text := sampleFile, sample
	switch from := c.String("from"); {
	case c.NArg() > 1 || c.NArg() == 1 && c.Args().First() != "simple":
		return codeUsage, fmt.Errorf("init: there is only simple, not %q", strings.Join(c.Args().Slice(), " "))
	case from != "" && (c.Bool("js") || c.NArg() > 0), c.Bool("js") && c.NArg() > 0:
		return codeUsage, errors.New("init: choose one of simple, --js and --from")
	case from != "":
		converted, err := w.convert(from)
		if err != nil {
			fmt.Fprintln(w.Err, err)
			return codeUsage, nil
		}
		text = converted
	case c.Bool("js"):
		name, text = sampleScriptFile, sampleScript
	case c.NArg() > 0:
		text = sampleSimple
	}
	return w.writeNew(name, text)
}

func (w World) convert(path string) (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the working directory: %w", err)
	}
	//nolint:wrapcheck // its errors are for people, with positions
	return ecosystem.Convert(ecosystem.Source{Path: path, Stdin: w.In, Dir: dir, Environ: w.Environ, CPUs: w.CPUs(), Console: w.Err})
}

func (w World) writeNew(name, text string) (int, error) {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		fmt.Fprintf(w.Err, "gorun: %s is there already; nothing was written\n", name)
		return codeFailure, nil
	}
	if err != nil {
		return codeFailure, fmt.Errorf("init: %w", err)
	}
	if _, err = file.WriteString(text); err == nil {
		err = file.Close()
	}
	if err != nil {
		return codeFailure, fmt.Errorf("init: write %s: %w", name, err)
	}
	fmt.Fprintln(w.Out, "wrote", name)
	return 0, nil
}
