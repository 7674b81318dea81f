package main

import (
	"os"
	"testing"
)

func TestKilobytes(t *testing.T) {
	text := []byte("Name:\tgorun\nVmHWM:\t    2048 kB\nRss:                 512 kB\n")
	for name, want := range map[string]float64{"VmHWM": 2, "Rss": 0.5} {
		if got, err := kilobytes(text, name); err != nil || got != want {
			t.Errorf("kilobytes(%s) = %v, %v, want %v", name, got, err, want)
		}
	}
	if _, err := kilobytes(text, "VmRSS"); err == nil {
		t.Error("a missing line is no error")
	}
	if _, err := kilobytes([]byte("Rss: many kB\n"), "Rss"); err == nil {
		t.Error("a line without a number is no error")
	}
}

func TestThisProcessHasMemoryAndUsedTheProcessor(t *testing.T) {
	use, err := memoryOf(os.Getpid())
	if err != nil || use.resident <= 0 || use.private <= 0 || use.anonymous <= 0 {
		t.Errorf("memoryOf = %+v, %v", use, err)
	}
	if peak, err := peakOf(os.Getpid()); err != nil || peak < use.resident/2 {
		t.Errorf("peakOf = %v, %v", peak, err)
	}
	if used, err := cpuOf(os.Getpid()); err != nil || used <= 0 {
		t.Errorf("cpuOf = %v, %v", used, err)
	}
}

func TestProcessorName(t *testing.T) {
	text := []byte("processor\t: 0\nmodel name\t: AMD EPYC\nprocessor\t: 1\nmodel name\t: AMD EPYC\n")
	if got := processorName(text); got != "AMD EPYC" {
		t.Errorf("processorName = %q", got)
	}
	if got := processorName([]byte("CPU implementer : 0x41\n")); got == "" {
		t.Error("no words for a processor without a name")
	}
}

func TestTimeslices(t *testing.T) {
	for text, want := range map[string]float64{"250 31 7\n": 7, "": 0, "1 2": 0, "1 2 x": 0} {
		if got := timeslices([]byte(text)); got != want {
			t.Errorf("timeslices(%q) = %v, want %v", text, got, want)
		}
	}
}
