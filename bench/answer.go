package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

const howAnswer = "A small static web server: from the start of the supervisor (or of the server alone) to the first byte of\n" +
	"the answer to a request that is tried every 0.5 ms."

func measureAnswer(ctx context.Context, l *lab, runs int) (result, error) {
	r := result{how: howAnswer, missing: l.missing(pm2)}
	all, err := l.supervisors(program(1, l.server))
	if err != nil {
		return r, err
	}
	all = append([]contestant{{bare, []string{l.server}}}, all...)
	err = rounds(runs, all, func(c contestant) error {
		took, err := l.firstAnswer(ctx, c.before)
		r.of(c.name, "first answer", "ms").add(milliseconds(took))
		return err
	})
	r.atMost("start to first answer, over the bare program", 20, r.median(gorun, "first answer")-r.median(bare, "first answer"), "ms")
	return r, err
}

func (l *lab) firstAnswer(ctx context.Context, words []string) (time.Duration, error) {
	port, err := freePort(ctx)
	if err != nil {
		return 0, err
	}
	one, err := l.start(ctx, words, nil, "PORT="+port)
	if err != nil {
		return 0, err
	}
	defer one.stop()
	err = until(ctx, 500*time.Microsecond, func() error { return ask(ctx, "127.0.0.1:"+port) })
	took := time.Since(one.begun)
	if err != nil {
		return 0, one.fail(err)
	}
	return took, nil
}

// ask sends a request and returns nil when an answer begins.
func ask(ctx context.Context, address string) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("ask the server: %w", err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := conn.Write([]byte("GET / HTTP/1.0\r\n\r\n")); err != nil {
		return fmt.Errorf("ask the server: %w", err)
	}
	start := make([]byte, 15)
	if _, err := conn.Read(start); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if string(start) != "HTTP/1.0 200 OK" {
		return errors.New("the answer is " + string(start))
	}
	return nil
}
