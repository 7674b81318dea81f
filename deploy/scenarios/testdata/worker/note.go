package main

import (
	"encoding/json"
	"io"
	"os"
)

// note puts what a hook's command gets into a file of the working directory:
// FILE.
func note(args []string) int {
	input, err := io.ReadAll(os.Stdin)
	must(err)
	dir, err := os.Getwd()
	must(err)
	text, err := json.Marshal(map[string]any{"uid": os.Getuid(), "dir": dir, "environ": os.Environ(), "input": json.RawMessage(input)})
	must(err)
	must(os.WriteFile(args[0]+".new", text, 0o644))
	must(os.Rename(args[0]+".new", args[0])) // seen in one piece
	return 0
}
