package usage

import "testing"

func TestEachVictimExplainsOneDeath(t *testing.T) {
	count := uint64(5)
	kills := &OOMKills{Count: func() uint64 { return count }}
	if kills.Explain(5) {
		t.Error("an old victim explains a death")
	}
	count = 7
	for i, want := range []bool{true, true, false} {
		if got := kills.Explain(5); got != want {
			t.Errorf("death %d after two victims: out of memory = %v, want %v", i, got, want)
		}
	}
	count = 9
	if kills.Explain(9) {
		t.Error("a victim from before the run explains its end")
	}
}
