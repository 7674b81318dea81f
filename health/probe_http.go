package health

import (
	"bufio"
	"cmp"
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
	maxHeaderBytes = 64 << 10 // of a response
	maxBodyBytes   = 4 << 10
)

// userAgent lets an app distinguish checks from clients.
const userAgent = "gorun-health/1"

// ask sends one request and reads its response. No http.Client: its transport
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
	stream := h.stream(conn, request.Host)
	defer stream.Close()
	if err := request.Write(stream); err != nil {
		return "", fmt.Errorf("send the request: %w", err)
	}
	status, err := readResponse(stream, request)
	if err != nil {
		return "", err
	}
	return h.verify(status)
}

// stream is the connection, with TLS if the scheme is https.
func (h HTTPCheck) stream(conn net.Conn, host string) net.Conn {
	switch h.Scheme {
	case Plain:
		return conn
	case TLS: // not verified: the server is on this machine, under whatever name
		return tls.Client(conn, &tls.Config{InsecureSkipVerify: true, ServerName: hostname(host)})
	}
	return conn
}

func (h HTTPCheck) verify(status int) (text string, err error) {
	text = strconv.Itoa(status)
	if words := http.StatusText(status); words != "" {
		text += " " + words
	}
	if !h.Status.contains(status) {
		return "", errors.New(text)
	}
	return text, nil
}

func (h HTTPCheck) request(ctx context.Context, port int) (*http.Request, error) {
	host := "localhost"
	if port != 0 {
		host = net.JoinHostPort(host, strconv.Itoa(port))
	}
	request, err := http.NewRequestWithContext(ctx, h.Method, h.Scheme.String()+"://"+host+cmp.Or(h.Path, "/"), http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	request.Close = true
	request.Header.Set("User-Agent", userAgent)
	for name, value := range h.Headers {
		request.Header.Set(name, value)
	}
	if named := request.Header.Get("Host"); named != "" {
		request.Host = named
	}
	return request, nil
}

// readResponse returns the status, and reads as much of the body that the app sees no
// reset. A response that breaks off before is an error.
func readResponse(stream io.Reader, request *http.Request) (status int, err error) {
	limited := &io.LimitedReader{R: stream, N: maxHeaderBytes}
	response, err := readFinalResponse(bufio.NewReaderSize(limited, 1<<10), request)
	if err != nil {
		if limited.N <= 0 {
			return 0, fmt.Errorf("response with more than %d bytes of headers", maxHeaderBytes)
		}
		return 0, err
	}
	limited.N = maxBodyBytes
	defer func() {
		limited.N = 0 // or it would read on
		_ = response.Body.Close()
	}()
	if _, err := io.CopyN(io.Discard, response.Body, maxBodyBytes); err != nil && !errors.Is(err, io.EOF) && limited.N > 0 {
		return 0, fmt.Errorf("read the response: %w", err)
	}
	return response.StatusCode, nil
}

// readFinalResponse skips informational responses, as 103 Early Hints.
func readFinalResponse(reader *bufio.Reader, request *http.Request) (*http.Response, error) {
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
