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

// sharing chooses how the workers come to their ports.
func (d *draft) sharing() {
	d.app.Node = isNode(d.app.Interpreter)
	d.listen()
	balance := d.setting("balance")
	d.app.Balance = sockets.Balance(d.report.oneOf(balance, "spread", "sticky", "shared"))
	if d.app.Balance != sockets.Spread && d.app.Mode == spec.Fork {
		d.report.wrong(balance, "workers share nothing in fork mode; set exec_mode: cluster")
	}
	d.app.Sharing = d.way()
	d.app.ChannelOnly = d.app.Sharing == spec.ShareNode && d.setting("sharing").value.text == "node"
	d.readiness()
	d.app.DrainTimeout = d.app.KillTimeout / 2
	if s := d.setting("drain_timeout"); s.given() {
		d.app.DrainTimeout = d.report.duration(s)
	}
	d.app.ReloadFallback = d.report.oneOf(d.setting("reload_fallback"), "keep", "restart") == 1
}

// way resolves auto.
func (d *draft) way() spec.Sharing {
	s := d.setting("sharing")
	asked := d.report.oneOf(s, "auto", "node", "intercept", "inherit", "none")
	switch {
	case asked == int(spec.ShareNode) && !d.app.Node:
		d.report.wrong(s, "node is for scripts that node runs itself; leave it out, or write intercept")
	case d.app.Mode == spec.Fork && len(d.app.Listen) == 0:
		return spec.ShareNone
	case asked == 4:
		return spec.ShareNone
	case asked > 0:
		return spec.Sharing(asked)
	case len(d.app.Listen) > 0:
		return spec.ShareInherit
	case d.app.Node:
		return spec.ShareNode
	}
	return spec.ShareIntercept
}

// readiness reads what a worker waits for before it counts as online.
func (d *draft) readiness() {
	s := d.setting("wait_ready")
	d.app.WaitReady = d.report.bool(s)
}

// listen reads the sockets to pass on.
func (d *draft) listen() {
	s := d.setting("listen")
	if !s.given() {
		return
	}
	if s.value.kind == mapping {
		for _, e := range s.value.entries {
			d.socket(e.key, s.inner(e))
		}
		return
	}
	if s.value.kind != list {
		d.socket(d.app.Name, s)
		return
	}
	for _, v := range s.value.list {
		d.socket(d.app.Name, s.item(v))
	}
}

func (d *draft) socket(name string, s setting) {
	words := d.report.text(s)
	address, err := parseListen(words, d.app.Dir)
	if err != nil {
		d.report.wrong(s, "%s %v", quote(words), err)
		return
	}
	if strings.Contains(name, ":") {
		d.report.wrong(s, "a name of a socket has no colon (LISTEN_FDNAMES)")
	}
	d.app.Listen = append(d.app.Listen, spec.Socket{Name: name, Address: address})
}

var errListen = errors.New("is no address to listen on; write 8080, 127.0.0.1:8080, [::1]:8080 or /path/to/socket")

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
