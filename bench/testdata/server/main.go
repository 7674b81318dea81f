// Command server is the smallest web server: it knows nothing of a supervisor.
// It listens on the port in $PORT, of loopback only, or on the socket that it
// inherits as $LISTEN_FD.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
)

func main() {
	body := fmt.Appendf(nil, "hello from %7d\n", os.Getpid())
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(body)
	})
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(1)
	}
}

func serve() error {
	fd, err := strconv.Atoi(os.Getenv("LISTEN_FD"))
	if err != nil {
		return http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil)
	}
	listener, err := net.FileListener(os.NewFile(uintptr(fd), "socket"))
	if err != nil {
		return err
	}
	return http.Serve(listener, nil)
}
