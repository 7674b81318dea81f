package control

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Place says where the socket is: the same for gorun and for its clients.
type Place struct {
	Socket string // $GORUN_SOCKET: a path, or @name in the abstract namespace; "": the usual places

	folder string // of the usual socket file; "": /run/gorun
	pids   string // link that names the PID namespace; "": /proc/self/ns/pid
}

const (
	usualFolder = "/run/gorun"
	usualPIDs   = "/proc/self/ns/pid"
	longest     = 107 // bytes in sun_path, but for the final zero
)

// file is where the socket is if it can be written there.
func (p Place) file() string {
	return filepath.Join(cmp.Or(p.folder, usualFolder), "gorun.sock")
}

// abstract is where it is otherwise. The name carries the PID namespace,
// because containers of a pod, and all with --network host, share one namespace
// of abstract names. Without /proc there is no such name: a guess could reach
// the gorun of another container.
func (p Place) abstract() (string, error) {
	link, err := os.Readlink(cmp.Or(p.pids, usualPIDs))
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
func (p Place) candidates() []string {
	if p.Socket != "" {
		return []string{p.Socket}
	}
	all := []string{p.file()}
	if name, err := p.abstract(); err == nil {
		all = append(all, name)
	}
	return all
}

func isAbstract(address string) bool { return strings.HasPrefix(address, "@") }

// checkAddress says in words what the kernel would call an invalid argument.
func checkAddress(address string) error {
	if address == "@" {
		return errors.New("the name of an abstract socket is empty after the @")
	}
	if len(address) > longest {
		return fmt.Errorf("%s has %d bytes; the address of a unix socket may have %d", address, len(address), longest)
	}
	return nil
}
