package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// machine is what the figures hold for. It names no host, user or path.
type machine struct {
	processor  string
	processors int
	memory     string
	kernel     string
	versions   string
	loadBefore string
	loadAfter  string
}

func thisMachine(l *lab) machine {
	m := machine{processors: runtime.NumCPU(), loadBefore: load()}
	text, _ := os.ReadFile("/proc/cpuinfo")
	m.processor = processorName(text)
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		m.kernel = unix.ByteSliceToString(name.Release[:])
	}
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		total, _ := kilobytes(text, "MemTotal")
		m.memory = fmt.Sprintf("%.1f GB", total/1024)
	}
	m.versions = strings.Join([]string{
		runtime.Version(), versionOf("tini", l.tini, "--version"), versionOf("node", l.node, "--version"), "pm2 " + l.pm2Version(),
	}, ", ")
	return m
}

func (m machine) rows() [][]string {
	return [][]string{
		{"machine", ""},
		{"processor", fmt.Sprintf("%s, %d in use by this machine", m.processor, m.processors)},
		{"memory", m.memory},
		{"kernel", "Linux " + m.kernel},
		{"programs", m.versions},
		{"load average before and after", m.loadBefore + " and " + m.loadAfter},
	}
}

func processorName(cpuinfo []byte) string {
	for line := range bytes.Lines(cpuinfo) {
		name, value, _ := strings.Cut(string(line), ":")
		if strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH + ", which tells no name"
}

// load is the load average of the last minute.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(text), " ")
	return first
}

func versionOf(name, path, option string) string {
	if path == "" {
		return name + " not installed"
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	text, err := exec.CommandContext(ctx, path, option).Output()
	if err != nil {
		return name + " of unknown version"
	}
	version, _, _ := strings.Cut(strings.TrimPrefix(firstLine(text), name+" version "), " - ")
	return name + " " + version
}
