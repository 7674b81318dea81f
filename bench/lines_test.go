package main

import (
	"os"
	"testing"
)

func TestCountLinesKnowsTheWorkersOwn(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	for _, part := range []string{"PM2 log: hello\n", "1 #", "\n2 #\n3 #\n"} {
		if _, err := write.WriteString(part); err != nil {
			t.Fatal(err)
		}
	}
	write.Close()
	if err := countLines(read, 3); err != nil {
		t.Error(err)
	}
	if err := countLines(read, 1); err == nil {
		t.Error("lines that never came were counted")
	}
}
