package sockets

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// ExplainInUse names the address that a program could not have, and who holds it,
// from what the program has written; "" where no line is about that. own is the port
// that the program is known to listen on, or 0; sharedBy says which other app shares a
// port, "" for none.
func ExplainInUse(lines []string, own int, sharedBy func(port int) string) string {
	inUse := regexp.MustCompile(`(?i)EADDRINUSE|address (?:is )?already in use`)
	var ports []int
	found := false
	for _, line := range lines {
		switch {
		case inUse.MatchString(line):
			found = true
			ports = append(ports, portsIn(line)...)
		case found:
			ports = append(ports, portField(line)...)
		}
	}
	if !found {
		return ""
	}
	return inUseHint(ports, own, sharedBy)
}

// portField returns the port of an error that Node has printed field by field.
func portField(line string) []int {
	digits, found := strings.CutPrefix(strings.TrimSpace(line), "port: ")
	port, err := strconv.Atoi(strings.TrimSuffix(digits, ","))
	if !found || err != nil {
		return nil
	}
	return []int{port}
}

// portsIn returns what may be a port in a line, the likeliest first: the time
// of day comes before the message.
func portsIn(line string) []int {
	var ports []int
	for _, match := range regexp.MustCompile(`:(\d{2,5})\b`).FindAllStringSubmatch(line, -1) {
		if port, err := strconv.Atoi(match[1]); err == nil && port <= math.MaxUint16 {
			ports = append(ports, port)
		}
	}
	slices.Reverse(ports)
	return ports
}

// inUseHint prefers a port that somebody does listen on to what only may be one.
func inUseHint(ports []int, own int, sharedBy func(port int) string) string {
	if own != 0 {
		ports = append(ports, own)
	}
	for _, port := range ports {
		if app := sharedBy(port); app != "" {
			return fmt.Sprintf("EADDRINUSE :%d, which app %s has: two apps cannot share a port", port, app)
		}
		if all, err := Listeners(port); err == nil && len(all) > 0 {
			return fmt.Sprintf("EADDRINUSE :%d%s", port, ownerOf(fmt.Sprintf("socket:[%d]", all[0].Inode)))
		}
	}
	if len(ports) == 0 {
		return "the address is in use"
	}
	return fmt.Sprintf("EADDRINUSE :%d", ports[0])
}

// ownerOf names the process that holds a socket, as far as gorun may see it.
func ownerOf(socket string) string {
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return ""
	}
	for _, process := range processes {
		if !holds(process, socket) {
			continue
		}
		name, err := os.ReadFile(process + "/comm")
		if err != nil {
			continue
		}
		return fmt.Sprintf(", held by pid %s (%s)", filepath.Base(process), strings.TrimSpace(string(name)))
	}
	return ""
}

// holds reports whether the process has the socket among its descriptors.
func holds(process, socket string) bool {
	descriptors, err := os.ReadDir(process + "/fd")
	if err != nil {
		return false
	}
	return slices.ContainsFunc(descriptors, func(d os.DirEntry) bool {
		target, err := os.Readlink(process + "/fd/" + d.Name())
		return err == nil && target == socket
	})
}
