// Command health is a server as anybody writes it that can be made sick, as
// server.js beside it can.
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
)

// patient answers as it feels.
type patient struct {
	listener net.Listener
	mu       sync.Mutex
	sick     string
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		log.Fatal(err)
	}
	server := http.Server{
		Handler:           &patient{listener: listener, sick: os.Getenv("SICK")},
		ReadHeaderTimeout: time.Minute,
	}
	log.Print(server.Serve(listener))
	// It lives on without a listener; an empty select alone would be a deadlock to the runtime.
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, syscall.SIGTERM)
	<-interrupted
}

func (p *patient) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch p.feel(r.URL.Path) {
	case "hang":
		<-r.Context().Done()
	case "500":
		w.WriteHeader(http.StatusInternalServerError)
	}
	if pause, err := time.ParseDuration(r.URL.Path[1:]); err == nil {
		<-time.After(pause)
	}
	_, _ = fmt.Fprintf(w, "pid %d\n", os.Getpid())
}

// feel returns how it was before this request, which may make it sick.
func (p *patient) feel(path string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := os.Stat("well"); err == nil && p.sick == "500" {
		p.sick = ""
	}
	before := p.sick
	if way, found := strings.CutPrefix(path, "/sick/"); found {
		p.sick = way
	}
	if p.sick == "deaf" {
		_ = p.listener.Close()
	}
	return before
}
