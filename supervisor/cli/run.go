package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"

	"github.com/urfave/cli/v2"

	"gorun/signals/reaper"
	"gorun/supervisor"
	"gorun/supervisor/control"
	"gorun/supervisor/ecosystem"
	"gorun/supervisor/logs"
	"gorun/supervisor/process"
	"gorun/supervisor/spec"
	"gorun/supervisor/usage"
	"gorun/supervisor/web"
)

// supervise runs the apps of a file until they have ended or a signal comes.
func (c *commandLine) supervise(args *cli.Context) (int, error) {
	if args.NArg() == 0 && args.NumFlags() == 0 {
		return codeUsage, cli.ShowAppHelp(args)
	}
	file, err := c.load(args)
	if err != nil {
		fmt.Fprintln(c.Err, err)
		return codeUsage, nil
	}
	settings, err := settingsOf(args, c.Out)
	if err != nil {
		return codeUsage, err
	}
	process.KeepDescriptors()
	c.limitHeap(file)
	output := logs.New(logs.Options{
		Stdout: c.Out, Stderr: c.Err, Format: settings.format, Color: settings.color, Level: settings.level,
	})
	defer closeOutput(output)
	r, err := reaper.New()
	if err != nil {
		return codeFailure, fmt.Errorf("reap orphans: %w", err)
	}
	log := slog.New(output.Handler())
	announce(log, file, c.Version)
	s, err := supervisor.New(file.Apps, supervisor.Options{
		Reaper: r, Output: output, Log: log, Cgroup: usage.Find(), Starting: 2 * usage.CPUs(),
		ShutdownDelay: file.ShutdownDelay, Stay: args.Bool("no-auto-exit"),
		NotifySocket: c.Variable("NOTIFY_SOCKET"), Trim: usage.Trim,
	})
	if err != nil {
		return codeUsage, fmt.Errorf("prepare: %w", err)
	}
	return c.listenAndServe(args.Context, s, settings, output, service{
		signals: c.signals, reaper: r, reopen: output.Reopen, log: log, load: c.loader(args, log),
		delay: settings.delay, terminationLog: settings.terminationLog,
	})
}

// limitHeap trades CPU for memory, unless the operator has set GOGC.
func (c *commandLine) limitHeap(file ecosystem.File) {
	if c.Variable("GOGC") == "" {
		debug.SetGCPercent(usage.GCPercent(file.Workers()))
	}
}

// listenAndServe runs the apps with their listeners: health and metrics for
// everybody, control for gorun's own user and root.
func (c *commandLine) listenAndServe(ctx context.Context, s *supervisor.Supervisor, settings settings, output *logs.Output, run service) (int, error) {
	listener := web.Options{
		Address: settings.web, Asked: settings.webAsked, Source: s, Signals: c.signals.Received,
		Build: c.build(), Log: run.log,
	}
	pages := listener.Handler()
	server, err := web.Serve(listener, pages)
	if err != nil {
		return codeUsage, fmt.Errorf("serve health and metrics, see --web: %w", err)
	}
	defer server.Close()
	api, err := control.Serve(ctx, control.Options{
		Address: c.address(), Apps: s, Orders: s, Messages: s, Output: output, Load: run.load, CPUs: usage.CPUs(),
		Health: pages, Version: c.Version, Log: run.log,
	})
	if err != nil {
		return codeUsage, err //nolint:wrapcheck // it says what was attempted
	}
	defer closeAPI(api)
	return run.run(ctx, s), nil
}

func closeAPI(server *control.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), flushLimit)
	defer cancel()
	_ = server.Close(ctx) // cut short: a client does not read
}

// load reads what the command line names.
func (c *commandLine) load(args *cli.Context) (ecosystem.File, error) {
	if args.NArg() != 1 {
		return ecosystem.File{}, fmt.Errorf("name one ecosystem file or script, not %d: gorun FILE|SCRIPT [options] [-- args]", args.NArg())
	}
	source, err := c.source(args)
	if err != nil {
		return ecosystem.File{}, err
	}
	return ecosystem.Load(source) //nolint:wrapcheck // its errors are for people, with positions
}

func (c *commandLine) source(args *cli.Context) (ecosystem.Source, error) {
	dir, err := os.Getwd()
	if err != nil {
		return ecosystem.Source{}, fmt.Errorf("find the working directory: %w", err)
	}
	return ecosystem.Source{
		Path: args.Args().First(), Stdin: c.In, Dir: dir, Environ: c.Environ, CPUs: usage.CPUs(),
		EnvName: args.String("env"), Only: list(args.String("only")), Args: c.appArgs, Options: given(args), Strict: args.Bool("strict"),
		Console: c.Err,
	}, nil
}

// loader reads the file of this run anew, or another one.
func (c *commandLine) loader(args *cli.Context, log *slog.Logger) control.Load {
	return func(path string, only []string) ([]spec.App, error) {
		source, err := c.source(args)
		if err != nil {
			return nil, err
		}
		if path != "" && !source.Is(path) { // the options of this run are for its own file
			source.Path, source.Options, source.Args, source.Only = path, nil, nil, nil
		}
		if source.Path == "-" {
			return nil, errors.New("gorun read its file from standard input, which cannot be read again; name a file")
		}
		if len(only) > 0 {
			source.Only = only
		}
		file, err := ecosystem.Load(source)
		warnAbout(log, file)
		return file.Apps, err //nolint:wrapcheck // its errors are for people, with positions
	}
}
