package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"gorun/signals"
	"gorun/signals/reaper"
	"gorun/supervisor/logs"
	"gorun/supervisor/process"
)

func (c *commandLine) execCommand() *cli.Command {
	return &cli.Command{
		Name: "exec", Usage: "run one command under init, as tini does", ArgsUsage: "COMMAND [ARG...]", Action: c.act(c.execute),
		Flags: []cli.Flag{
			&cli.DurationFlag{Name: "grace", Value: 8 * time.Second, Usage: "`TIME` from SIGTERM to SIGKILL for the processes that the command leaves behind; when given, for the command itself, too"},
			&cli.StringSliceFlag{Name: "rewrite", Usage: "forward another signal: `TERM=QUIT`; INT=0 drops it"},
			boolFlag("child-only", "forward signals to the command alone, not to its whole tree"),
		},
	}
}

// execApp is `gorun exec` alone: it starts before every command of an image, and
// the options of the rest take a millisecond to set up. Its own options stand
// before its command.
func (c *commandLine) execApp() *cli.App {
	of := c.execCommand()
	return &cli.App{
		Name: "gorun exec", Usage: of.Usage, ArgsUsage: of.ArgsUsage, Flags: of.Flags, Action: of.Action,
		HideHelpCommand: true, Writer: c.Out, ErrWriter: c.Err, ExitErrHandler: func(*cli.Context, error) {}, OnUsageError: usageError,
	}
}

func (c *commandLine) execute(args *cli.Context) (int, error) {
	if args.NArg() == 0 {
		return codeUsage, errors.New("exec: name a command: gorun exec [options] [--] COMMAND [ARG...]")
	}
	rewrite, err := signals.ParseRewrite(args.StringSlice("rewrite"))
	if err != nil {
		return codeUsage, fmt.Errorf("exec: %w", err)
	}
	output := logs.New(logs.Options{Stdout: c.Out, Stderr: c.Err})
	defer closeOutput(output)
	log := slog.New(output.Handler())
	r, err := reaper.New()
	if err != nil {
		log.Warn("orphans will not be reaped", "error", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	forwarded := make(chan unix.Signal)
	go c.signals.Run(ctx, signals.Forwarding, execActions(ctx, r, forwarded))
	command := process.Command{
		Argv: args.Args().Slice(), Environ: c.Environ, Grace: args.Duration("grace"), ChildOnly: args.Bool("child-only"), Log: log,
		Rewrite: rewrite, Started: func() { leaveDirectory(log) },
	}
	if args.IsSet("grace") {
		command.Limit = command.Grace
	}
	<-c.signals.Complete()
	return command.Run(r, forwarded), nil
}

// leaveDirectory keeps gorun from holding a volume busy on which only the command
// was started (umount(8)).
func leaveDirectory(log *slog.Logger) {
	if err := os.Chdir("/"); err != nil {
		log.Debug("the working directory stays in use", "error", err)
	}
}

// execActions send signals on, as they can be taken. loop ends the goroutine that
// does.
func execActions(loop context.Context, r *reaper.Reaper, to chan<- unix.Signal) signals.Actions {
	forwarding := newForwards()
	go forwarding.run(loop, func(sig unix.Signal) {
		select {
		case to <- sig:
		case <-loop.Done():
		}
	})
	return signals.Actions{Reap: r.Reap, Forward: forwarding.add}
}

// flushLimit bounds the wait for the readers of gorun's output at the end.
const flushLimit = 2 * time.Second

func closeOutput(output *logs.Output) {
	ctx, cancel := context.WithTimeout(context.Background(), flushLimit)
	defer cancel()
	_ = output.Close(ctx) // cut short: nobody reads
}
