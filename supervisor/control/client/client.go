package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/sys/unix"
)

// NotRunningError says that nothing listens where gorun would.
type NotRunningError struct {
	Tried []string // addresses, in this order
}

// Error names the addresses.
func (e *NotRunningError) Error() string {
	return "no gorun is running here (tried " + strings.Join(e.Tried, " and ") + ")"
}

// ReplyError is gorun's answer to a request that it did not carry out.
type ReplyError struct {
	Status int    // of HTTP: 400, 403, 404, 405, 409, 413, 500, 503
	Text   string // for people
}

// Error returns gorun's own words.
func (e *ReplyError) Error() string { return e.Text }

// Client talks to a running gorun. It may be used by several goroutines.
type Client struct {
	address   string
	http      *http.Client
	transport *http.Transport
}

// Dial finds the gorun of this container. The error is a NotRunningError if
// there is none.
func Dial(ctx context.Context, a Address) (*Client, error) {
	tried := a.candidates()
	var denied error
	for _, address := range tried {
		conn, server, err := connect(ctx, address)
		if err == nil {
			_ = conn.Close() // it was there to look at the server
		}
		switch {
		case err == nil && server.Pid == 0 && a.Socket == "":
			// In a folder that containers share, the gorun of another one.
		case err == nil:
			return newClient(address), nil
		case isNotListening(err):
		case errors.Is(err, fs.ErrPermission):
			denied = err
		default:
			return nil, err
		}
	}
	if denied != nil {
		return nil, denied
	}
	return nil, &NotRunningError{Tried: tried}
}

func newClient(address string) *Client {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, _, err := connect(ctx, address)
			return conn, err
		},
		DisableCompression: true,
	}
	return &Client{address: address, http: &http.Client{Transport: transport}, transport: transport}
}

// connect refuses a server that another user may have put there.
func connect(ctx context.Context, address string) (net.Conn, Peer, error) {
	if err := CheckSocket(address); err != nil {
		return nil, Peer{}, err
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", address)
	if err != nil {
		return nil, Peer{}, fmt.Errorf("reach gorun: %w", err)
	}
	server, err := checkServer(conn, address)
	if err != nil {
		return nil, Peer{}, errors.Join(err, conn.Close())
	}
	return conn, server, nil
}

func checkServer(conn net.Conn, address string) (Peer, error) {
	server, err := PeerOf(conn)
	if err != nil {
		return Peer{}, err
	}
	return server, verifyServer(ReadUsers(), address, server)
}

func isNotListening(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ECONNREFUSED) || errors.Is(err, unix.ENOTDIR)
}

// Address is where gorun was found.
func (c *Client) Address() string { return c.address }

// Close closes the connections that are not in use.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Page is an answer as it came.
type Page struct {
	Status int
	Body   []byte
}

// maxPage is far more than any answer that is read as a whole.
const maxPage = 64 << 20

// Get asks for any path: /health, /readyz?verbose. A status other than 200 is
// no error, but 403 is.
func (c *Client) Get(ctx context.Context, path string) (Page, error) {
	response, err := c.do(ctx, http.MethodGet, path, nil)
	if err != nil {
		return Page{}, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode == http.StatusForbidden {
		return Page{}, replyOf(response)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxPage))
	if err != nil {
		return Page{}, fmt.Errorf("read the answer to %s: %w", path, err)
	}
	return Page{Status: response.StatusCode, Body: body}, nil
}

// do sends a request; body may be nil.
func (c *Client) do(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("encode the request: %w", err)
		}
		content = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://gorun"+path, content)
	if err != nil {
		return nil, fmt.Errorf("ask gorun for %s: %w", path, err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, c.readable(path, err)
	}
	return response, nil
}

// readable takes off what net/http puts around an error.
func (c *Client) readable(path string, err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	if isNotListening(err) {
		return &NotRunningError{Tried: []string{c.address}}
	}
	return fmt.Errorf("ask gorun for %s: %w", path, err)
}

// open sends a request and returns an answer that says yes.
func (c *Client) open(ctx context.Context, method, path string, body any) (*http.Response, error) {
	response, err := c.do(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		defer func() { _ = response.Body.Close() }()
		return nil, replyOf(response)
	}
	return response, nil
}

// ask sends a request and reads the answer.
func (c *Client) ask(ctx context.Context, method, path string, body, into any) error {
	response, err := c.open(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		return fmt.Errorf("read the answer to %s: %w", path, err)
	}
	return nil
}

// maxFailure is far more than the text of any error.
const maxFailure = 1 << 20

// replyOf reads the error that gorun answered with.
func replyOf(response *http.Response) error {
	var failure Failure
	err := json.NewDecoder(io.LimitReader(response.Body, maxFailure)).Decode(&failure)
	if err != nil || failure.Error == "" {
		failure.Error = "gorun answers with " + response.Status
	}
	return &ReplyError{Status: response.StatusCode, Text: failure.Error}
}
