package cli

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
const sample = `# gorun check ecosystem.yaml prints every mistake; docs/ecosystem.md has every key.
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
const sampleScript = `// gorun check ecosystem.config.js prints every mistake; docs/ecosystem.md has every key.
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

func (c *commandLine) initCommand() *cli.Command {
	return &cli.Command{
		Name: "init", Aliases: []string{"ecosystem"}, Usage: "write a commented " + sampleFile, ArgsUsage: "[simple]",
		Flags: []cli.Flag{
			boolFlag("js", "write "+sampleScriptFile+" instead"),
			&cli.StringFlag{Name: "from", Usage: "convert `FILE`, such as " + sampleScriptFile + ", to " + sampleFile},
		},
		Action: c.act(c.writeSample),
	}
}

// writeSample never overwrites.
func (c *commandLine) writeSample(args *cli.Context) (int, error) {
	name, text := sampleFile, sample
	switch from := args.String("from"); {
	case args.NArg() > 1 || args.NArg() == 1 && args.Args().First() != "simple":
		return codeUsage, fmt.Errorf("init: unknown template %q; the only one is simple", strings.Join(args.Args().Slice(), " "))
	case from != "" && (args.Bool("js") || args.NArg() > 0), args.Bool("js") && args.NArg() > 0:
		return codeUsage, errors.New("init: choose one of simple, --js and --from")
	case from != "":
		in, err := c.input(args)
		if err == nil {
			source := in.source()
			source.Path, source.Args = from, nil
			text, err = ecosystem.Convert(source)
		}
		if err != nil {
			fmt.Fprintln(c.Err, err)
			return codeUsage, nil
		}
	case args.Bool("js"):
		name, text = sampleScriptFile, sampleScript
	case args.NArg() > 0:
		text = sampleSimple
	}
	return writeNew(c.Streams, name, text)
}

func writeNew(to Streams, name, text string) (int, error) {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		fmt.Fprintf(to.Err, "gorun: %s is there already; nothing was written\n", name)
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
	fmt.Fprintln(to.Out, "wrote", name)
	return 0, nil
}
