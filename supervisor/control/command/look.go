package command

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"gorun/supervisor/control"
	"gorun/supervisor/control/monit"
	"gorun/supervisor/control/screen"
)

// looking are the commands that change nothing.
func (w World) looking() []*cli.Command {
	return []*cli.Command{
		{
			Name: "list", Aliases: []string{"ls", "l", "ps", "status"}, Usage: "list the workers", Category: "look",
			Flags: []cli.Flag{
				&cli.BoolFlag{Name: "json", Usage: "as JSON"},
				&cli.BoolFlag{Name: "watch", Aliases: []string{"w"}, Usage: "again every second"},
			}, Action: w.run((*call).list),
		},
		{Name: "jlist", Usage: "list the workers as pm2's JSON", Category: "look", Action: w.run((*call).jlist)},
		{Name: "show", Aliases: []string{"describe", "desc", "info"}, Usage: "tell everything about apps or workers", Category: "look", ArgsUsage: "NAME...", Action: w.run((*call).show)},
		{Name: "monit", Aliases: []string{"dash"}, Usage: "watch and steer workers in the terminal", Category: "look", Action: w.run((*call).monit)},
		{Name: "pid", Usage: "print process ids: of workers, or gorun's own", Category: "look", ArgsUsage: "[NAME...]", Action: w.run((*call).pid)},
		{Name: "env", Usage: "print the environment of a worker", Category: "look", ArgsUsage: "ID", Action: w.run((*call).env)},
		{Name: "ping", Usage: "ask whether gorun is there", Category: "look", Action: w.run((*call).ping)},
		{
			Name: "plan", Usage: "tell what `apply` would do", Category: "look", ArgsUsage: "[FILE]",
			Flags: []cli.Flag{&cli.StringFlag{Name: "only", Usage: "these apps or namespaces: `A,B`"}}, Action: w.run((*call).plan),
		},
	}
}

// measuring is how long a list watches the workers to tell their use of CPUs.
const measuring = 200 * time.Millisecond

// overviews are two looks at the workers, some time apart.
func (c *call) overviews() (before, now control.Overview, err error) {
	if before, err = c.client.Apps(c.ctx); err != nil {
		return before, now, err
	}
	select {
	case <-time.After(measuring):
	case <-c.ctx.Done():
	}
	now, err = c.client.Apps(c.ctx)
	return before, now, err
}

func (c *call) list() error {
	if c.Bool("json") {
		now, err := c.client.Apps(c.ctx)
		if err != nil {
			return err
		}
		return screen.ListJSON(c.Out, now)
	}
	before, now, err := c.overviews()
	for err == nil {
		if c.Bool("watch") {
			fmt.Fprint(c.Out, "\x1b[H\x1b[2J")
		}
		if err := screen.List(c.Out, c.style(), before, now); err != nil || !c.Bool("watch") {
			return err
		}
		before = now
		select {
		case <-time.After(time.Second):
		case <-c.resized:
		case <-c.ctx.Done():
			return nil
		}
		now, err = c.client.Apps(c.ctx)
	}
	return err
}

func (c *call) jlist() error {
	before, now, err := c.overviews()
	if err != nil {
		return err
	}
	return screen.JList(c.Out, before, now)
}

func (c *call) show() error {
	names, err := c.names()
	if err != nil {
		return err
	}
	before, now, err := c.overviews()
	if err != nil {
		return err
	}
	if names, err = c.targets(names); err != nil {
		return err
	}
	if now.Apps, err = control.Choose(names, now.Apps); err != nil {
		return err
	}
	return screen.Show(c.Out, c.style(), before, now)
}

func (c *call) pid() error {
	overview, err := c.client.Apps(c.ctx)
	if err != nil {
		return err
	}
	if c.NArg() == 0 {
		fmt.Fprintln(c.Out, overview.Pid)
		return nil
	}
	names, err := c.targets(c.Args().Slice())
	if err != nil {
		return err
	}
	apps, err := control.Choose(names, overview.Apps)
	if err != nil {
		return err
	}
	for _, app := range apps {
		for _, worker := range app.Workers {
			if worker.Pid != 0 {
				fmt.Fprintln(c.Out, worker.Pid)
			}
		}
	}
	return nil
}

func (c *call) env() error {
	if c.NArg() != 1 {
		return fmt.Errorf("name one worker, by its id or as api/0; %w", errUsage)
	}
	pairs, err := c.client.Env(c.ctx, c.Args().First())
	if err != nil {
		return err
	}
	_, err = io.WriteString(c.Out, strings.Join(pairs, "\n")+"\n")
	return err
}

func (c *call) ping() error {
	pong, err := c.client.Ping(c.ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.Out, "gorun %s, pid %d, at %s\n", pong.Version, pong.Pid, c.client.Address())
	return nil
}

func (c *call) plan() error {
	edition, err := c.edition(control.Edition{})
	if err != nil {
		return err
	}
	changes, err := c.client.Plan(c.ctx, edition)
	if err != nil {
		return err
	}
	return screen.Plan(c.Out, c.style(), changes)
}

func (c *call) monit() error {
	if c.style().Width == 0 {
		return errors.New("monit needs a terminal: docker exec -it, kubectl exec -it; without one there are list and logs")
	}
	return monit.Run(c.ctx, monit.Options{
		Source: remote{c.client}, Operator: remote{c.client}, In: c.In, Out: c.Out, Color: c.colorful(), Environ: c.Environ,
	})
}
