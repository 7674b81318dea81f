package command

import (
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/urfave/cli/v2"

	"gorun/supervisor/control"
	"gorun/supervisor/control/screen"
	"gorun/supervisor/ecosystem"
)

// ordering are the commands that change what runs.
func (w World) ordering() []*cli.Command {
	parallel := &cli.IntFlag{Name: "parallel", Usage: "replace so many workers of an app at a time; a quarter of them by default"}
	fresh := &cli.BoolFlag{Name: "update-env", Usage: "accepted for pm2's sake: the environment of a FILE is always computed afresh"}
	only := &cli.StringFlag{Name: "only", Usage: "these apps or namespaces of the file: `A,B`"}
	order := func(name, usage string, aliases ...string) *cli.Command {
		return &cli.Command{Name: name, Aliases: aliases, Usage: usage, Category: "operate", ArgsUsage: "NAME|ID|NAMESPACE|/REGEX/|all|FILE...", Flags: []cli.Flag{only}, Action: w.run((*call).order)}
	}
	reload := order("reload", "replace workers without losing a connection; of a FILE: read it anew, too")
	reload.Flags = []cli.Flag{parallel, only, fresh}
	restart := order("restart", "stop and start apps or workers; of a FILE: read it anew, too")
	restart.Flags = []cli.Flag{only, fresh}
	return []*cli.Command{
		order("stop", "stop apps or workers"),
		restart,
		reload,
		order("delete", "stop apps or workers and forget them", "del", "rm"),
		order("reset", "set the counters of restarts to zero"),
		{Name: "scale", Usage: "change how many workers an app has: 4, +3, -2, max", Category: "operate", ArgsUsage: "NAME NUMBER", Action: w.run((*call).scale)},
		{
			Name: "apply", Usage: "make everything as a file says, touching only what has changed", Category: "operate", ArgsUsage: "[FILE]",
			Flags: []cli.Flag{parallel, only}, Action: w.run((*call).apply),
		},
	}
}

// Start starts apps, workers or the apps of a file in the running gorun; rest is
// what followed "--".
func (w World) Start(rest []string) cli.ActionFunc {
	return w.run(func(c *call) error { return c.start(rest) })
}

func (c *call) start(rest []string) error {
	given := slices.DeleteFunc(c.LocalFlagNames(), func(name string) bool { return name == "only" || hasNoEffect(name) })
	if len(rest) > 0 {
		given = append(given, "")
	}
	if len(given) > 0 {
		longest := slices.MaxFunc(given, func(a, b string) int { return len(a) - len(b) }) // not -i, but --instances
		return fmt.Errorf("a gorun runs already, and --%s would be for its own start; write it into an ecosystem file; %w", longest, errUsage)
	}
	return c.carryOut("start")
}

// hasNoEffect tells an option that is accepted for pm2's sake.
func hasNoEffect(flag string) bool {
	return slices.ContainsFunc(ecosystem.Options(), func(o ecosystem.Option) bool {
		return o.NoEffect && (o.Flag == flag || slices.Contains(o.Aliases, flag))
	})
}

func (c *call) order() error { return c.carryOut(c.Command.Name) }

// editions are the orders that, of one file, read it anew.
var editions = map[string]control.Edition{
	"start":   {Partial: true, Start: true},
	"restart": {Partial: true, Start: true, All: true, Restart: true},
	"reload":  {All: true},
}

func (c *call) carryOut(verb string) error {
	words, err := c.names()
	if err != nil {
		return err
	}
	if edition, found := editions[verb]; found && len(words) == 1 && c.isFile(words[0]) {
		if edition, err = c.edition(edition); err != nil {
			return err
		}
		return c.follow(c.client.Apply(c.ctx, edition))
	}
	targets, err := c.targets(words)
	if err != nil {
		return err
	}
	return c.follow(c.client.Order(c.ctx, control.Order{Verb: verb, Targets: targets, Parallel: c.Int("parallel")}))
}

func (c *call) scale() error {
	if c.NArg() != 2 {
		return fmt.Errorf("name an app and a number: gorun scale api 4, +3, -2 or max; %w", errUsage)
	}
	return c.follow(c.client.Scale(c.ctx, control.Scale{App: c.Args().Get(0), Workers: c.Args().Get(1)}))
}

func (c *call) apply() error {
	edition, err := c.edition(control.Edition{})
	if err != nil {
		return err
	}
	return c.follow(c.client.Apply(c.ctx, edition))
}

// follow prints the news of an order until its end.
func (c *call) follow(news iter.Seq2[control.News, error]) error {
	style := c.style()
	for n, err := range news {
		if err != nil {
			var refused *control.ReplyError
			if c.ctx.Err() != nil && !errors.As(err, &refused) {
				fmt.Fprintln(c.Err, "gorun: what was asked for goes on without this command")
				return errTold
			}
			return err
		}
		if err := screen.Progress(c.Out, style, n); err != nil {
			return err
		}
	}
	return nil
}
