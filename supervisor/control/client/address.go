package client

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Address is where the control socket is: the same for gorun and for its clients.
// The zero value is the default: a file where that can be written, else a name.
type Address struct {
	Socket string // $GORUN_SOCKET: a path, or @name in the abstract namespace; "": the default

	RunDir       string // of the default socket file; "": /run/gorun
	PIDNamespace string // link that names the PID namespace; "": /proc/self/ns/pid
}

const (
	defaultRunDir       = "/run/gorun"
	defaultPIDNamespace = "/proc/self/ns/pid"
	maxSocket           = 107 // bytes in sun_path, but for the final zero
)

// Path is the default socket file.
func (a Address) Path() string {
	return filepath.Join(cmp.Or(a.RunDir, defaultRunDir), "gorun.sock")
}

// Abstract is the default where the file cannot be written. The name carries the PID namespace,
// because containers of a pod, and all with --network host, share one namespace
// of abstract names. Without /proc there is no such name: a guess could reach
// the gorun of another container.
func (a Address) Abstract() (string, error) {
	link, err := os.Readlink(cmp.Or(a.PIDNamespace, defaultPIDNamespace))
	if err != nil {
		return "", fmt.Errorf("name an abstract socket by the PID namespace: %w", err)
	}
	inode := strings.TrimSuffix(strings.TrimPrefix(link, "pid:["), "]")
	if _, err := strconv.ParseUint(inode, 10, 64); err != nil {
		return "", fmt.Errorf("name an abstract socket by the PID namespace: %q is not one", link)
	}
	return "@gorun-pidns-" + inode, nil
}

// candidates are the addresses at which a client looks, in this order.
func (a Address) candidates() []string {
	if a.Socket != "" {
		return []string{a.Socket}
	}
	all := []string{a.Path()}
	if name, err := a.Abstract(); err == nil {
		all = append(all, name)
	}
	return all
}

// IsAbstract reports whether a socket is a name in the abstract namespace, not a
// file.
func IsAbstract(socket string) bool { return strings.HasPrefix(socket, "@") }

// CheckSocket says in words what the kernel would call an invalid argument.
func CheckSocket(socket string) error {
	if socket == "@" {
		return errors.New("the name of an abstract socket is empty after the @")
	}
	if len(socket) > maxSocket {
		return fmt.Errorf("%s has %d bytes; the address of a unix socket may have %d", socket, len(socket), maxSocket)
	}
	return nil
}
