package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
)

// web answers every request with the number of its instance, on $PORT.
func web([]string) int {
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	must(err)
	must(http.Serve(listener, http.HandlerFunc(sayInstance)))
	return 1
}

func sayInstance(w http.ResponseWriter, _ *http.Request) {
	_, _ = fmt.Fprintf(w, "worker %s", os.Getenv("NODE_APP_INSTANCE"))
}

// activated answers on the sockets that it is given, see sd_listen_fds(3): the
// names that they must have.
func activated(args []string) int {
	if os.Getenv("LISTEN_PID") != strconv.Itoa(os.Getpid()) {
		fail("worker: LISTEN_PID is %q, my pid %d", os.Getenv("LISTEN_PID"), os.Getpid())
	}
	if names := strings.Split(os.Getenv("LISTEN_FDNAMES"), ":"); strings.Join(names, " ") != strings.Join(args, " ") {
		fail("worker: LISTEN_FDNAMES is %q, want %q", names, args)
	}
	if os.Getenv("LISTEN_FDS") != strconv.Itoa(len(args)) {
		fail("worker: LISTEN_FDS is %q, want %d", os.Getenv("LISTEN_FDS"), len(args))
	}
	for i, name := range args {
		listener, err := net.FileListener(os.NewFile(uintptr(3+i), name))
		must(err)
		go func() { must(http.Serve(listener, http.HandlerFunc(sayInstance))) }()
	}
	hold(0)
	return 0
}
