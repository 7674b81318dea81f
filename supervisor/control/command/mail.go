package command

import (
	"encoding/json"
	"fmt"

	"github.com/urfave/cli/v2"

	"gorun/supervisor/control/client"
)

// mailing are the commands that reach the processes.
func (w World) mailing() []*cli.Command {
	return []*cli.Command{
		{Name: "sendSignal", Aliases: []string{"signal", "kill"}, Usage: "send a signal to the whole trees of workers", Category: "operate", ArgsUsage: "SIGNAL NAME...", Action: w.run((*call).signal)},
		{Name: "send", Usage: "send a message to Node workers", Category: "operate", ArgsUsage: "NAME MESSAGE", Action: w.run((*call).send)},
		{Name: "trigger", Usage: "start an action of Node workers", Category: "operate", ArgsUsage: "NAME ACTION [PARAMS]", Action: w.run((*call).trigger)},
	}
}

func (c *call) signal() error {
	if c.NArg() < 2 {
		return fmt.Errorf("name a signal and whom to send it: gorun sendSignal SIGUSR2 api; %w", errUsage)
	}
	targets, err := c.targets(c.Args().Tail())
	if err != nil {
		return err
	}
	n, err := c.client.Signal(c.ctx, client.Signal{Signal: c.Args().First(), Targets: targets})
	if err != nil {
		return err
	}
	fmt.Fprintf(c.Out, "sent to %d worker(s)\n", n)
	return nil
}

func (c *call) send() error {
	if c.NArg() != 2 {
		return fmt.Errorf("name whom to send it and a message: gorun send api '{\"topic\":\"x\"}'; %w", errUsage)
	}
	message := json.RawMessage(c.Args().Get(1))
	if !json.Valid(message) {
		message, _ = json.Marshal(c.Args().Get(1)) // a text cannot fail
	}
	targets, err := c.targets(c.Args().Slice()[:1])
	if err != nil {
		return err
	}
	n, err := c.client.Send(c.ctx, client.Message{Targets: targets, Message: message})
	if err != nil {
		return err
	}
	fmt.Fprintf(c.Out, "sent to %d worker(s)\n", n)
	return nil
}

func (c *call) trigger() error {
	if c.NArg() < 2 || c.NArg() > 3 {
		return fmt.Errorf("name workers, an action and perhaps its parameters; %w", errUsage)
	}
	targets, err := c.targets(c.Args().Slice()[:1])
	if err != nil {
		return err
	}
	replies, err := c.client.Trigger(c.ctx, client.Trigger{
		Targets: targets, Action: c.Args().Get(1), Params: c.Args().Get(2),
	})
	for _, reply := range replies {
		fmt.Fprintln(c.Out, string(reply))
	}
	return err
}
