// Command worker is every program that the scenarios run under gorun: one
// static binary with sub-commands, so that no shell and no interpreter is
// needed, in a scratch image least of all.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// commands maps each sub-command to what it does with its arguments. The
// result is the exit code.
var commands map[string]func(args []string) int

// The kernel prefers the first thread for signals, and masks belong to threads.
func init() { runtime.LockOSThread() }

func main() {
	commands = map[string]func([]string) int{
		"exit":                func(args []string) int { return number(args, 0) },
		"die":                 die,
		"args":                func(args []string) int { return printJSON(args) },
		"env":                 func([]string) int { return printJSON(os.Environ()) },
		"cat":                 cat,
		"read-all":            readAll,
		"fds":                 fds,
		"sleep":               sleep,
		"crash-after":         crashAfter,
		"on-term":             onTerm,
		"ignore-term":         ignoreTerm,
		"signals":             receiveSignals,
		"stage":               stage,
		"family":              family,
		"family-of-receivers": familyOfReceivers,
		"daemon":              daemon,
		"spawn-orphans":       spawnOrphans,
		"zombies":             zombies,
		"stream":              stream,
		"die-together":        dieTogether,
		"http":                serve,
		"eat":                 eat,
		"hog":                 hog,
		"emit":                emit,
		"identity":            identity,
		"note":                note,
		"web":                 web,
		"activated":           activated,
		"share":               share,
		"sandbox":             sandbox,
	}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fail("worker: unknown sub-command in %q", os.Args)
	}
	os.Exit(commands[os.Args[1]](os.Args[2:]))
}

// die ends this process by a signal, with its default action.
func die(args []string) int {
	sig := syscall.Signal(number(args, 0))
	must(unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}))
	setDisposition(int(sig), dispositionDefault)
	must(syscall.Kill(os.Getpid(), sig))
	hold(0)
	return 0
}

// cat copies stdin to stdout and exits with its first argument.
func cat(args []string) int {
	say("ready")
	_, err := io.Copy(os.Stdout, os.Stdin)
	must(err)
	if len(args) == 0 {
		return 0
	}
	return number(args, 0)
}

// readAll reads stdin to its end, whatever it is, and exits with its first
// argument.
func readAll(args []string) int {
	_, _ = io.Copy(io.Discard, os.Stdin)
	return number(args, 0)
}

// fds prints every open descriptor with what it is. It opens none itself.
func fds([]string) int {
	buf := make([]byte, 4096)
	for fd := range 256 {
		n, err := unix.Readlink("/proc/self/fd/"+strconv.Itoa(fd), buf)
		if err == nil {
			say("fd %d %s", fd, buf[:n])
		}
	}
	return 0
}

func sleep([]string) int {
	say("ready %d", os.Getpid())
	hold(0)
	return 0
}

// crashAfter says when it started, waits and exits: DURATION CODE.
func crashAfter(args []string) int {
	say("started %d %d", time.Now().UnixNano(), os.Getpid())
	d, err := time.ParseDuration(args[0])
	must(err)
	<-time.After(d)
	return number(args, 1)
}

// onTerm exits with CODE, DELAY after the first SIGTERM or SIGINT: CODE DELAY.
func onTerm(args []string) int {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, unix.SIGTERM, unix.SIGINT)
	say("ready %d", os.Getpid())
	got := <-signals
	say("got %d", got)
	if len(args) > 1 {
		d, err := time.ParseDuration(args[1])
		must(err)
		<-time.After(d)
	}
	say("leaving")
	return number(args, 0)
}

func ignoreTerm([]string) int {
	signal.Ignore(unix.SIGTERM, unix.SIGINT, unix.SIGQUIT, unix.SIGHUP)
	say("ready %d", os.Getpid())
	hold(0)
	return 0
}

// serve answers every request with its pid, on $PORT or the port given.
func serve(args []string) int {
	port := os.Getenv("PORT")
	if len(args) > 0 {
		port = args[0]
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	must(err)
	say("listening %s", listener.Addr())
	must(http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, "static %d", os.Getpid())
	})))
	return 1
}

// eat allocates memory until the kernel ends it.
func eat([]string) int {
	say("eating")
	var kept [][]byte
	for {
		block := make([]byte, 1<<20)
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1
		}
		kept = append(kept, block)
		if len(kept) > 4096 {
			fail("worker: 4 GiB eaten and still alive")
		}
	}
}

// identity prints what gorun told this worker about itself.
func identity([]string) int {
	say("uid %d instance %s of %s name %s id %s",
		os.Getuid(), os.Getenv("NODE_APP_INSTANCE"), os.Getenv("instances"), os.Getenv("name"), os.Getenv("pm_id"))
	return 0
}

func printJSON(values []string) int {
	values = slices.Clone(values)
	must(json.NewEncoder(os.Stdout).Encode(values))
	return 0
}

func number(args []string, i int) int {
	if i >= len(args) {
		fail("worker: %q: argument %d is missing", os.Args, i)
	}
	n, err := strconv.Atoi(args[i])
	must(err)
	return n
}

func say(format string, args ...any) {
	_, _ = fmt.Fprintf(os.Stdout, format+"\n", args...)
}

func must(err error) {
	if err != nil {
		fail("worker: %q: %v", os.Args[1:], err)
	}
}

func fail(format string, args ...any) {
	_, _ = fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(99)
}
