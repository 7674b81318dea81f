package sockets

import (
	"bufio"
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
// that the program is known to listen on, or 0.
func ExplainInUse(lines []string, own int) string {
	inUse := regexp.MustCompile(`(?i)EADDRINUSE|address (?:is )?already in use`)
	for _, line := range lines {
		if inUse.MatchString(line) {
			return inUseHint(portsIn(line), own)
		}
	}
	return ""
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
func inUseHint(ports []int, own int) string {
	if own != 0 {
		ports = append(ports, own)
	}
	for _, port := range ports {
		if socket := listeningSocket(port); socket != "" {
			return fmt.Sprintf("EADDRINUSE :%d%s", port, ownerOf(socket))
		}
	}
	if len(ports) == 0 {
		return "the address is in use"
	}
	return fmt.Sprintf("EADDRINUSE :%d", ports[0])
}

// listeningSocket names the socket that listens on a TCP port, "" when there is none.
func listeningSocket(port int) string {
	for _, table := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		if inode := listenerInode(table, port); inode != "" {
			return "socket:[" + inode + "]"
		}
	}
	return ""
}

// listenerInode searches a table of sockets (proc(5), /proc/net/tcp).
func listenerInode(table string, port int) string {
	file, err := os.Open(table)
	if err != nil {
		return ""
	}
	defer file.Close()
	const local, state, inode, listening = 1, 3, 9, "0A"
	suffix := fmt.Sprintf(":%04X", port)
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) > inode && fields[state] == listening && strings.HasSuffix(fields[local], suffix) {
			return fields[inode]
		}
	}
	return ""
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
