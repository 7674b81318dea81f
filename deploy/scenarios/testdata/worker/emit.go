package main

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"time"
)

// emit writes one of the outputs that are easy to damage, and exits without a
// pause: KIND. The scenarios know the same bytes.
func emit(args []string) int {
	write := func(b []byte) {
		_, err := os.Stdout.Write(b)
		must(err)
	}
	switch args[0] {
	case "lines":
		var all bytes.Buffer
		for i := range number(args, 1) {
			all.WriteString("line " + strconv.Itoa(i) + " " + strings.Repeat("x", 60) + "\n")
		}
		write(all.Bytes())
	case "long":
		write([]byte(strings.Repeat("0123456789abcdef", 1<<20/16) + "\nafter\n"))
	case "utf8":
		text := []byte(strings.Repeat("grüße → 世界 🎉 ", 20) + "\n")
		for range 3 {
			for i := 0; i < len(text); i += 7 {
				write(text[i:min(i+7, len(text))])
				<-time.After(200 * time.Microsecond)
			}
		}
	case "empty":
		write([]byte("\n\nbetween\n\n\nlast\n\n"))
	case "binary":
		var all []byte
		for b := range 256 {
			if b != '\n' {
				all = append(all, byte(b))
			}
		}
		write(append(all, '\n'))
	case "partial":
		write([]byte("no newline at the end"))
	case "both":
		write([]byte("to stdout\n"))
		_, _ = os.Stderr.WriteString("to stderr\n")
	default:
		fail("worker: emit: unknown %s", args[0])
	}
	return 0
}
