package intercept

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"gorun/supervisor/sockets"
)

// How often confirm checks whether a socket listens: soon at first, then less often.
const (
	firstDelay = time.Millisecond
	maxDelay   = 50 * time.Millisecond
	maxTries   = 25 // about a second
)

// confirm reports an address when the kernel has carried out a listen(2) that was left
// to it. The kernel sends no event, so gorun polls; where it cannot, or after a second,
// it assumes that the socket listens.
func (s *server) confirm(ctx context.Context, tid uint32, inode uint64, address sockets.Address) {
	if address.Kind != sockets.TCP {
		s.report(address)
		return
	}
	s.confirming.Go(func() {
		delay := firstDelay
		for range maxTries {
			select {
			case <-time.After(delay):
			case <-ctx.Done():
				return
			}
			if done, err := listens(tid, inode); done || err != nil {
				break
			}
			delay = min(2*delay, maxDelay)
		}
		s.report(address)
	})
}

// stateListen is TCP_LISTEN as /proc/net/tcp writes it, see proc_pid_net(5).
const stateListen = "0A"

// listens reports whether a TCP socket of the thread's network namespace listens.
func listens(tid uint32, inode uint64) (bool, error) {
	wanted := strconv.AppendUint(nil, inode, 10)
	for _, table := range [...]string{"tcp", "tcp6"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", tid, table))
		if os.IsNotExist(err) && table == "tcp6" {
			continue // there is no IPv6
		}
		if err != nil {
			return false, fmt.Errorf("search a listener: %w", err)
		}
		for line := range bytes.Lines(text) {
			// sl local remote st queues timer retrnsmt uid timeout inode …
			fields := bytes.Fields(line)
			if len(fields) > 9 && bytes.Equal(fields[9], wanted) && string(fields[3]) == stateListen {
				return true, nil
			}
		}
	}
	return false, nil
}
