//go:build scenarios

package scenarios_test

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gorun/deploy/scenarios/freeport"
)

// blocking is a plain program that waits in accept and recvfrom, with the modes of its
// sockets.
const blocking = `
import fcntl, os, socket, sys, threading
names = os.environ['LISTEN_FDNAMES'].split(':')
modes = ['%s=%s' % (n, bool(fcntl.fcntl(3 + i, fcntl.F_GETFL) & os.O_NONBLOCK)) for i, n in enumerate(names)]
print('modes', *sorted(modes), flush=True)
def datagrams(s):
    while True:
        data, peer = s.recvfrom(100)
        s.sendto(str(os.getpid()).encode(), peer)
def connections(s):
    while True:
        c, _ = s.accept()
        c.sendall(str(os.getpid()).encode())
        c.close()
for i, n in enumerate(names):
    s = socket.socket(fileno=3 + i)
    if n != 'idle':
        threading.Thread(target=datagrams if s.type == socket.SOCK_DGRAM else connections, args=[s], daemon=True).start()
threading.Event().wait()
`

// L32: sockets are passed on as systemd does: blocking, datagrams too; or as the file says.
func TestL32PlainProgramsAcceptOnPassedSockets(t *testing.T) {
	python := tool(t, "python3")
	s := newSite(t)
	script := filepath.Join(s.dir, "blocking.py")
	writeFile(t, script, blocking, 0o644)
	udp, idle := freeport.Take(t), freeport.Take(t)
	a := app{"name": "api", "script": script, "interpreter": python, "exec_mode": "cluster", "instances": 3, "cwd": s.dir, "listen": app{
		"web": s.address, "path": "./socket",
		"dns":  app{"address": loopback(udp), "type": "udp"},
		"idle": app{"address": loopback(idle), "nonblock": true},
	}}
	g := operate(t, s, a)
	for range 3 {
		g.out.next(t, "^modes dns=False idle=True path=False web=False$")
	}
	ask := func(network, address string) string {
		conn, err := net.DialTimeout(network, address, patience)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(patience))
		if network == "udp" {
			_, _ = fmt.Fprint(conn, "?")
		}
		answer := make([]byte, 100)
		n, err := conn.Read(answer)
		if err != nil {
			t.Fatalf("%s %s: %v", network, address, err)
		}
		return string(answer[:n])
	}
	ask("unix", filepath.Join(s.dir, "socket"))
	for network, address := range map[string]string{"tcp": s.address, "udp": loopback(udp)} {
		seen := map[string]bool{}
		eventually(t, "three workers answer by "+network, func() bool {
			seen[ask(network, address)] = true
			return len(seen) == 3
		})
	}
	g.ok(t, "reload", "api")
	ask("tcp", s.address)
	ask("udp", loopback(udp))
	if out := g.out.text(); strings.Count(out, "modes dns=False idle=True path=False web=False") != 6 {
		t.Errorf("modes after a reload:\n%s", out)
	}
	g.signal(t, unix.SIGTERM)
	wantCode(t, g.gorun, 0)
}
