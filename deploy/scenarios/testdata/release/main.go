// Command release is a server as anybody writes it, without a signal handler unless there
// is $RECORD. It answers with its pid on $PORT, as testdata/control/server.js does.
package main

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// hoard is what /eat has taken.
type hoard struct {
	mu   sync.Mutex
	kept [][]byte
}

func main() {
	if word := os.Getenv("CRASH"); word != "" {
		fmt.Fprintln(os.Stderr, word)
		os.Exit(3) //nolint:revive // this is main
	}
	if start, err := time.ParseDuration(os.Getenv("START") + "ms"); err == nil {
		fmt.Println("starting", time.Now().UnixNano())
		<-time.After(start)
		fmt.Println("started", time.Now().UnixNano())
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("listening", os.Getpid())
	fmt.Fprintln(os.Stderr, "complaining", os.Getpid())
	server := &http.Server{Handler: &hoard{}, ReadHeaderTimeout: time.Minute}
	if path := os.Getenv("RECORD"); path != "" {
		graceful(server, listener, path)
		return
	}
	log.Fatal(server.Serve(listener))
}

// graceful ends at SIGTERM as Go's documentation shows it, and records what it did.
func graceful(server *http.Server, listener net.Listener, path string) {
	note := func(what string) {
		record, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Fprintln(record, what, os.Getpid())
		_ = record.Close()
	}
	asked := make(chan os.Signal, 2)
	signal.Notify(asked, unix.SIGTERM)
	note("start")
	go func() { _ = server.Serve(listener) }() // ErrServerClosed
	<-asked
	note("handler")
	_ = server.Shutdown(context.Background())
	note("exit")
}

func (h *hoard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/eat" {
		h.mu.Lock()
		h.kept = append(h.kept, bytes.Repeat([]byte("x"), 450<<20))
		h.mu.Unlock()
	}
	if pause, err := time.ParseDuration(r.URL.Path[1:]); err == nil {
		<-time.After(pause)
	}
	_, _ = fmt.Fprintf(w, "pid %d\n", os.Getpid())
}
