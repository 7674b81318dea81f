package notify

import (
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestTell(t *testing.T) {
	if err := Send("", "READY=1"); err != nil {
		t.Errorf("without a service manager: %v", err)
	}
	for socket, want := range map[string]string{
		"relative":                     "only a path or an @abstract name",
		"@":                            "only a path or an @abstract name",
		"vsock:2:1":                    "only a path or an @abstract name",
		"@gorun-no-such":               "connection refused",
		"/no/such":                     "no such file",
		"/" + strings.Repeat("x", 200): "invalid argument",
	} {
		if err := Send(socket, "READY=1"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Tell(%q) = %v, want %q", socket, err, want)
		}
	}
}

func TestTellGivesUpOnAFullSocket(t *testing.T) {
	full, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: "@gorun-full-" + strconv.Itoa(os.Getpid()), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	for range 1000 {
		if err := tell(full.LocalAddr().String(), []string{"READY=1"}, 10*time.Millisecond); err != nil {
			if !strings.Contains(err.Error(), "timeout") {
				t.Errorf("tell = %v, want a timeout", err)
			}
			return
		}
	}
	t.Skip("net.unix.max_dgram_qlen is above 1000")
}
