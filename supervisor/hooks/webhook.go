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

// agent is the User-Agent.
const agent = "gorun-hook/1"

// maxAnswer is how much of an answer is read, so that its sender sees no reset.
const maxAnswer = 4 << 10

// newTransport keeps no connection open: between two events it may be hours.
func newTransport() http.RoundTripper {
	return &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}
}

// post calls the webhook once. No http.Client: it would follow redirects, with
// the note and to anywhere, and its errors have the URL in them.
func (h Hook) post(ctx context.Context, by http.RoundTripper, body []byte) outcome {
	request, err := h.request(ctx, body)
	if err != nil {
		return outcome{err: err, final: true}
	}
	answer, err := by.RoundTrip(request)
	if err != nil {
		return unanswered(err)
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, maxAnswer)
	return answered(answer)
}

func (h Hook) request(ctx context.Context, body []byte) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, h.Webhook, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("that is no URL") // the error has all of it
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", agent)
	if user := request.URL.User; user != nil {
		password, _ := user.Password()
		request.SetBasicAuth(user.Username(), password)
	}
	return request, nil
}

// answered judges an answer.
func answered(answer *http.Response) outcome {
	code := answer.StatusCode
	if code >= 200 && code < 300 {
		return outcome{}
	}
	o := outcome{err: fmt.Errorf("answered %d %s", code, http.StatusText(code)), final: !mayPass(code)}
	if !o.final {
		o.pause = asked(answer.Header.Get("Retry-After"), time.Now())
	}
	if code >= 300 && code < 400 {
		o.err = fmt.Errorf("%w: redirects are not followed; write the address that it has moved to", o.err)
	}
	return o
}

// unanswered judges the want of an answer. A certificate that is not trusted now
// will not be in a minute.
func unanswered(err error) outcome {
	if _, untrusted := errors.AsType[*tls.CertificateVerificationError](err); !untrusted {
		return outcome{err: err}
	}
	if roots, rootsErr := x509.SystemCertPool(); rootsErr != nil || roots.Equal(x509.NewCertPool()) {
		err = fmt.Errorf("%w: this image has no CA certificates; copy /etc/ssl/certs/ca-certificates.crt into it", err)
	}
	return outcome{err: err, final: true}
}
