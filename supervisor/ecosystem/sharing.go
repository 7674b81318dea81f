package ecosystem

import (
	"errors"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"

	"gorun/supervisor/sockets"
	"gorun/supervisor/spec"
)

// sharingKeys configure shared ports, readiness, drain and reload.
func (b *builder) sharingKeys() []Key {
	a := &b.app
	return []Key{
		{Name: "sharing", Type: enumVar(&b.sharing, "auto", "node", "intercept", "inherit", "none"), Default: "auto", Doc: "How workers in cluster mode come to share a port: node (Node's cluster protocol), intercept (any program), inherit (the sockets of listen), none; auto chooses."},
		{Name: "balance", Type: enumVar(&a.Balance, "spread", "sticky", "shared"), Default: "spread", Doc: "How connections are spread over workers: spread (at random), sticky (by the client's address), shared (one socket for all)."},
		{Name: "listen", Type: listenVar(&a.Listen), Doc: "Sockets that gorun opens and passes on (LISTEN_FDS): a list of 8080, 127.0.0.1:8080, [::1]:8080 or /path, or a mapping of names to these. Each may be written {address, name, nonblock, type}: nonblock: true for programs that expect O_NONBLOCK, type: udp for datagrams."},
		{Name: "wait_ready", Type: boolVar(&a.WaitReady), Default: "false", Doc: "Waits until a worker reports that it is ready, by process.send('ready') in Node or READY=1 of sd_notify elsewhere, for at most listen_timeout."},
		{Name: "relay_messages", Type: boolVar(&a.RelayMessages), Default: "false", Doc: "Passes the objects that a worker sends by process.send on to the app's other workers: for socket.io's cluster adapter, and log4js with pm2: true."},
		{Name: "drain_timeout", Type: durationVar(&a.DrainTimeout), Doc: "Part of kill_timeout in which a worker may finish the connections that it has accepted; half of it by default."},
		{Name: "drain_idle", Type: durationVar(&a.DrainIdle), Default: "1s", Doc: "How long a connection must have been idle, in both directions, before a worker that is being stopped counts as done with it."},
		{Name: "reload_parallel", Type: countVar(&a.ReloadParallel), Doc: "How many workers a reload replaces at a time; a quarter of them by default."},
		{Name: "reload_fallback", Type: enumVar(&b.reloadFallback, "keep", "restart"), Default: "keep", Doc: "What happens when a replacement does not become ready in a reload: keep (the old worker stays, the reload stops) or restart (as pm2: the old one is stopped, then a new one started)."},
	}
}

// The indexes of sharing's words that are not equal to a spec.Sharing.
const (
	sharingAuto = 0
	sharingNone = 4
)

// chooseSharing decides how the workers share their ports.
func (b *builder) chooseSharing() {
	a := &b.app
	if a.Balance != sockets.Spread && a.Mode == spec.Fork {
		b.settings["balance"].wrong(b.report, "workers share no port in fork mode; set exec_mode: cluster")
	}
	asked := spec.Sharing(b.sharing)
	switch {
	case asked == spec.ShareNode && !a.Node:
		b.settings["sharing"].wrong(b.report, "node needs a script that node runs directly; leave sharing out, or write intercept")
	case a.Mode == spec.Fork && len(a.Listen) == 0, b.sharing == sharingNone:
		a.Sharing = spec.ShareNone
	case b.sharing != sharingAuto:
		a.Sharing = asked
	case len(a.Listen) > 0:
		a.Sharing = spec.ShareInherit
	case a.Node:
		a.Sharing = spec.ShareNode
	default:
		a.Sharing = spec.ShareIntercept
	}
	a.ChannelOnly = a.Sharing == spec.ShareNode && asked == spec.ShareNode
	if !b.settings["drain_timeout"].given() {
		a.DrainTimeout = a.KillTimeout / 2
	}
	a.ReloadFallback = b.reloadFallback == 1
}

// listenVar is the sockets to pass to the workers.
func listenVar(field *[]spec.Socket) Type {
	add := func(in scope, name string, s setting) {
		if socket, ok := socketOf(in, name, s); ok {
			*field = append(*field, socket)
		}
	}
	one := socketShape()
	forms := []any{ref("words"), one, mapOf(shape{"anyOf": []any{ref("text"), one}}), shape{"type": "array", "items": shape{"anyOf": []any{ref("text"), one}}}}
	return Type{forms: forms, set: func(in scope, s setting) {
		switch s.value.kind {
		case mapping:
			if isSocket(s.value) {
				add(in, in.app, s)
				return
			}
			for _, e := range s.value.entries {
				add(in, e.key, s.inner(e))
			}
		case list:
			for _, v := range s.value.list {
				add(in, in.app, s.item(v))
			}
		case null, boolean, number, text:
			add(in, in.app, s)
		}
	}}
}

// isSocket reports whether a mapping is one socket, and not several by their names.
func isSocket(v value) bool {
	_, found := v.lookup("address")
	return found && len(v.entries) > 1
}

// socketKeys configure one socket. datagrams is an index into the words of type.
func socketKeys(address, name *string, nonBlock *bool, datagrams *int) []Key {
	return []Key{
		{Name: "address", Type: textVar(address), Doc: "Where it listens."},
		{Name: "name", Type: textVar(name), Doc: "Its name in LISTEN_FDNAMES."},
		{Name: "nonblock", Type: boolVar(nonBlock), Doc: "Whether it is non-blocking."},
		{Name: "type", Type: enumVar(datagrams, "tcp", "udp"), Doc: "tcp, or udp: datagrams."},
	}
}

func socketShape() shape {
	properties := map[string]shape{}
	for _, key := range socketKeys(nil, nil, nil, nil) {
		properties[key.Name] = shape{"description": key.Doc, "anyOf": key.Type.forms}
	}
	s := mappingShape(properties)
	s["required"] = []string{"address"}
	return s
}

// socketOf reads an address, or a mapping with one.
func socketOf(in scope, name string, s setting) (socket spec.Socket, ok bool) {
	var words string
	var datagrams int
	before := len(in.report.mistakes)
	if s.value.kind == mapping {
		o := object{keys: socketKeys(&words, &name, &socket.NonBlock, &datagrams), example: "{address: 8080}"}
		o.read(in, s)
	} else {
		words = s.text(in.report)
	}
	if len(in.report.mistakes) > before {
		return socket, false
	}
	address, err := parseListen(words, in.programs.dir)
	switch {
	case err != nil:
		s.wrong(in.report, "%s %v", quote(words), err)
	case strings.Contains(name, ":"):
		s.wrong(in.report, "a socket's name must have no colon (LISTEN_FDNAMES)")
	case datagrams == 0:
	case address.Kind == sockets.Unix:
		s.wrong(in.report, "%s: type: udp needs an IP address and port, or a port", quote(words))
	default:
		address.Kind = sockets.UDP
	}
	socket.Name, socket.Address = name, address
	return socket, len(in.report.mistakes) == before
}

var errListen = errors.New("is not an address to listen on; write 8080, 127.0.0.1:8080, [::1]:8080 or /path/to/socket")

// parseListen reads an address: a port alone is every address of both families.
func parseListen(words, dir string) (sockets.Address, error) {
	if strings.Contains(words, "/") {
		path := strings.TrimPrefix(words, "unix:")
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		return sockets.Address{Kind: sockets.Unix, Path: path}, nil
	}
	if port, err := strconv.ParseUint(strings.TrimPrefix(words, ":"), 10, 16); err == nil && port > 0 {
		return sockets.Address{IP: netip.IPv6Unspecified(), Port: int(port)}, nil
	}
	at, err := netip.ParseAddrPort(words)
	if err != nil || at.Port() == 0 {
		return sockets.Address{}, errListen
	}
	return sockets.Address{IP: at.Addr(), Port: int(at.Port())}, nil
}
