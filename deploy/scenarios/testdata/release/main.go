// Command release is a server as anybody writes it, without a signal handler. It
// answers with its pid on $PORT, as testdata/control/server.js does.
package main

import (
	"bytes"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
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
	server := http.Server{Handler: &hoard{}, ReadHeaderTimeout: time.Minute}
	log.Fatal(server.Serve(listener))
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
