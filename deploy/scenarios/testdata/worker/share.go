package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// share serves an address as any program would, and answers with its pid:
// NETWORK ADDRESS [await=FIFO] [graceful]. In the FIFO's name {} is the number
// of the instance. Over UDP it sends back what it gets as well.
// testdata/chaos/server.js does the same.
func share(args []string) int {
	network, address := args[0], args[1]
	graceful := false
	for _, option := range args[2:] {
		fifo, awaits := strings.CutPrefix(option, "await=")
		switch {
		case awaits:
			say("waits %d", os.Getpid())
			_, err := os.ReadFile(strings.ReplaceAll(fifo, "{}", os.Getenv("NODE_APP_INSTANCE")))
			must(err)
		case option == "graceful":
			graceful = true
		default:
			fail("worker: share: unknown %s", option)
		}
	}
	if strings.HasPrefix(network, "udp") {
		echo(network, address)
	}
	listener, err := net.Listen(network, address)
	must(err)
	server := &http.Server{Handler: http.HandlerFunc(answer), ReadHeaderTimeout: time.Minute}
	done := make(chan struct{})
	if graceful {
		go finishAtTerm(server, done)
	}
	say("listening %s", listener.Addr())
	if err := server.Serve(listener); err != http.ErrServerClosed { //nolint:errorlint // never wrapped
		must(err)
	}
	<-done
	return 0
}

// answer says who answers, after the pause that the path asks for: /5ms.
func answer(w http.ResponseWriter, r *http.Request) {
	if pause, err := time.ParseDuration(r.URL.Path[1:]); err == nil {
		<-time.After(pause)
	}
	_, _ = fmt.Fprintf(w, "pid %d\n", os.Getpid())
}

// finishAtTerm stops the server in order at SIGTERM.
func finishAtTerm(server *http.Server, done chan<- struct{}) {
	defer close(done)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGTERM)
	<-signals
	must(server.Shutdown(context.Background()))
}

func echo(network, address string) {
	conn, err := net.ListenPacket(network, address)
	must(err)
	say("listening %s", conn.LocalAddr())
	buf := make([]byte, 1500)
	for {
		n, from, err := conn.ReadFrom(buf)
		must(err)
		_, err = conn.WriteTo(fmt.Appendf(nil, "pid %d %s", os.Getpid(), buf[:n]), from)
		must(err)
	}
}
