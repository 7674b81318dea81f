package notify

import (
	"fmt"
	"os"
	"testing"
)

// TestMain makes a worker of the test binary where the environment says so.
func TestMain(m *testing.M) {
	if os.Getenv("GORUN_TEST_WORKER") != "send" {
		os.Exit(m.Run())
	}
	if err := Send(os.Getenv("NOTIFY_SOCKET"), "READY=1"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
