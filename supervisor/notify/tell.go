package notify

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// roomTime is how long a service manager may take to make room for a datagram.
const roomTime = 2 * time.Second

// Tell sends the lines, "READY=1", to the service manager that listens at the
// socket, a path or @abstract, as NOTIFY_SOCKET says; "": there is none, and
// nothing to do. A line remains one line.
func Send(socket string, lines ...string) error {
	if socket == "" {
		return nil
	}
	if err := tell(socket, lines, roomTime); err != nil {
		return fmt.Errorf("notify %s: %w", socket, err)
	}
	return nil
}

func tell(socket string, lines []string, patience time.Duration) error {
	if len(socket) < 2 || socket[0] != '/' && socket[0] != '@' {
		return errors.New("only a path or an @abstract name is understood")
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetWriteDeadline(time.Now().Add(patience)); err != nil {
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
