package node

import (
	"errors"
	"net/netip"
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"gorun/supervisor/sockets"
)

// The messages are Node 20's.
func TestQueriesAreUnderstoodAsNodeMeansThem(t *testing.T) {
	any6, any4 := netip.IPv6Unspecified(), netip.IPv4Unspecified()
	tests := []struct {
		name, message string
		key           string
		want          []sockets.Address
		backlog       int
		mode          os.FileMode
	}{
		{
			name:    "any address",
			message: `{"index":1,"address":null,"port":3000,"addressType":4,"backlog":0}`,
			key:     "null:3000:4:undefined:1",
			want:    []sockets.Address{{IP: any6, Port: 3000}, {IP: any4, Port: 3000}},
			backlog: 511,
		},
		{
			name:    "any port",
			message: `{"index":0,"address":"127.0.0.1","port":0,"addressType":4,"flags":0,"backlog":7}`,
			key:     "127.0.0.1:0:4:undefined:0",
			want:    []sockets.Address{{IP: netip.MustParseAddr("127.0.0.1"), Key: "127.0.0.1:0:4:undefined:0"}},
			backlog: 7,
		},
		{
			name:    "IPv6 only",
			message: `{"index":0,"address":"::","port":80,"addressType":6,"flags":1,"backlog":0}`,
			key:     ":::80:6:undefined:0",
			want:    []sockets.Address{{IP: any6, Port: 80, V6Only: true}},
			backlog: 511,
		},
		{
			name:    "IPv6 only of any address",
			message: `{"index":0,"address":null,"port":80,"addressType":4,"flags":1}`,
			key:     "null:80:4:undefined:0",
			want:    []sockets.Address{{IP: any6, Port: 80, V6Only: true}, {IP: any4, Port: 80}},
			backlog: 511,
		},
		{
			name:    "path",
			message: `{"index":0,"address":"/run/x.sock","port":-1,"addressType":-1,"backlog":0,"readableAll":true,"writableAll":true}`,
			key:     "/run/x.sock:-1:-1:undefined:0",
			want:    []sockets.Address{{Kind: sockets.Unix, Path: "/run/x.sock"}},
			backlog: 511,
			mode:    0o666,
		},
		{
			name:    "abstract name",
			message: `{"index":0,"address":"/srv/\u0000abs","port":-1,"addressType":-1,"backlog":0}`,
			key:     "/srv/\x00abs:-1:-1:undefined:0",
			want:    []sockets.Address{{Kind: sockets.Unix, Path: "\x00abs"}},
			backlog: 511,
		},
		{
			name:    "UDP",
			message: `{"index":0,"address":"0.0.0.0","port":53,"addressType":"udp4","fd":-1,"flags":0}`,
			key:     "0.0.0.0:53:udp4:-1:0",
			want:    []sockets.Address{{Kind: sockets.UDP, IP: any4, Port: 53}},
			backlog: 511,
		},
		{
			name:    "UDP over IPv6 without a port",
			message: `{"index":0,"address":"::","addressType":"udp6","fd":-1,"flags":5}`,
			key:     ":::undefined:udp6:-1:0",
			want:    []sockets.Address{{Kind: sockets.UDP, IP: any6, V6Only: true, Key: ":::undefined:udp6:-1:0"}},
			backlog: 511,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := parse([]byte(tt.message))
			if err != nil {
				t.Fatal(err)
			}
			q, err := parseQuery(m.fields)
			if err != nil || q.key != tt.key || !slices.Equal(q.candidates, tt.want) || q.backlog != tt.backlog || q.mode != tt.mode {
				t.Errorf("parseQuery(%s) = %+v, %v, want %+v", tt.message, q, err, tt)
			}
		})
	}
}

// L37: as Node's own primary, which tries to bind the descriptor.
func TestL37ADescriptorIsEINVAL(t *testing.T) {
	for _, fd := range []string{"0", "3", "99"} {
		m, err := parse([]byte(`{"address":null,"port":null,"addressType":null,"fd":` + fd + `}`))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parseQuery(m.fields); errnoOf(err) != -int(unix.EINVAL) {
			t.Errorf("fd %s: %v", fd, err)
		}
	}
}

func TestImpossibleQueriesAreRefused(t *testing.T) {
	tests := []struct {
		name, message string
		want          unix.Errno
	}{
		{"a descriptor", `{"address":null,"port":null,"addressType":null,"fd":5}`, unix.EINVAL},
		{"a port too high", `{"address":null,"port":65536,"addressType":4}`, unix.EINVAL},
		{"a negative port", `{"address":null,"port":-1,"addressType":4}`, unix.EINVAL},
		{"a name", `{"address":"localhost","port":1,"addressType":4}`, unix.EINVAL},
		{"the wrong version", `{"address":"::1","port":1,"addressType":4}`, unix.EINVAL},
		{"a relative path", `{"address":"x","port":-1,"addressType":-1}`, unix.EINVAL},
		{"an empty path", `{"address":"","port":-1,"addressType":-1}`, unix.EINVAL},
		{"an empty abstract name", `{"address":"\u0000","port":-1,"addressType":-1}`, unix.EINVAL},
		{"an unknown type", `{"address":null,"port":1,"addressType":"sctp"}`, unix.EINVAL},
		{"nothing", `{}`, unix.EINVAL},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := parse([]byte(tt.message))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := parseQuery(m.fields); !errors.Is(err, tt.want) {
				t.Errorf("parseQuery(%s) = %v, want %v", tt.message, err, tt.want)
			}
		})
	}
}

func TestOnlyNodesOwnMessagesAreInternal(t *testing.T) {
	tests := []struct{ name, line, want string }{
		{"a string", `"ready"`, ""},
		{"null", `null`, ""},
		{"a number", `1`, ""},
		{"a list", `[{"cmd":"NODE_CLUSTER"}]`, ""},
		{"an object", `{"type":"axm:monitor"}`, ""},
		{"the app's own cmd", `{"cmd":"NODE_"}`, ""},
		{"another case", `{"CMD":"NODE_CLUSTER"}`, ""},
		{"another type", `{"cmd":["NODE_CLUSTER"]}`, ""},
		{"the cluster's", `{"cmd":"NODE_CLUSTER"}`, "NODE_CLUSTER"},
		{"unknown", `{"cmd":"NODE_X"}`, "NODE_X"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if m, err := parse([]byte(tt.line)); err != nil || m.cmd != tt.want {
				t.Errorf("parse(%s) = %q, %v, want %q", tt.line, m.cmd, err, tt.want)
			}
		})
	}
}

func FuzzNoLineDoesHarm(f *testing.F) {
	f.Add([]byte(`{"cmd":"NODE_CLUSTER","act":"queryServer","index":0,"data":null,"address":null,"port":3000,"addressType":4,"backlog":0,"seq":1}`))
	f.Add([]byte(`{"cmd":"NODE_CLUSTER","address":"fe80::1%lo","port":"x","addressType":6,"seq":{}}`))
	f.Add([]byte(`{"cmd":"NODE_CLUSTER","address":"/a\u0000b","port":-1,"addressType":-1}`))
	f.Add([]byte(`[`))
	f.Add([]byte(`{"type":"axm:monitor","data":{"lag":{"value":"12.4ms"},"n":{"value":-1e308,"unit":"x"}}}`))
	f.Add([]byte(vitals))
	f.Add([]byte(`{"type":"prom-client:getMetricsRes","requestId":7,"metrics":[[]]}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		wantHarmless(t, line)
		m, err := parse(line)
		if err != nil {
			return
		}
		q, err := parseQuery(m.fields)
		if (err == nil) != (len(q.candidates) > 0) {
			t.Errorf("parseQuery(%s) = %+v, %v", line, q, err)
		}
		for _, wish := range q.candidates {
			if wish.Kind != sockets.Unix && !wish.IP.IsValid() || wish.Port < 0 || wish.Port > 65535 {
				t.Errorf("parseQuery(%s) wishes %+v", line, wish)
			}
		}
	})
}
