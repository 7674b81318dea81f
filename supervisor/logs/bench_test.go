package logs

import (
	"os"
	"syscall"
	"testing"
	"time"
)

// BenchmarkChild is a real process that writes 200,000 lines of 100 bytes, each
// with a system call of its own: gorun's own CPU time is what counts.
func BenchmarkChild(b *testing.B) {
	formats := map[string]Format{"raw": Raw, "tagged": Tagged, "keyvalue": KeyValue, "json": JSON}
	for name, format := range formats {
		b.Run(name, func(b *testing.B) {
			null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
			if err != nil {
				b.Fatal(err)
			}
			defer null.Close()
			o := output(b, Options{Stdout: null, Stderr: null, Format: format})
			w := o.Worker(Identity{App: "api"}, Config{})
			before, runs := cpu(b), uint64(0)
			for b.Loop() {
				run(b, w, "bench")
				runs++
			}
			if n := w.Counts().Lines[Stdout]; n != runs*200_000 {
				b.Fatalf("%d lines in %d runs", n, runs)
			}
			b.ReportMetric(float64((cpu(b)-before).Milliseconds())/float64(b.N), "cpu-ms/200k-lines")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkStream is the same without the pipe.
func BenchmarkStream(b *testing.B) {
	text := ""
	for _, line := range numbered(1000) {
		text += line + "\n"
	}
	for name, format := range map[string]Format{"raw": Raw, "tagged": Tagged, "keyvalue": KeyValue, "json": JSON} {
		b.Run(name, func(b *testing.B) {
			null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
			if err != nil {
				b.Fatal(err)
			}
			defer null.Close()
			o := output(b, Options{Stdout: null, Stderr: null, Format: format})
			s := bare(o.Worker(Identity{App: "api"}, Config{}), Stdout)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				feed(s, text, nil)
			}
		})
	}
}

func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
