package supervisor

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"gorun/signals/reaper"
)

// theReaper is the one that this process may have.
var theReaper *reaper.Reaper

// TestMain makes the test binary its own worker, and reaps for the tests.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "worker" {
		os.Exit(work(os.Args[2], os.Args[3:]))
	}
	var err error
	if theReaper, err = reaper.New(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	died := make(chan os.Signal, 1)
	signal.Notify(died, unix.SIGCHLD)
	go func() {
		for range died {
			theReaper.Reap()
		}
	}()
	os.Exit(m.Run())
}

// work is what a worker does, by its first argument.
func work(what string, args []string) int {
	switch what {
	case "exit":
		code, _ := strconv.Atoi(args[0])
		syscall.Exit(code) // at once: os.Exit(0) waits a second for the race detector
	case "sleep":
		fmt.Println("up")
		select {}
	case "complain":
		fmt.Fprintln(os.Stderr, args[0])
		return 1
	case "stubborn":
		signal.Ignore(unix.SIGTERM)
		fmt.Println("up")
		select {}
	case "node":
		return talk(os.NewFile(3, "ipc"))
	case "usr1": // end with a code when it comes
		heard := make(chan os.Signal, 1)
		signal.Notify(heard, unix.SIGUSR1)
		fmt.Println("up")
		<-heard
		return work("exit", args)
	case "leave": // a process in a session of its own behind, and end with a code
		child := exec.Command(os.Args[0], "worker", "sleep")
		child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := child.Start(); err != nil {
			return 99
		}
		fmt.Println("left", child.Process.Pid)
		return work("exit", args)
	case "note": // its input and environment in a file
		input, _ := io.ReadAll(os.Stdin)
		text, _ := json.Marshal(map[string]any{"Environ": os.Environ(), "Input": json.RawMessage(input)})
		if err := os.WriteFile(args[0], text, 0o600); err != nil {
			return 99
		}
		return work("exit", []string{"0"})
	case "family": // a child in a session of its own, and both pids in a file
		child := exec.Command(os.Args[0], "worker", "stubborn")
		child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := child.Start(); err != nil {
			return 99
		}
		if err := os.WriteFile(args[0], fmt.Append(nil, os.Getpid(), child.Process.Pid), 0o600); err != nil {
			return 99
		}
		return work("stubborn", nil)
	case "grow":
		megabytes, _ := strconv.Atoi(args[0])
		block := make([]byte, megabytes<<20)
		for i := range block {
			block[i] = 1
		}
		fmt.Println("up", len(block))
		select {}
	}
	return 98
}

// talk is a Node program, as gorun sees it, that stops for nothing but a message.
func talk(channel *os.File) int {
	signal.Ignore(unix.SIGTERM)
	say := func(line string) { fmt.Fprintln(channel, line) }
	say(`{"type":"axm:monitor","data":{"lag":{"value":"12.4ms"},"odd":{"value":{}}}}`)
	say(`{"type":"gorun:metrics","p50":0,"p95":0.5,"p99":1,"delay":2,"ticks":10,"pause":3,"pauses":4,"used":1,"reserved":2,"limit":3,"handles":4,"requests":5}`)
	say(`{"type":"prom-client:getMetricsRes","requestId":1,"metrics":[]}`) // nobody has asked
	say(`"ready"`)
	fmt.Println("up")
	for lines := bufio.NewScanner(channel); lines.Scan(); {
		var question struct {
			Type      string
			RequestID int
		}
		if lines.Text() == `"shutdown"` {
			return 0
		}
		if json.Unmarshal(lines.Bytes(), &question) == nil && question.Type == "prom-client:getMetricsReq" {
			say(fmt.Sprintf(`{"type":"prom-client:getMetricsRes","requestId":%d,"metrics":[]}`, question.RequestID+1000))
			say(fmt.Sprintf(`{"type":"prom-client:getMetricsRes","requestId":%d,"metrics":[[]]}`, question.RequestID))
		}
	}
	return 1
}
