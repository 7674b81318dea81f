package ecosystem

import (
	"net/netip"
	"slices"
	"strconv"

	"gorun/supervisor/sockets"
	"gorun/supervisor/spec"
)

// claim is an address that an app is known to listen on.
type claim struct {
	address sockets.Address
	at      position
	certain bool // gorun opens it for the app's workers to share; else the app may not listen there
}

// checkPorts compares the addresses of the apps: of two that have one in common, one
// cannot start.
func (l *loader) checkPorts(builders []*builder) {
	for i, b := range builders {
		for _, other := range builders[:i] {
			if b.app.Autostart && other.app.Autostart && !isAfter(b, other) && !isAfter(other, b) {
				l.checkPair(b, other)
			}
		}
	}
}

// isAfter reports whether an app starts when the other one has ended.
func isAfter(b, other *builder) bool {
	return slices.ContainsFunc(b.depends, func(d dependency) bool {
		return d.App == other.app.Name && d.Condition == spec.Completed
	})
}

// checkPair reports the first address that two apps have in common.
func (l *loader) checkPair(b, other *builder) {
	for _, own := range b.claims() {
		for _, its := range other.claims() {
			switch {
			case !overlap(own.address, its.address):
				continue
			case own.certain && its.certain:
				l.report.mistake(own.at, "app %q cannot share %s with app %q, see %s: one of the two would not start; give it another",
					b.app.Name, placeOf(own.address), other.app.Name, l.report.location(its.at))
			default:
				l.report.warn(own.at, "app %q has %s in common with app %q, see %s: if both listen there, one of the two does not start",
					b.app.Name, placeOf(own.address), other.app.Name, l.report.location(its.at))
			}
			return
		}
	}
}

// claims are the addresses of an app that the file has: those of listen, port, and in
// cluster mode the variable PORT.
func (b *builder) claims() []claim {
	var all []claim
	for _, socket := range b.app.Listen {
		all = append(all, claim{socket.Address, b.settings["listen"].value.at, true})
	}
	shares := b.app.Sharing != spec.ShareNone
	switch port, err := strconv.ParseUint(b.env.vars["PORT"], 10, 16); {
	case b.app.Env.IncrementVar == "PORT": // each worker has one of its own
	case b.app.Port != 0:
		all = append(all, claim{everywhere(b.app.Port), b.settings["port"].value.at, shares})
	case err == nil && port != 0 && b.env.own["PORT"] && shares:
		all = append(all, claim{everywhere(int(port)), b.variableAt("PORT"), false})
	}
	return all
}

func everywhere(port int) sockets.Address {
	return sockets.Address{IP: netip.IPv6Unspecified(), Port: port}
}

// variableAt is where the app sets a variable.
func (b *builder) variableAt(name string) position {
	for _, s := range []setting{b.envs[b.source.EnvName], b.settings["env"]} {
		if e, found := s.value.lookup(name); found {
			return e.value.at
		}
	}
	if s := b.settings["env_file"]; s.given() {
		return s.value.at
	}
	return b.at
}

// overlap reports whether two addresses cannot be bound at the same time.
func overlap(a, b sockets.Address) bool {
	if a.Kind != b.Kind || a.Port != b.Port || a.Path != b.Path {
		return false
	}
	return a.Kind == sockets.Unix || a.IP == b.IP || covers(a.IP, b.IP) || covers(b.IP, a.IP)
}

// covers reports whether a stands for every address of b's family.
func covers(a, b netip.Addr) bool {
	return a.IsUnspecified() && (a.Is6() || b.Is4())
}

// placeOf names an address as the file does.
func placeOf(a sockets.Address) string {
	if a.Kind != sockets.Unix && a.IP == netip.IPv6Unspecified() {
		return "port " + strconv.Itoa(a.Port)
	}
	return a.String()
}
