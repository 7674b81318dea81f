package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"gorun/supervisor/control/client"
	"gorun/supervisor/control/monit"
	"gorun/supervisor/control/screen"
)

// queryCommands change nothing.
func queryCommands(action clientAction) []*cli.Command {
	query := func(name, usage, takes string, do func(*session) error) *cli.Command {
		return &cli.Command{Name: name, Usage: usage, Category: "look", ArgsUsage: takes, Action: action(do)}
	}
	list := query("list", "print a table of the workers", "", (*session).list)
	list.Aliases = []string{"ls", "l", "ps", "status"}
	list.Flags = []cli.Flag{
		boolFlag("json", "print JSON"),
		boolFlag("watch", "print it again every second", "w"),
	}
	show := query("show", "print every detail of apps or workers", "NAME...", (*session).show)
	show.Aliases = []string{"describe", "desc", "info"}
	monitor := query("monit", "watch and control the workers in the terminal", "", (*session).monit)
	monitor.Aliases = []string{"dash"}
	plan := query("plan", "print what apply would do", "[FILE]", (*session).plan)
	plan.Flags = []cli.Flag{onlyFlag()}
	return []*cli.Command{
		list,
		query("jlist", "print the workers as the JSON of pm2 jlist", "", (*session).jlist),
		show,
		monitor,
		query("pid", "print the process ids of workers, or gorun's own", "[NAME...]", (*session).pid),
		query("env", "print the environment of a worker", "ID", (*session).env),
		query("ping", "print the version, pid and address of the running gorun; exit 0 or 1", "", (*session).ping),
		plan,
	}
}

// sampleInterval is the time between the two samples of a list: its CPU rates
// are over that time.
const sampleInterval = 200 * time.Millisecond

// overviews takes two samples of the workers.
func (s *session) overviews() (before, now client.Overview, err error) {
	if before, err = s.client.Apps(s.ctx); err != nil {
		return before, now, err
	}
	select {
	case <-time.After(sampleInterval):
	case <-s.ctx.Done():
	}
	now, err = s.client.Apps(s.ctx)
	return before, now, err
}

func (s *session) list() error {
	if s.args.Bool("json") {
		now, err := s.client.Apps(s.ctx)
		if err != nil {
			return err
		}
		return screen.ListJSON(s.Out, now)
	}
	before, now, err := s.overviews()
	for err == nil {
		if s.args.Bool("watch") {
			fmt.Fprint(s.Out, "\x1b[H\x1b[2J")
		}
		if err := screen.List(s.Out, s.style(), before, now); err != nil || !s.args.Bool("watch") {
			return err
		}
		before = now
		select {
		case <-time.After(time.Second):
		case <-s.resized:
		case <-s.ctx.Done():
			return nil
		}
		now, err = s.client.Apps(s.ctx)
	}
	return err
}

func (s *session) jlist() error {
	before, now, err := s.overviews()
	if err != nil {
		return err
	}
	return screen.JList(s.Out, before, now)
}

func (s *session) show() error {
	names, err := s.names()
	if err != nil {
		return err
	}
	before, now, err := s.overviews()
	if err != nil {
		return err
	}
	if names, err = s.files.targets(s.ctx, names); err != nil {
		return err
	}
	if now.Apps, err = client.Select(names, now.Apps); err != nil {
		return err
	}
	return screen.Show(s.Out, s.style(), before, now)
}

func (s *session) pid() error {
	overview, err := s.client.Apps(s.ctx)
	if err != nil {
		return err
	}
	if s.args.NArg() == 0 {
		fmt.Fprintln(s.Out, overview.Pid)
		return nil
	}
	names, err := s.files.targets(s.ctx, s.args.Args().Slice())
	if err != nil {
		return err
	}
	apps, err := client.Select(names, overview.Apps)
	if err != nil {
		return err
	}
	for _, app := range apps {
		for _, worker := range app.Workers {
			if worker.Pid != 0 {
				fmt.Fprintln(s.Out, worker.Pid)
			}
		}
	}
	return nil
}

func (s *session) env() error {
	if s.args.NArg() != 1 {
		return fmt.Errorf("name one worker, by its id or as api/0; %w", errUsage)
	}
	pairs, err := s.client.Env(s.ctx, s.args.Args().First())
	if err != nil {
		return err
	}
	_, err = io.WriteString(s.Out, strings.Join(pairs, "\n")+"\n")
	return err
}

func (s *session) ping() error {
	pong, err := s.client.Ping(s.ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.Out, "gorun %s, pid %d, at %s\n", pong.Version, pong.Pid, s.client.Address())
	return nil
}

func (s *session) plan() error {
	revision, err := revisionOf(s.args, client.Revision{})
	if err != nil {
		return err
	}
	changes, err := s.client.Plan(s.ctx, revision)
	if err != nil {
		return err
	}
	return screen.Plan(s.Out, s.style(), changes)
}

func (s *session) monit() error {
	if s.style().Width == 0 {
		return errors.New("monit needs a terminal: docker exec -it, kubectl exec -it; without one there are list and logs")
	}
	return monit.Run(s.ctx, monit.Options{
		Source: s.client, Operator: s.client, In: s.In, Out: s.Out, Color: s.colored(), Environ: s.Environ,
	})
}
