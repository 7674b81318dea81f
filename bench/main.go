// Command bench measures gorun side by side with what it takes the place of,
// and writes docs/benchmarks.md. Nothing of it runs in `go test`.
//
//	go run ./bench [-only NAME[,NAME]] [-runs N] [-write docs/benchmarks.md]
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

// measurement is one question, put to all contestants in turn.
type measurement struct {
	name    string
	title   string
	runs    int // rounds, unless -runs says otherwise
	measure func(ctx context.Context, l *lab, runs int) (result, error)
}

func measurements() []measurement {
	return []measurement{
		{"start", "Start of one command", 100, measureStart},
		{"answer", "Start to first answer", 20, measureAnswer},
		{"memory", "Memory with 2 workers", 5, measureMemory},
		{"crash", "Crash to replacement", 60, measureCrash},
		{"stop", "SIGTERM to the end", 20, measureStop},
		{"burst", "10,000 orphans at once", 10, measureBurst},
		{"stream", "30,000 orphans in a stream", 3, measureStream},
		{"signal", "Forwarding a signal", 500, measureSignal},
		{"lines", "200,000 lines of output", 7, measureLines},
		{"scrape", "/metrics with 64 workers", 50, measureScrape},
		{"idle", "Idle with 16 workers", 3, measureIdle},
		{"reload", "Rolling reload of 4 Node workers under load", 10, measureReload},
		{"sharing", "One port, 2 workers", 24, measureSharing},
		{"size", "Binary", 1, measureSize},
	}
}

// options are the command line's.
type options struct {
	only  string
	runs  int
	write string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	o, chosen, err := parse(args)
	if err != nil {
		return err
	}
	l, err := newLab(ctx)
	if err != nil {
		return err
	}
	defer l.close()
	report := report{machine: thisMachine(l)}
	for _, m := range chosen {
		runs := m.runs
		if o.runs > 0 {
			runs = o.runs
		}
		r, err := m.measure(ctx, l, runs)
		if err != nil {
			return fmt.Errorf("measure %s: %w", m.name, err)
		}
		r.title = m.title
		report.results = append(report.results, r)
		fmt.Fprintln(out, r.text())
	}
	if o.write == "" {
		return nil
	}
	report.machine.loadAfter = load()
	if err := os.WriteFile(o.write, report.markdown(), 0o644); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

func parse(args []string) (options, []measurement, error) {
	var o options
	var names []string
	for _, m := range measurements() {
		names = append(names, m.name)
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&o.only, "only", "", "measure only these: "+strings.Join(names, ","))
	flags.IntVar(&o.runs, "runs", 0, "rounds of each measurement, 0 = as many as each needs")
	flags.StringVar(&o.write, "write", "", "write the report to this `file`; not with -only")
	if err := flags.Parse(args); err != nil {
		return o, nil, fmt.Errorf("options: %w", err)
	}
	if o.only == "" {
		return o, measurements(), nil
	}
	if o.write != "" {
		return o, nil, errors.New("-write wants all measurements, without -only")
	}
	var chosen []measurement
	for name := range strings.SplitSeq(o.only, ",") {
		i := slices.Index(names, name)
		if i < 0 {
			return o, nil, fmt.Errorf("no measurement %q, there are %s", name, strings.Join(names, ", "))
		}
		chosen = append(chosen, measurements()[i])
	}
	return o, chosen, nil
}

// firstLine is for the version of a tool and for errors.
func firstLine(text []byte) string {
	line, _, _ := bytes.Cut(bytes.TrimSpace(text), []byte("\n"))
	return string(line)
}
