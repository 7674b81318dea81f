package health

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// maxResponseBytes is how much of a response is read: a thousand apps fit.
const maxResponseBytes = 1 << 20

var errNotGorun = errors.New("not a response of gorun")

// Ask asks the gorun that listens at addr (":9615" is 127.0.0.1) about all
// apps, or about one. It is ok when /health answers 200 and every app has been
// ready once: Docker's "healthy" must not come before the app can serve. The
// text is for people. An error means that no gorun answered.
func Ask(ctx context.Context, addr, app string) (ok bool, text string, err error) {
	host := reachable(addr)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+host+Path(app), http.NoBody)
	if err != nil {
		return false, "", fmt.Errorf("ask gorun at %s: %w", addr, err)
	}
	// Not the default transport: it would obey HTTP_PROXY.
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	if err != nil {
		return false, "", fmt.Errorf("ask gorun at %s: %w", host, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxResponseBytes))
	if err != nil {
		return false, "", fmt.Errorf("read the response of gorun at %s: %w", host, err)
	}
	if response.StatusCode == http.StatusNotFound && response.Header.Get("Cache-Control") != "no-store" {
		return false, "", fmt.Errorf("ask %s: %w: %s", host, errNotGorun, response.Status)
	}
	if ok, text, err = ParseResponse(response.StatusCode, body); err != nil {
		return false, "", fmt.Errorf("ask %s: %w: %s", host, err, response.Status)
	}
	return ok, text, nil
}

// Path is the path and query to request, about all apps or about one.
func Path(app string) string {
	if app == "" {
		return "/health?verbose"
	}
	return "/health?verbose&app=" + url.QueryEscape(app)
}

// ParseResponse reads the response to Path, as Ask does.
func ParseResponse(status int, body []byte) (ok bool, text string, err error) {
	if status == http.StatusNotFound {
		return false, string(body), nil // no such app
	}
	var d document
	if err := json.Unmarshal(body, &d); err != nil || d.Status == "" {
		return false, "", errNotGorun
	}
	return status == http.StatusOK && d.Started, d.text(), nil
}

// reachable turns the address of a listener into one to connect to.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		host, port = "", strings.TrimPrefix(addr, ":")
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1" // Go listens on both families where no address is given
	}
	return net.JoinHostPort(host, port)
}

// text lists the apps, one a line.
func (d document) text() string {
	var b strings.Builder
	for _, app := range d.Apps {
		c := check{
			Name: printable(app.Name),
			OK:   d.Stopping || len(app.Reasons) == 0,
		}
		c.Detail = fmt.Sprintf("%d of %d workers online, %d restarts", app.Online, app.Desired, app.Restarts)
		if len(app.Reasons) > 0 {
			c.Detail = strings.Join(app.Reasons, "; ")
		}
		fmt.Fprintln(&b, c)
	}
	if len(d.Apps) == 0 {
		for _, reason := range d.Reasons {
			fmt.Fprintln(&b, "[-]"+reason)
		}
	}
	fmt.Fprintln(&b, d.Status)
	return b.String()
}
