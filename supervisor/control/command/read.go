package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"gorun/supervisor/control"
	"gorun/supervisor/control/screen"
	"gorun/supervisor/ecosystem"
)

// reading are the commands about what workers write, and about what happens.
func (w World) reading() []*cli.Command {
	return []*cli.Command{
		{
			Name: "logs", Aliases: []string{"log"}, Usage: "print the last lines of workers, and those to come", Category: "look", ArgsUsage: "[NAME...]",
			Flags: []cli.Flag{
				&cli.IntFlag{Name: "lines", Aliases: []string{"n"}, Value: 15, Usage: "how many of the last lines"},
				&cli.BoolFlag{Name: "nostream", Usage: "only those"},
				&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "go on with what comes (default)"},
				&cli.BoolFlag{Name: "out", Usage: "standard output only"},
				&cli.BoolFlag{Name: "err", Usage: "standard error only"},
				&cli.BoolFlag{Name: "json", Usage: "as JSON objects"},
				&cli.BoolFlag{Name: "raw", Usage: "as they are"},
			}, Action: w.run((*call).logs),
		},
		{Name: "flush", Usage: "empty the log files of workers, and what is kept of their lines", Category: "operate", ArgsUsage: "[NAME...]", Action: w.run((*call).flush)},
		{Name: "reloadLogs", Aliases: []string{"reload-logs"}, Usage: "open the log files again, after they were moved away", Category: "operate", Action: w.run((*call).reopen)},
		{
			Name: "events", Usage: "print what happens", Category: "look",
			Flags: []cli.Flag{
				&cli.BoolFlag{Name: "nostream", Usage: "only what has happened so far"},
				&cli.BoolFlag{Name: "json", Usage: "as JSON objects"},
			}, Action: w.run((*call).events),
		},
		{Name: "schema", Usage: "print the JSON schema of ecosystem files, for editors", Category: "look", Action: w.Act(w.schema)},
		{Name: "completion", Usage: "print a completion script for bash, zsh or fish", Category: "look", ArgsUsage: "SHELL", Action: w.Act(w.completion)},
	}
}

func (w World) schema(*cli.Context) (int, error) {
	_, err := w.Out.Write(ecosystem.Schema())
	if err != nil {
		return codeFailure, fmt.Errorf("schema: %w", err)
	}
	return 0, nil
}

func (c *call) logs() error {
	targets, err := c.targets(c.Args().Slice())
	if err != nil {
		return err
	}
	query := control.LogQuery{Targets: targets, Lines: c.Int("lines"), Follow: !c.Bool("nostream")}
	switch {
	case c.Bool("out") && !c.Bool("err"):
		query.Stream = "out"
	case c.Bool("err") && !c.Bool("out"):
		query.Stream = "err"
	}
	log := &screen.Log{Style: c.style()}
	switch {
	case c.Bool("json"):
		log.Form = screen.JSON
	case c.Bool("raw"):
		log.Form = screen.Raw
	}
	if overview, err := c.client.Apps(c.ctx); err == nil {
		log.AlignTags(overview.Apps)
	}
	for line, err := range c.client.Logs(c.ctx, query) {
		if err != nil {
			return err
		}
		if log.Form != screen.Tagged && line.Missed > 0 {
			fmt.Fprintln(c.Err, screen.Missed(line))
		}
		if err := log.Line(c.Out, line); err != nil {
			return err
		}
	}
	return nil
}

func (c *call) flush() error {
	names, err := c.targets(c.Args().Slice())
	if err != nil {
		return err
	}
	if len(names) == 0 {
		names = []string{"all"}
	}
	return c.client.Flush(c.ctx, names)
}

func (c *call) reopen() error { return c.client.Reopen(c.ctx) }

func (c *call) events() error {
	for event, err := range c.client.Events(c.ctx, control.EventQuery{Follow: !c.Bool("nostream")}) {
		if err != nil {
			return err
		}
		if c.Bool("json") {
			err = json.NewEncoder(c.Out).Encode(event)
		} else {
			err = screen.Event(c.Out, c.style(), event)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// scripts complete the command line by asking gorun itself.
var scripts = map[string]string{
	"bash": `_gorun() {
  local IFS=$'\n'
  COMPREPLY=($(compgen -W "$("${COMP_WORDS[@]:0:COMP_CWORD}" --generate-bash-completion 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _gorun gorun
`,
	"zsh": `#compdef gorun
_gorun() {
  local -a words_there
  words_there=("${(@f)$("${words[@]:0:$((CURRENT-1))}" --generate-bash-completion 2>/dev/null)}")
  compadd -- $words_there || _files
}
compdef _gorun gorun
`,
	"fish": `complete -c gorun -a '(set -l words (commandline -opc); $words --generate-bash-completion 2>/dev/null)'
`,
}

func (w World) completion(c *cli.Context) (int, error) {
	script, found := scripts[c.Args().First()]
	if !found || c.NArg() != 1 {
		return codeUsage, errors.New("completion: name a shell: bash, zsh or fish")
	}
	_, err := io.WriteString(w.Out, strings.TrimLeft(script, "\n"))
	return 0, err
}

// remote lets the monitor use the client.
type remote struct{ client *control.Client }

// Overview implements monit.Source.
func (r remote) Overview(ctx context.Context) (control.Overview, error) { return r.client.Apps(ctx) }

// Logs implements monit.Source.
func (r remote) Logs(ctx context.Context, target string, lines int, each func(control.Line)) error {
	for line, err := range r.client.Logs(ctx, control.LogQuery{Targets: []string{target}, Lines: lines, Follow: true}) {
		if err != nil {
			return err
		}
		each(line)
	}
	return nil
}

// Order implements monit.Operator.
func (r remote) Order(ctx context.Context, verb string, targets []string, each func(control.News)) error {
	for news, err := range r.client.Order(ctx, control.Order{Verb: verb, Targets: targets}) {
		if err != nil {
			return err
		}
		each(news)
	}
	return nil
}

// Scale implements monit.Operator.
func (r remote) Scale(ctx context.Context, app, workers string, each func(control.News)) error {
	for news, err := range r.client.Scale(ctx, control.Scale{App: app, Workers: workers}) {
		if err != nil {
			return err
		}
		each(news)
	}
	return nil
}
