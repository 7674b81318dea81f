package cli

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/urfave/cli/v2"

	"gorun/signals/reaper"
	"gorun/supervisor"
	"gorun/supervisor/control"
	"gorun/supervisor/logs"
	"gorun/supervisor/process"
	"gorun/supervisor/usage"
	"gorun/supervisor/web"
)

// supervise runs the apps of a file until they have ended or a signal comes.
func (c *commandLine) supervise(args *cli.Context) (int, error) {
	if args.NArg() == 0 && args.NumFlags() == 0 {
		return codeUsage, cli.ShowAppHelp(args)
	}
	in, err := c.input(args)
	if err != nil {
		return codeFailure, err
	}
	file, err := in.load()
	if err != nil {
		fmt.Fprintln(c.Err, err)
		return codeUsage, nil
	}
	settings, err := settingsOf(args, c.Out)
	if err != nil {
		return codeUsage, err
	}
	process.SetCloseOnExec()
	if c.Variable("GOGC") == "" { // else the operator has chosen between CPU and memory
		debug.SetGCPercent(usage.GCPercent(file.Workers()))
	}
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
		Reaper: r, Output: output, Log: log, Cgroup: usage.Find(), StartLimit: 2 * usage.CPUs(),
		ShutdownDelay: file.ShutdownDelay, KeepRunning: args.Bool("no-auto-exit"),
		NotifySocket: c.Variable("NOTIFY_SOCKET"), Trim: usage.Trim,
	})
	if err != nil {
		return codeUsage, fmt.Errorf("prepare: %w", err)
	}
	return c.listenAndServe(args.Context, s, settings, output, service{
		signals: c.signals, reaper: r, reopen: output.Reopen, log: log, load: in.loader(log),
		delay: settings.delay, terminationLog: settings.terminationLog,
	})
}

// listenAndServe runs the apps with their listeners: health and metrics for
// everybody, control for gorun's own user and root.
func (c *commandLine) listenAndServe(ctx context.Context, s *supervisor.Supervisor, settings settings, output *logs.Output, run service) (int, error) {
	listener := web.Options{
		Address: settings.web, Asked: settings.webAsked, Source: s, Signals: c.signals.Received,
		Build: build(c.Version), Log: run.log,
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
	return run.runApps(ctx, s), nil
}

func closeAPI(server *control.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), flushLimit)
	defer cancel()
	_ = server.Close(ctx) // cut short: a client does not read
}
