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
	maxFiles    = 253     // that a datagram can carry, see unix(7)
	silence     = time.Minute
)

// Run hands the messages to each, one after another, until ctx ends or the
// socket is closed. Descriptors that came along are closed when each has
// returned: nobody stores them, and that is what sd_notify_barrier waits for.
func (s *Socket) Run(ctx context.Context, each func(Message)) error {
	defer context.AfterFunc(ctx, func() { _ = s.conn.SetReadDeadline(time.Unix(1, 0)) })() // it may be closed
	datagram := make([]byte, maxDatagram)
	control := make([]byte, unix.CmsgSpace(unix.SizeofUcred)+unix.CmsgSpace(4*maxFiles))
	for {
		n, controls, flags, _, err := s.conn.ReadMsgUnix(datagram, control)
		switch {
		case errors.Is(err, net.ErrClosed), errors.Is(err, os.ErrDeadlineExceeded):
			return nil
		case err != nil:
			return fmt.Errorf("receive a notification: %w", err)
		}
		s.take(letter{datagram[:n], control[:controls], flags}, each)
	}
}

// letter is a datagram as it was received.
type letter struct {
	text, control []byte
	flags         int
}

// take hands out one letter's message, if it is to be believed.
func (s *Socket) take(l letter, each func(Message)) {
	sender, files := opened(l.control)
	defer shut(files)
	m, err := l.message()
	if err == nil {
		err = s.believe(sender)
	}
	if err != nil {
		s.refuse(sender, err)
		return
	}
	if !m.Barrier {
		m.Sender = int(sender.Pid)
		each(m)
	}
}

func (l letter) message() (Message, error) {
	if l.flags&unix.MSG_TRUNC != 0 {
		return Message{}, fmt.Errorf("longer than %d bytes", maxDatagram)
	}
	return Parse(l.text)
}

// opened returns who sent the letter and the descriptors in it; no credentials
// are those of process 0.
func opened(control []byte) (sender unix.Ucred, files []int) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return sender, nil // the kernel wrote it: it can be read
	}
	for i := range messages {
		if more, err := unix.ParseUnixRights(&messages[i]); err == nil {
			files = append(files, more...)
		}
		if who, err := unix.ParseUnixCredentials(&messages[i]); err == nil {
			sender = *who
		}
	}
	return sender, files
}

func shut(files []int) {
	for _, file := range files {
		_ = unix.Close(file) // there is nothing to be done about it
	}
}

// refuse counts, and logs the first of a minute.
func (s *Socket) refuse(sender unix.Ucred, why error) {
	total := s.refused.Add(1)
	now := time.Now()
	if now.Before(s.silence) {
		return
	}
	s.silence = now.Add(silence)
	s.options.Log.Warn("notification refused", "pid", sender.Pid, "uid", sender.Uid, "reason", why, "refused", total)
}
