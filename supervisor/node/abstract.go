package node

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"gorun/supervisor/sockets"
)

// nameAsNode gives abstract sockets the name under which the clients of the worker's own
// version of Node look for them.
func (c *Channel) nameAsNode(q query) {
	for i := range q.candidates {
		if a := &q.candidates[i]; a.Kind == sockets.Unix && strings.HasPrefix(a.Path, "\x00") && c.options.LibUV != nil {
			a.Path = abstractName(a.Path, c.options.LibUV())
		}
	}
}

// abstractName returns the whole name that a version of libuv binds for one that begins with
// NUL. Until 1.47 it fills struct sockaddr_un, as in Node 20: the NULs are part of the name.
// Before 1.46 it ends a name at its first NUL, so that all are one.
func abstractName(name, libUV string) string {
	minor, known := minorVersion(libUV)
	var address unix.RawSockaddrUnix
	switch {
	case !known, minor >= 48, len(name) > len(address.Path):
		return name
	case minor < 46:
		name = ""
	}
	return name + strings.Repeat("\x00", len(address.Path)-len(name))
}

// minorVersion returns M of a version 1.M.N.
func minorVersion(version string) (int, bool) {
	parts := strings.Split(version, ".")
	if len(parts) < 2 || parts[0] != "1" {
		return 0, false
	}
	minor, err := strconv.Atoi(parts[1])
	return minor, err == nil
}
