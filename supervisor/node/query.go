package node

import (
	"net/netip"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"gorun/supervisor/sockets"
)

// anyBacklog is the backlog of a server that names none, as in Node.
const anyBacklog = 511

// query is a worker's request to listen.
type query struct {
	key        string
	candidates []sockets.Address // the first that can be bound is used
	backlog    int
	mode       os.FileMode // to be added to a path's
}

// parseQuery parses a queryServer message. Its error is a unix.Errno.
func parseQuery(f fields) (query, error) {
	q := query{key: f.key(), backlog: f.number("backlog", 0)}
	if q.backlog <= 0 {
		q.backlog = anyBacklog
	}
	if f.number("fd", none) >= 0 {
		return q, unix.EINVAL // as Node's own primary: it would be a descriptor of gorun
	}
	var err error
	switch kind := f.templateString("addressType"); kind {
	case "-1":
		q.candidates, err = pathCandidate(f.text("address"))
		q.mode = pathMode(f)
	case "4", "6":
		q.candidates, err = f.candidates(sockets.TCP, kind)
	case "udp4", "udp6":
		q.candidates, err = f.candidates(sockets.UDP, kind)
	default:
		err = unix.EINVAL
	}
	return q, err
}

// candidates returns the addresses for an IP and port. Without an IP, a TCP server
// gets both versions, or IPv4 where there is no IPv6.
func (f fields) candidates(kind sockets.Kind, version string) ([]sockets.Address, error) {
	a := sockets.Address{Kind: kind, Port: f.number("port", 0), V6Only: f.number("flags", 0)&1 != 0}
	if a.Port < 0 || a.Port > 65535 {
		return nil, unix.EINVAL
	}
	if a.Port == 0 {
		a.Key = f.key()
	}
	host := f.text("address")
	if host == "" && kind == sockets.TCP {
		both, four := a, a
		both.IP, four.IP, four.V6Only = netip.IPv6Unspecified(), netip.IPv4Unspecified(), false
		return []sockets.Address{both, four}, nil
	}
	ip, err := parseIP(host, version)
	if err != nil || ip.Is4() == strings.HasSuffix(version, "6") {
		return nil, unix.EINVAL
	}
	a.IP = ip
	a.V6Only = a.V6Only && ip.Is6()
	return []sockets.Address{a}, nil
}

// parseIP parses an IP, "" for any.
func parseIP(host, version string) (netip.Addr, error) {
	switch {
	case host != "":
		return netip.ParseAddr(host)
	case strings.HasSuffix(version, "6"):
		return netip.IPv6Unspecified(), nil
	}
	return netip.IPv4Unspecified(), nil
}

// pathCandidate returns the address for a path. Node treats an abstract name as a
// relative path, and puts the working directory before its NUL.
func pathCandidate(path string) ([]sockets.Address, error) {
	if _, name, found := strings.Cut(path, "\x00"); found {
		path = "\x00" + name
	}
	if path == "\x00" || !strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "\x00") {
		return nil, unix.EINVAL
	}
	return []sockets.Address{{Kind: sockets.Unix, Path: path}}, nil
}

// pathMode returns the mode bits for all users that the server asks for.
func pathMode(f fields) os.FileMode {
	var mode os.FileMode
	if f.isTrue("readableAll") {
		mode |= 0o444
	}
	if f.isTrue("writableAll") {
		mode |= 0o222
	}
	return mode
}
