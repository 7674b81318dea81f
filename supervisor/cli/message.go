package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"gorun/signals"
	"gorun/supervisor/control/client"
	"gorun/supervisor/status"
)

// messageCommands send something to the processes of workers.
func messageCommands(action clientAction) []*cli.Command {
	return []*cli.Command{
		{Name: "sendSignal", Aliases: []string{"signal", "kill"}, Usage: "send a signal to the processes of workers that handle it; exit 1 where none does", Category: "operate", ArgsUsage: "SIGNAL NAME...", Action: action((*session).signal)},
		{Name: "send", Usage: "send an IPC message to Node workers; to a worker's number, as pm2 does, a line to its standard input", Category: "operate", ArgsUsage: "NAME MESSAGE | ID LINE", Action: action((*session).send)},
		{Name: "input", Usage: "write a line to the standard input of workers", Category: "operate", ArgsUsage: "NAME LINE", Action: action((*session).input)},
		{Name: "trigger", Usage: "trigger an action of Node workers and print their replies", Category: "operate", ArgsUsage: "NAME ACTION [PARAMS]", Action: action((*session).trigger)},
	}
}

func (s *session) signal() error {
	if s.args.NArg() < 2 {
		return fmt.Errorf("name a signal and its targets: gorun sendSignal SIGUSR2 api; %w", errUsage)
	}
	targets, err := s.files.targets(s.ctx, s.args.Args().Tail())
	if err != nil {
		return err
	}
	name := s.args.Args().First()
	n, err := s.client.Signal(s.ctx, client.Signal{Signal: name, Targets: targets})
	if err != nil {
		return err
	}
	if n == 0 {
		if sig, err := signals.Parse(name); err == nil {
			name = signals.Name(sig)
		}
		return fmt.Errorf("nobody handles %s in app %s", name, strings.Join(targets, ", "))
	}
	printSent(s.Out, n, "process")
	return nil
}

func (s *session) send() error {
	if s.args.NArg() != 2 {
		return fmt.Errorf("name a target and a message: gorun send api '{\"topic\":\"x\"}'; %w", errUsage)
	}
	if _, err := strconv.ParseUint(s.args.Args().First(), 10, 31); err == nil {
		return s.input() // pm2 send PM_ID LINE
	}
	message := json.RawMessage(s.args.Args().Get(1))
	if !json.Valid(message) {
		message, _ = json.Marshal(s.args.Args().Get(1)) // a text cannot fail
	}
	targets, err := s.files.targets(s.ctx, s.args.Args().Slice()[:1])
	if err != nil {
		return err
	}
	n, err := s.client.Send(s.ctx, client.Message{Targets: targets, Message: message})
	if err != nil {
		return err
	}
	printSent(s.Out, n, "worker")
	return nil
}

// input writes a line to standard input.
func (s *session) input() error {
	if s.args.NArg() != 2 {
		return fmt.Errorf("name a target and a line: gorun input console 'say hello'; %w", errUsage)
	}
	targets, err := s.files.targets(s.ctx, s.args.Args().Slice()[:1])
	if err != nil {
		return err
	}
	n, err := s.client.Input(s.ctx, client.Input{Targets: targets, Line: s.args.Args().Get(1)})
	if n > 0 || err == nil {
		printSent(s.Out, n, "worker")
	}
	return err
}

func printSent(out io.Writer, n int, to string) {
	fmt.Fprintln(out, "sent to", status.Plural(n, to))
}

func (s *session) trigger() error {
	if s.args.NArg() < 2 || s.args.NArg() > 3 {
		return fmt.Errorf("name a target, an action and perhaps its parameters: gorun trigger api gc; %w", errUsage)
	}
	targets, err := s.files.targets(s.ctx, s.args.Args().Slice()[:1])
	if err != nil {
		return err
	}
	replies, err := s.client.Trigger(s.ctx, client.Trigger{
		Targets: targets, Action: s.args.Args().Get(1), Params: s.args.Args().Get(2),
	})
	for _, reply := range replies {
		fmt.Fprintln(s.Out, string(reply))
	}
	return err
}
