package notify

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	maxDatagram = 4 << 10 // as systemd's NOTIFY_BUFFER_MAX
	maxFiles    = 253     // SCM_MAX_FD, see unix(7)
	logInterval = time.Minute
)

// Run calls each for every accepted message, one after another, until ctx ends or
// the socket is closed. Descriptors in a datagram are closed after each has
// returned: they are not stored, and sd_notify_barrier(3) waits for that.
func (s *Socket) Run(ctx context.Context, each func(Message)) error {
	defer context.AfterFunc(ctx, func() { _ = s.conn.SetReadDeadline(time.Unix(1, 0)) })() // it may be closed
	text := make([]byte, maxDatagram)
	control := make([]byte, unix.CmsgSpace(unix.SizeofUcred)+unix.CmsgSpace(4*maxFiles))
	for {
		n, controls, flags, _, err := s.conn.ReadMsgUnix(text, control)
		switch {
		case errors.Is(err, net.ErrClosed), errors.Is(err, os.ErrDeadlineExceeded):
			return nil
		case err != nil:
			return fmt.Errorf("receive a notification: %w", err)
		}
		s.handle(datagram{text[:n], control[:controls], flags}, each)
	}
}

// datagram is one datagram as it was received.
type datagram struct {
	text, control []byte
	flags         int
}

// handle calls each with the datagram's message if its sender is accepted.
func (s *Socket) handle(d datagram, each func(Message)) {
	sender, files := parseControl(d.control)
	defer closeAll(files)
	m, err := d.message()
	if err == nil {
		err = s.authorize(sender)
	}
	if err != nil {
		s.reject(sender, err)
		return
	}
	if !m.Barrier {
		m.Sender = int(sender.Pid)
		each(m)
	}
}

func (d datagram) message() (Message, error) {
	if d.flags&unix.MSG_TRUNC != 0 {
		return Message{}, fmt.Errorf("longer than %d bytes", maxDatagram)
	}
	return Parse(d.text)
}

// parseControl returns the sender's credentials and the descriptors of a datagram;
// without credentials the sender is process 0.
func parseControl(control []byte) (sender unix.Ucred, files []int) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return sender, nil // impossible: the kernel wrote it
	}
	for i := range messages {
		if more, err := unix.ParseUnixRights(&messages[i]); err == nil {
			files = append(files, more...)
		}
		if credentials, err := unix.ParseUnixCredentials(&messages[i]); err == nil {
			sender = *credentials
		}
	}
	return sender, files
}

func closeAll(files []int) {
	for _, file := range files {
		_ = unix.Close(file) // an error leaves nothing to do
	}
}

// reject counts, and logs the first datagram of a minute.
func (s *Socket) reject(sender unix.Ucred, reason error) {
	total := s.refused.Add(1)
	now := time.Now()
	if now.Before(s.quietUntil) {
		return
	}
	s.quietUntil = now.Add(logInterval)
	s.options.Log.Warn("notification refused", "pid", sender.Pid, "uid", sender.Uid, "reason", reason, "refused", total)
}
