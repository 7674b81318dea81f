package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/urfave/cli/v2"
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

const sampleFile = "ecosystem.yaml"

func (w World) initCommand() *cli.Command {
	return &cli.Command{
		Name: "init", Aliases: []string{"ecosystem"}, Usage: "write a commented " + sampleFile + " to begin with", ArgsUsage: "[simple]",
		Action: w.Act(w.writeSample),
	}
}

// writeSample never overwrites.
func (w World) writeSample(c *cli.Context) (int, error) {
	text := sample
	switch {
	case c.NArg() == 1 && c.Args().First() == "simple":
		text = sampleSimple
	case c.NArg() > 0:
		return codeUsage, fmt.Errorf("init: there is only simple, not %q", c.Args().First())
	}
	file, err := os.OpenFile(sampleFile, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		fmt.Fprintf(w.Err, "gorun: %s is there already; nothing was written\n", sampleFile)
		return codeFailure, nil
	}
	if err != nil {
		return codeFailure, fmt.Errorf("init: %w", err)
	}
	if _, err = file.WriteString(text); err == nil {
		err = file.Close()
	}
	if err != nil {
		return codeFailure, fmt.Errorf("init: write %s: %w", sampleFile, err)
	}
	fmt.Fprintln(w.Out, "wrote", sampleFile)
	return 0, nil
}
