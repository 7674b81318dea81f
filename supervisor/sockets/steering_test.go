package sockets

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// packet is a network header with a source, and the ports behind it.
func packet(source netip.Addr, port uint16) []byte {
	if source.Is4() {
		p := make([]byte, 28)
		p[0] = 4<<4 | 5
		copy(p[12:], source.AsSlice())
		binary.BigEndian.PutUint16(p[20:], port)
		binary.BigEndian.PutUint16(p[22:], 3000)
		return p
	}
	p := make([]byte, 48)
	p[0] = 6 << 4
	copy(p[8:], source.AsSlice())
	binary.BigEndian.PutUint16(p[40:], port)
	binary.BigEndian.PutUint16(p[42:], 3000)
	return p
}

// lives are for numbers from 1 to 256: members without holes, and a random choice
// of 256 positions.
func lives(t *testing.T) map[string][]int {
	t.Helper()
	chance := rand.New(rand.NewPCG(1, 2))
	all := map[string][]int{}
	for n := 1; n <= 256; n += min(n, liveStep) {
		dense := make([]int, n)
		for i := range dense {
			dense[i] = i
		}
		sparse := chance.Perm(256)[:n]
		slices.Sort(sparse)
		all[fmt.Sprintf("%d of %d", n, n)] = dense
		all[fmt.Sprintf("%d of 256", n)] = sparse
	}
	return all
}

// table is what attach gives program for live members.
func table(balance Balance, kind Kind, live []int) []int {
	if hashes(balance, kind) {
		return distributeFresh(nil, live)
	}
	return live
}

func outcome(t *testing.T, code []unix.SockFilter, m machine) int {
	t.Helper()
	result, steps, err := m.run(code)
	if err != nil || steps > 4096 {
		t.Fatalf("program of %d instructions after %d steps: %v", len(code), steps, err)
	}
	return int(result)
}

var everyWay = []struct { // never changes
	name    string
	balance Balance
	kind    Kind
}{
	{"spread TCP", Spread, TCP},
	{"sticky TCP", Sticky, TCP},
	{"spread UDP", Spread, UDP},
	{"sticky UDP", Sticky, UDP},
}

func TestProgramsAreWhatTheKernelTakes(t *testing.T) {
	for name, live := range lives(t) {
		for _, way := range everyWay {
			if err := check(program(way.balance, way.kind, table(way.balance, way.kind, live))); err != nil {
				t.Errorf("%s, %s: %v", way.name, name, err)
			}
		}
	}
}

func TestProbeAddressReachesItsPositionWhateverIsLive(t *testing.T) {
	address := Address{IP: netip.MustParseAddr("0.0.0.0")}
	for name, live := range lives(t) {
		for _, way := range everyWay {
			code := program(way.balance, way.kind, table(way.balance, way.kind, live))
			for _, position := range []int{0, 1, 255, 256, 257, 511, 0xffff, rand.IntN(0x10000)} {
				if got := outcome(t, code, machine{packet: packet(address.Probe(position), 1)}); got != position {
					t.Fatalf("%s, %s: probe of %d reaches %d", way.name, name, position, got)
				}
			}
		}
	}
}

func TestNeighboursOfTheProbeAddressesAreClients(t *testing.T) {
	live := []int{7}
	for _, way := range everyWay {
		code := program(way.balance, way.kind, table(way.balance, way.kind, live))
		for _, source := range []string{"127.102.255.255", "127.104.0.0", "126.103.0.1", "::ffff:127.103.0.1", "127.0.0.1"} {
			if got := outcome(t, code, machine{packet: packet(netip.MustParseAddr(source), 1)}); got != 7 {
				t.Errorf("%s: %s reaches %d, want 7", way.name, source, got)
			}
		}
	}
}

// Every random number is as likely as any other, so it is enough that the
// remainders are mapped exactly.
func TestSpreadGivesEachRemainderToOneLiveMember(t *testing.T) {
	for name, live := range lives(t) {
		code := program(Spread, TCP, live)
		for _, source := range []string{"10.1.2.3", "2001:db8::1"} {
			p := packet(netip.MustParseAddr(source), 1)
			for i, want := range live {
				top := uint32(math.MaxUint32/len(live)-1)*uint32(len(live)) + uint32(i)
				for _, random := range []uint32{uint32(i), uint32(i + len(live)), top} {
					if got := outcome(t, code, machine{p, random}); got != want {
						t.Fatalf("%s: random %d reaches %d, want %d", name, random, got, want)
					}
				}
			}
		}
	}
}

// clients are hosts at random, and as many neighbours in one network.
func clients(bits int) []netip.Addr {
	var all []netip.Addr
	chance := rand.New(rand.NewPCG(3, 4))
	for i := range 8192 {
		if bits == 32 {
			a := [4]byte{byte(1 + i%100)}
			binary.BigEndian.PutUint32(a[:], uint32(a[0])<<24|chance.Uint32()>>8)
			all = append(all, netip.AddrFrom4(a), netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}))
			continue
		}
		a := [16]byte{0x20, 1, 0xd, 0xb8}
		binary.BigEndian.PutUint64(a[4:], chance.Uint64())
		b := [16]byte{0x20, 1, 0xd, 0xb8, 14: byte(i >> 8), 15: byte(i)}
		all = append(all, netip.AddrFrom16(a), netip.AddrFrom16(b))
	}
	return all
}

// everyBucket are packets, one that falls into each bucket.
func everyBucket(t *testing.T, balance Balance, kind Kind, bits int) [][]byte {
	t.Helper()
	table := make([]int, buckets) // a table that returns the bucket itself
	for i := range table {
		table[i] = i
	}
	code := program(balance, kind, table)
	found, count := make([][]byte, buckets), make([]int, buckets)
	all := clients(bits)
	for i, source := range all {
		p := packet(source, uint16(1024+i))
		bucket := outcome(t, code, machine{packet: p})
		found[bucket] = p
		count[bucket]++
	}
	fair := float64(len(all)) / buckets
	for bucket, n := range count {
		if diff := math.Abs(float64(n) - fair); diff > 6*math.Sqrt(fair) {
			t.Errorf("bucket %d of IPv%d clients has %d, want %.0f", bucket, bits, n, fair)
		}
	}
	return found
}

func TestHashedClientsAreSharedOutEvenly(t *testing.T) {
	for _, way := range everyWay[1:] {
		for _, bits := range []int{32, 128} {
			packets := everyBucket(t, way.balance, way.kind, bits)
			for name, live := range lives(t) {
				places := distributeFresh(nil, live)
				checkFair(t, name, places, live)
				code := program(way.balance, way.kind, places)
				for bucket, p := range packets {
					if got := outcome(t, code, machine{packet: p}); got != places[bucket] {
						t.Fatalf("%s, %s, %d bits: bucket %d reaches %d, want %d", way.name, name, bits, bucket, got, places[bucket])
					}
				}
			}
		}
	}
}

func TestStickyIgnoresThePortAndChance(t *testing.T) {
	live := []int{0, 1, 2, 3, 4}
	for _, way := range everyWay[1:] {
		code := program(way.balance, way.kind, distributeFresh(nil, live))
		for _, source := range append(clients(32)[:50], clients(128)[:50]...) {
			seen := map[int]bool{}
			for i := range 20 {
				port := 4000
				if way.balance == Sticky {
					port += i
				}
				seen[outcome(t, code, machine{packet(source, uint16(port)), rand.Uint32()})] = true
			}
			if len(seen) != 1 {
				t.Fatalf("%s: %s reaches %d members", way.name, source, len(seen))
			}
		}
	}
}

func TestPortsSpreadTheFlowsOfOneHost(t *testing.T) {
	live := []int{0, 1, 2}
	code := program(Spread, UDP, distributeFresh(nil, live))
	for _, source := range []string{"127.0.0.1", "::1"} {
		count := map[int]int{}
		for port := range 3000 {
			count[outcome(t, code, machine{packet: packet(netip.MustParseAddr(source), uint16(30000+port))})]++
		}
		for _, position := range live {
			if count[position] < 750 || count[position] > 1250 {
				t.Errorf("%s: shares %v of 3000", source, count)
			}
		}
	}
}
