package client

import "testing"

func TestAClientTrustsItsOwnUserAndRoot(t *testing.T) {
	for _, test := range []struct {
		name    string
		own     uint32
		address string
		peer    Peer
		trusted bool
	}{
		{"root's", 1000, "@s", Peer{7, 0}, true},
		{"own", 1000, "@s", Peer{7, 1000}, true},
		{"a squatter", 1000, "@s", Peer{7, 1001}, false},
		{"a squatter's file", 1000, "/tmp/s", Peer{7, 1001}, false},
		{"root at the first process", 0, "@s", Peer{1, 1000}, true},
		{"root at another", 0, "@s", Peer{7, 1000}, false},
		{"root at a file", 0, "/s", Peer{7, 1000}, true},
		{"another container's", 0, "@s", Peer{0, 0}, false},
	} {
		err := verifyServer(Users{Own: test.own, Overflow: 65534, AllMapped: true}, test.address, test.peer)
		if (err == nil) != test.trusted {
			t.Errorf("%s: distrust(%+v) = %v", test.name, test.peer, err)
		}
	}
}

func TestMapsAll(t *testing.T) {
	for text, want := range map[string]bool{
		"         0          0 4294967295\n":  true,
		"         0     100000      65536\n":  false,
		"":                                    false,
		"0 1000 1\n1 100000 65536\n":          false,
		"      1000          0 4294966295 \n": false,
	} {
		if got := mapsAll(text); got != want {
			t.Errorf("mapsAll(%q) = %t", text, got)
		}
	}
}
