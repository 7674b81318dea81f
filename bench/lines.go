package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"time"
)

const howLines = "One worker writes 200,000 lines of 100 bytes to its standard output, each by a write of its own, as Node's\n" +
	"`console.log` and Go's `log` do, or 4 KiB at a time, as C and Python do into a pipe; the benchmark reads what\n" +
	"arrives at the supervisor's. \"alone\" is the worker's pipe without a supervisor. The processor time is the\n" +
	"supervisor's own, until the last line is out; lines by processor time are what it could pass on if the worker\n" +
	"and the reader were no limit. Both run with `--raw`; pm2-runtime keeps log files beside it, as it always does."

const (
	lineCount = 200000
	lineSize  = 100
	lineMark  = "#\n" // ends each of the worker's lines, and no other
)

func measureLines(ctx context.Context, l *lab, runs int) (result, error) {
	r := result{how: howLines, missing: l.missing(pm2)}
	workers, err := l.greetings()
	if err != nil {
		return r, err
	}
	defer workers.close()
	for _, way := range []struct {
		name string
		size int
	}{{"one by one", lineSize}, {"4 KiB at a time", 4096}} {
		if err := l.measureWay(ctx, &r, workers, way.name, way.size, runs); err != nil {
			return r, err
		}
		for _, quantity := range []string{": rate", ": lines by processor time"} {
			ratio := r.median(gorun, way.name+quantity) / r.median(pm2, way.name+quantity)
			r.atLeast("log lines "+way.name+quantity+" against pm2-runtime's", 10, ratio, "×")
		}
	}
	return r, nil
}

func (l *lab) measureWay(ctx context.Context, r *result, workers *greetings, way string, size, runs int) error {
	args := []string{"lines", workers.socket, strconv.Itoa(lineCount), strconv.Itoa(size)}
	all, err := l.supervisors(program(1, l.worker, args...), "--raw")
	if err != nil {
		return err
	}
	all = append([]contestant{{bare, slices.Concat([]string{l.worker}, args)}}, all...)
	return rounds(runs, all, func(c contestant) error {
		passed, err := l.passLines(ctx, c, workers)
		if err != nil {
			return err
		}
		r.of(c.name, way+": rate", "lines/s").add(lineCount / passed.took.Seconds())
		if c.name != bare {
			r.of(c.name, way+": processor time", "ms").add(passed.used * 1e3)
			r.of(c.name, way+": lines by processor time", "lines/s").add(lineCount / passed.used)
			r.of(c.name, way+": peak memory", "MB").add(passed.peak)
		}
		return nil
	})
}

// passed is what it took to pass the lines on.
type passed struct {
	took time.Duration
	used float64 // seconds of the supervisor
	peak float64 // MB of the supervisor
}

func (l *lab) passLines(ctx context.Context, c contestant, workers *greetings) (passed, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return passed{}, fmt.Errorf("make pipe: %w", err)
	}
	defer read.Close()
	one, err := l.start(ctx, c.before, write)
	write.Close()
	if err != nil {
		return passed{}, err
	}
	defer workers.hangUp() // after the stop, or the worker would be replaced
	defer one.stop()
	conn, _, err := workers.next(ctx)
	if err != nil {
		return passed{}, one.fail(err)
	}
	if err := pause(ctx, 500*time.Millisecond); err != nil {
		return passed{}, err
	}
	before, err := cpuOf(one.pid())
	if err != nil {
		return passed{}, err
	}
	begun := time.Now()
	if _, err := conn.Write([]byte("!")); err != nil {
		return passed{}, fmt.Errorf("give the sign: %w", err)
	}
	if err := countLines(read, lineCount); err != nil {
		return passed{}, one.fail(err)
	}
	p := passed{took: time.Since(begun)}
	after, err := cpuOf(one.pid())
	if err != nil {
		return p, err
	}
	p.used = after - before
	p.peak, err = peakOf(one.pid())
	go io.Copy(io.Discard, read) //nolint:errcheck // what comes after the last line is of no interest
	return p, err
}

// countLines reads until n of the worker's lines have arrived.
func countLines(file *os.File, n int) error {
	if err := file.SetReadDeadline(time.Now().Add(2 * patience)); err != nil {
		return fmt.Errorf("read lines: %w", err)
	}
	chunk := make([]byte, 1<<16)
	last := byte(0)
	for count := 0; count < n; {
		size, err := file.Read(chunk)
		if err != nil {
			return errors.Join(fmt.Errorf("only %d of %d lines arrived", count, n), err)
		}
		count += bytes.Count(chunk[:size], []byte(lineMark))
		if last == lineMark[0] && chunk[0] == lineMark[1] {
			count++ // the mark was cut in two
		}
		last = chunk[size-1]
	}
	return nil
}
