package hooks

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// userAgent is the User-Agent.
const userAgent = "gorun-hook/1"

// maxResponse is how much of a response is read, so that the server sees no reset.
const maxResponse = 4 << 10

// newTransport keeps no connection open: between two events it may be hours.
func newTransport() http.RoundTripper {
	return &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}
}

// post calls the webhook once. No http.Client: it would follow redirects, with
// the event and to anywhere, and its errors contain the URL.
func (h Hook) post(ctx context.Context, by http.RoundTripper, body []byte) result {
	request, err := h.request(ctx, body)
	if err != nil {
		return result{err: err, final: true}
	}
	response, err := by.RoundTrip(request)
	if err != nil {
		return errorResult(err)
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, maxResponse)
	return responseResult(response)
}

func (h Hook) request(ctx context.Context, body []byte) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, h.Webhook, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("that is no URL") // the error has all of it
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", userAgent)
	if user := request.URL.User; user != nil {
		password, _ := user.Password()
		request.SetBasicAuth(user.Username(), password)
	}
	return request, nil
}

// responseResult maps a response to a result.
func responseResult(response *http.Response) result {
	code := response.StatusCode
	if code >= 200 && code < 300 {
		return result{}
	}
	r := result{err: fmt.Errorf("answered %d %s", code, http.StatusText(code)), final: !retryable(code)}
	if !r.final {
		r.delay = retryAfter(response.Header.Get("Retry-After"), time.Now())
	}
	if code >= 300 && code < 400 {
		r.err = fmt.Errorf("%w: redirects are not followed; write the address that it has moved to", r.err)
	}
	return r
}

// errorResult maps a failed request to a result. A certificate that is not trusted
// now will not be in a minute.
func errorResult(err error) result {
	if _, untrusted := errors.AsType[*tls.CertificateVerificationError](err); !untrusted {
		return result{err: err}
	}
	if roots, rootsErr := x509.SystemCertPool(); rootsErr != nil || roots.Equal(x509.NewCertPool()) {
		err = fmt.Errorf("%w: this image has no CA certificates; copy /etc/ssl/certs/ca-certificates.crt into it", err)
	}
	return result{err: err, final: true}
}
