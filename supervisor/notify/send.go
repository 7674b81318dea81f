package notify

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// sendTimeout is how long the service manager's queue may stay full.
const sendTimeout = 2 * time.Second

// Send sends lines such as "READY=1" to the service manager's socket, a path or
// @abstract, as NOTIFY_SOCKET has it. "" means that there is none: Send does nothing.
// A newline or NUL within a line becomes a space.
func Send(socket string, lines ...string) error {
	if socket == "" {
		return nil
	}
	if err := send(socket, lines, sendTimeout); err != nil {
		return fmt.Errorf("notify %s: %w", socket, err)
	}
	return nil
}

func send(socket string, lines []string, timeout time.Duration) error {
	if len(socket) < 2 || socket[0] != '/' && socket[0] != '@' {
		return errors.New("not a path and not an @abstract name")
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetWriteDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	oneLine := strings.NewReplacer("\n", " ", "\x00", " ")
	var datagram strings.Builder
	for _, line := range lines {
		datagram.WriteString(oneLine.Replace(line) + "\n")
	}
	_, err = conn.Write([]byte(datagram.String()))
	return err
}
