package cli

import (
	"encoding/json"
	"fmt"

	"github.com/urfave/cli/v2"

	"gorun/supervisor/control/client"
	"gorun/supervisor/control/screen"
)

// logCommands are about what workers write, and about events.
func logCommands(action clientAction) []*cli.Command {
	return []*cli.Command{
		{
			Name: "logs", Aliases: []string{"log"}, Usage: "print the last lines of workers, then follow", Category: "look", ArgsUsage: "[NAME...]",
			Flags: []cli.Flag{
				&cli.IntFlag{Name: "lines", Aliases: []string{"n"}, Value: 15, Usage: "print the last `N` lines first"},
				boolFlag("nostream", "print and exit, do not follow"),
				boolFlag("follow", "follow: print new lines as they come (default)", "f"),
				boolFlag("out", "print standard output only"),
				boolFlag("err", "print standard error only"),
				boolFlag("json", "print a JSON object for each line"),
				boolFlag("raw", "print the lines without the app's name"),
			}, Action: action((*session).logs),
		},
		{Name: "flush", Usage: "empty the log files of workers, and the lines kept for logs", Category: "operate", ArgsUsage: "[NAME...]", Action: action((*session).flush)},
		{Name: "reloadLogs", Aliases: []string{"reload-logs"}, Usage: "open the log files again, after they were moved away", Category: "operate", Action: action((*session).reopen)},
		{
			Name: "events", Usage: "print the last events, then follow", Category: "look",
			Flags: []cli.Flag{
				boolFlag("nostream", "print and exit, do not follow"),
				boolFlag("json", "print a JSON object for each event"),
			}, Action: action((*session).events),
		},
	}
}

func (s *session) logs() error {
	targets, err := s.files.targets(s.ctx, s.args.Args().Slice())
	if err != nil {
		return err
	}
	query := client.LogQuery{Targets: targets, Lines: s.args.Int("lines"), Follow: !s.args.Bool("nostream"), Stream: logStream(s.args)}
	log := &screen.Log{Style: s.style(), Form: logForm(s.args)}
	if overview, err := s.client.Apps(s.ctx); err == nil {
		log.AlignTags(overview.Apps)
	}
	for line, err := range s.client.Logs(s.ctx, query) {
		if err != nil {
			return err
		}
		if log.Form != screen.Tagged && line.Missed > 0 {
			fmt.Fprintln(s.Err, screen.Missed(line))
		}
		if err := log.Line(s.Out, line); err != nil {
			return err
		}
	}
	return nil
}

// logStream is the stream that --out or --err chooses, "" for both.
func logStream(args *cli.Context) string {
	out, err := args.Bool("out"), args.Bool("err")
	switch {
	case out && !err:
		return "out"
	case err && !out:
		return "err"
	}
	return ""
}

func logForm(args *cli.Context) screen.Form {
	switch {
	case args.Bool("json"):
		return screen.JSON
	case args.Bool("raw"):
		return screen.Raw
	}
	return screen.Tagged
}

func (s *session) flush() error {
	names, err := s.files.targets(s.ctx, s.args.Args().Slice())
	if err != nil {
		return err
	}
	if len(names) == 0 {
		names = []string{"all"}
	}
	return s.client.Flush(s.ctx, names)
}

func (s *session) reopen() error { return s.client.Reopen(s.ctx) }

func (s *session) events() error {
	for event, err := range s.client.Events(s.ctx, client.EventQuery{Follow: !s.args.Bool("nostream")}) {
		if err != nil {
			return err
		}
		if s.args.Bool("json") {
			err = json.NewEncoder(s.Out).Encode(event)
		} else {
			err = screen.Event(s.Out, s.style(), event)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
