package node

import (
	"net"
	"slices"
	"strconv"
	"strings"
)

// defaultInspectPort is where Node's inspector listens if nothing else is said.
const defaultInspectPort = 9229

// Inspector is where Node's inspector listens.
type Inspector struct {
	Port  int  // 0: any free one
	Named bool // an option of it is given; else it listens upon SIGUSR1
}

// InspectorOf returns the inspector of a process by its environment and the options of
// its command line, which take precedence.
func InspectorOf(environ, options []string) Inspector {
	i := Inspector{Port: defaultInspectPort}
	for _, pair := range environ {
		if words, found := strings.CutPrefix(pair, "NODE_OPTIONS="); found {
			i.read(strings.Fields(words))
		}
	}
	i.read(options)
	return i
}

func (i *Inspector) read(options []string) {
	for at, option := range options {
		name, value, given := strings.Cut(strings.ReplaceAll(option, "_", "-"), "=")
		switch name {
		case "--inspect-port", "--debug-port":
			if !given && at+1 < len(options) {
				value = options[at+1]
			}
		case "--inspect", "--inspect-brk", "--inspect-wait":
		default:
			continue
		}
		i.Named = true
		if _, port, err := net.SplitHostPort(value); err == nil {
			value = port
		}
		if port, err := strconv.ParseUint(value, 10, 16); err == nil {
			i.Port = int(port)
		}
	}
}

// Next returns the inspector of the worker with so many before it, each with a port of its
// own: as in Node's cluster, one above the other.
func (i Inspector) Next(before int) Inspector {
	if i.Port != 0 {
		const lowest, all = 1024, 65536 - 1024
		i.Port = lowest + (i.Port-lowest+before)%all
	}
	return i
}

// Option makes Node's inspector listen at the port, and no other option is given for it
// after this one.
func (i Inspector) Option() string { return "--inspect-port=" + strconv.Itoa(i.Port) }

// AddOption adds an option to NODE_OPTIONS in an environment.
func AddOption(environ []string, option string) []string {
	changed := slices.Clone(environ)
	for at, pair := range changed {
		if words, found := strings.CutPrefix(pair, "NODE_OPTIONS="); found {
			changed[at] = "NODE_OPTIONS=" + strings.TrimSpace(words+" "+option)
			return changed
		}
	}
	return append(changed, "NODE_OPTIONS="+option)
}
