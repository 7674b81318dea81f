package status

import (
	"math"
	"testing"
)

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{
		-1: "0 B", 0: "0 B", 999: "999 B", 1023: "1023 B", 1024: "1 KiB", 1500: "1.5 KiB", 45_300_000: "43.2 MiB",
		64 << 20: "64 MiB", 512 << 20: "512 MiB", 1000 << 20: "1000 MiB", 1<<30 - 1: "1 GiB", 3 << 30: "3 GiB",
		math.MaxInt64: "8 EiB",
	} {
		if got := Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestPlural(t *testing.T) {
	if got := Plural(2, "process"); got != "2 processes" {
		t.Errorf("Plural(2) = %q", got)
	}
	for n, want := range map[int]string{0: "0 apps", 1: "1 app", 2: "2 apps"} {
		if got := Plural(n, "app"); got != want {
			t.Errorf("Plural(%d) = %q, want %q", n, got, want)
		}
	}
}
