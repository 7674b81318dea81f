// Command worker is what the benchmarks run under each supervisor:
//
//	worker hello SOCKET         tell the pid, then wait for the end of the connection
//	worker lines SOCKET N SIZE  wait for a byte, then write N lines, SIZE bytes at a time
//	worker burst N              make N orphans die at once, tell how long init took
//	worker stream N             the same for orphans one after another
//	worker signals              tell when each SIGUSR1 arrived
package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	for len(args) < 4 {
		args = append(args, "")
	}
	n, _ := strconv.Atoi(args[1])
	switch args[0] {
	case "hello":
		return hello(args[1])
	case "lines":
		n, _ = strconv.Atoi(args[2])
		size, _ := strconv.Atoi(args[3])
		return lines(args[1], n, size)
	case "burst":
		return burst(n)
	case "zombies":
		return zombies(n)
	case "stream":
		return stream(n)
	case "signals":
		return signals(args[1] != "")
	}
	return fmt.Errorf("unknown mode %q", args[0])
}

// hello ends when the benchmark does: no worker is left behind.
func hello(socket string) error {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(conn, os.Getpid()); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, conn)
	return err
}

// lines writes lines of 100 bytes each, which end in a mark to tell them from
// others. All of them are made before the first is written.
func lines(socket string, n, size int) error {
	text := bytes.Repeat(fmt.Appendf(nil, "%98s#\n", "a line of output"), n)
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return err
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		return err
	}
	for part := range slices.Chunk(text, size) {
		if _, err := os.Stdout.Write(part); err != nil {
			return err
		}
	}
	_, err = io.Copy(io.Discard, conn)
	return err
}
