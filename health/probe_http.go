package health

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

const (
	maxHead = 64 << 10 // of an answer
	maxBody = 4 << 10
)

// agent is the User-Agent, so that an app can tell checks from clients.
const agent = "gorun-health/1"

// ask sends one request and reads its answer. No http.Client: its transport
// costs two goroutines and thrice the time for each check.
func (h HTTPCheck) ask(ctx context.Context, worker Prober) (text string, err error) {
	request, err := h.request(ctx, worker.Port)
	if err != nil {
		return "", err
	}
	conn, err := worker.Dial(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })() // it may be closed
	stream := h.over(conn, request.Host)
	defer stream.Close()
	if err := request.Write(stream); err != nil {
		return "", fmt.Errorf("send the request: %w", err)
	}
	status, err := answered(stream, request)
	if err != nil {
		return "", err
	}
	return h.judge(status)
}

// over is what HTTP is spoken over.
func (h HTTPCheck) over(conn net.Conn, host string) net.Conn {
	switch h.Scheme {
	case Plain:
		return conn
	case TLS: // it is this machine that answers, under whatever name
		return tls.Client(conn, &tls.Config{InsecureSkipVerify: true, ServerName: hostname(host)})
	}
	return conn
}

func (h HTTPCheck) judge(status int) (text string, err error) {
	text = strconv.Itoa(status)
	if words := http.StatusText(status); words != "" {
		text += " " + words
	}
	if !h.Status.has(status) {
		return "", errors.New(text)
	}
	return text, nil
}

func (h HTTPCheck) request(ctx context.Context, port int) (*http.Request, error) {
	path := h.Path
	if path == "" {
		path = "/"
	}
	host := "localhost"
	if port != 0 {
		host = net.JoinHostPort(host, strconv.Itoa(port))
	}
	request, err := http.NewRequestWithContext(ctx, h.Method, h.Scheme.String()+"://"+host+path, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	request.Close = true
	request.Header.Set("User-Agent", agent)
	for name, value := range h.Headers {
		request.Header.Set(name, value)
	}
	if named := request.Header.Get("Host"); named != "" {
		request.Host = named
	}
	return request, nil
}

// answered reads the answer: its status, and as much of its body that the app
// sees no reset. An answer that breaks off before is none.
func answered(stream io.Reader, request *http.Request) (status int, err error) {
	limited := &io.LimitedReader{R: stream, N: maxHead}
	response, err := final(bufio.NewReaderSize(limited, 1<<10), request)
	if err != nil {
		if limited.N <= 0 {
			return 0, fmt.Errorf("answer with more than %d bytes of headers", maxHead)
		}
		return 0, err
	}
	limited.N = maxBody
	defer func() {
		limited.N = 0 // or it would read on
		_ = response.Body.Close()
	}()
	if _, err := io.CopyN(io.Discard, response.Body, maxBody); err != nil && !errors.Is(err, io.EOF) && limited.N > 0 {
		return 0, fmt.Errorf("read the answer: %w", err)
	}
	return response.StatusCode, nil
}

// final skips what a server may say before its answer, as 103 Early Hints.
func final(reader *bufio.Reader, request *http.Request) (*http.Response, error) {
	for {
		response, err := http.ReadResponse(reader, request)
		if err != nil || response.StatusCode >= http.StatusOK || response.StatusCode == http.StatusSwitchingProtocols {
			return response, err
		}
		_ = response.Body.Close() // it has none
	}
}

// hostname is the host without its port.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}
