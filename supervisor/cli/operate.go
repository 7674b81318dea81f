package cli

import (
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/urfave/cli/v2"

	"gorun/supervisor/control/client"
	"gorun/supervisor/control/screen"
	"gorun/supervisor/ecosystem"
)

// operateCommands change what runs.
func operateCommands(action clientAction) []*cli.Command {
	parallel := &cli.IntFlag{Name: "parallel", Usage: "replace `N` workers of an app at a time; by default a quarter of them"}
	updateEnv := boolFlag("update-env", "accepted for pm2's sake: the environment of a FILE is always computed afresh")
	order := func(name, usage string, aliases ...string) *cli.Command {
		return &cli.Command{Name: name, Aliases: aliases, Usage: usage, Category: "operate", ArgsUsage: "NAME|ID|NAMESPACE|/REGEX/|all|FILE...", Flags: []cli.Flag{onlyFlag()}, Action: action((*session).order)}
	}
	reload := order("reload", "replace workers without losing a connection; with FILE, read it anew first")
	reload.Flags = append(reload.Flags, parallel, updateEnv)
	restart := order("restart", "stop and start apps or workers; with FILE, read it anew first")
	restart.Flags = append(restart.Flags, updateEnv)
	return []*cli.Command{
		order("stop", "stop apps or workers"),
		restart,
		reload,
		order("delete", "stop apps or workers and remove them", "del", "rm"),
		order("reset", "set the restart counters to zero"),
		{Name: "scale", Usage: "change how many workers an app has: 4, +3, -2, max", Category: "operate", ArgsUsage: "NAME NUMBER", Flags: []cli.Flag{boolFlag("force", "start more workers than four for each CPU, or than the memory limit allows", "f")}, Action: action((*session).scale)},
		{
			Name: "apply", Usage: "make the running apps match a file; what has not changed runs on", Category: "operate", ArgsUsage: "[FILE]",
			Flags: []cli.Flag{parallel, onlyFlag()}, Action: action((*session).apply),
		},
	}
}

// start starts apps, workers or the apps of a file in the running gorun.
func (s *session) start() error {
	options := slices.DeleteFunc(s.args.LocalFlagNames(), func(name string) bool { return name == "only" || hasNoEffect(name) })
	if len(s.appArgs) > 0 {
		options = append(options, "")
	}
	if len(options) > 0 {
		longest := slices.MaxFunc(options, func(a, b string) int { return len(a) - len(b) }) // not -i, but --instances
		return fmt.Errorf("a gorun is running already, and --%s only applies when one is started; write it into an ecosystem file; %w", longest, errUsage)
	}
	return s.carryOut("start")
}

// hasNoEffect reports whether an option is accepted for pm2's sake only.
func hasNoEffect(flag string) bool {
	return slices.ContainsFunc(ecosystem.Options(), func(o ecosystem.Option) bool {
		return o.NoEffect && (o.Flag == flag || slices.Contains(o.Aliases, flag))
	})
}

func (s *session) order() error { return s.carryOut(s.args.Command.Name) }

// revisions are the orders that, given one file, read it anew.
var revisions = map[string]client.Revision{
	"start":   {Partial: true, Start: true},
	"restart": {Partial: true, Start: true, All: true, Restart: true},
	"reload":  {All: true},
}

func (s *session) carryOut(verb string) error {
	words, err := s.names()
	if err != nil {
		return err
	}
	if revision, found := revisions[verb]; found && len(words) == 1 {
		if _, isFile := s.files.find(s.ctx, words[0]); isFile {
			return s.applyFile(revision)
		}
	}
	targets, err := s.files.targets(s.ctx, words)
	if err != nil {
		return err
	}
	return s.print(s.client.Order(s.ctx, client.Order{Verb: verb, Targets: targets, Parallel: s.args.Int("parallel")}))
}

// applyFile applies the file that is named. To reload a script would be to put its app
// in the place of all others.
func (s *session) applyFile(revision client.Revision) error {
	revision, err := revisionOf(s.args, revision)
	if err != nil {
		return err
	}
	if !revision.Partial && ecosystem.IsScript(revision.File) {
		return fmt.Errorf("no app runs %s; to start it, there is gorun start", s.args.Args().First())
	}
	return s.print(s.client.Apply(s.ctx, revision))
}

func (s *session) scale() error {
	if s.args.NArg() != 2 {
		return fmt.Errorf("name an app and a number: gorun scale api 4, +3, -2 or max; %w", errUsage)
	}
	return s.print(s.client.Scale(s.ctx, client.Scale{App: s.args.Args().Get(0), Workers: s.args.Args().Get(1), Force: s.args.Bool("force")}))
}

func (s *session) apply() error {
	revision, err := revisionOf(s.args, client.Revision{})
	if err != nil {
		return err
	}
	return s.print(s.client.Apply(s.ctx, revision))
}

// print prints the progress of an order until its end.
func (s *session) print(progress iter.Seq2[client.Progress, error]) error {
	style := s.style()
	for line, err := range progress {
		if err != nil {
			var refused *client.ReplyError
			if s.ctx.Err() != nil && !errors.As(err, &refused) {
				fmt.Fprintln(s.Err, "gorun: interrupted; gorun carries the order out without this command")
				return errPrinted
			}
			return err
		}
		if err := screen.Progress(s.Out, style, line); err != nil {
			return err
		}
	}
	return nil
}
