package notify

import (
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestSend(t *testing.T) {
	if err := Send("", "READY=1"); err != nil {
		t.Errorf("without a service manager: %v", err)
	}
	for socket, want := range map[string]string{
		"relative":                     "not a path and not an @abstract name",
		"@":                            "not a path and not an @abstract name",
		"vsock:2:1":                    "not a path and not an @abstract name",
		"@gorun-no-such":               "connection refused",
		"/no/such":                     "no such file",
		"/" + strings.Repeat("x", 200): "invalid argument",
	} {
		if err := Send(socket, "READY=1"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Send(%q) = %v, want %q", socket, err, want)
		}
	}
}

func TestSendGivesUpOnAFullSocket(t *testing.T) {
	full, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: "@gorun-full-" + strconv.Itoa(os.Getpid()), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	for range 1000 {
		if err := send(full.LocalAddr().String(), []string{"READY=1"}, 10*time.Millisecond); err != nil {
			if !strings.Contains(err.Error(), "timeout") {
				t.Errorf("send = %v, want a timeout", err)
			}
			return
		}
	}
	t.Skip("net.unix.max_dgram_qlen is above 1000")
}
