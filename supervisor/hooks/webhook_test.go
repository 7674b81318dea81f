package hooks

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// posted calls the webhook once.
func posted(t *testing.T, address string) result {
	t.Helper()
	return Hook{Webhook: address}.post(t.Context(), newTransport(), crash().body())
}

func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

func TestAWebhookIsPostedJSON(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != string(crash().body()) {
			t.Errorf("the body is %s, %v", body, err)
		}
		user, password, _ := r.BasicAuth()
		if r.Method != "POST" || r.URL.RequestURI() != "/services/T1?x=y" || r.Header.Get("Content-Type") != "application/json" || user+password != "mebox" {
			t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
		}
		w.WriteHeader(http.StatusNoContent)
	})
	if o := posted(t, strings.Replace(server.URL, "//", "//me:box@", 1)+"/services/T1?x=y"); o.err != nil {
		t.Error(o.err)
	}
}

func TestAnAnswerTellsWhetherToTryAgain(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "7")
		switch r.URL.Path {
		case "/busy":
			w.WriteHeader(http.StatusTooManyRequests)
		case "/gone":
			w.WriteHeader(http.StatusGone)
		case "/broken":
			w.WriteHeader(http.StatusInternalServerError)
		case "/moved":
			http.Redirect(w, r, "/elsewhere", http.StatusPermanentRedirect)
		case "/elsewhere":
			t.Error("it was redirected")
		}
	})
	tests := []struct {
		path, want string
		final      bool
		pause      time.Duration
	}{
		{"/busy", "answered 429 Too Many Requests", false, 7 * time.Second},
		{"/broken", "answered 500 Internal Server Error", false, 7 * time.Second},
		{"/gone", "answered 410 Gone", true, 0},
		{"/moved", "answered 308 Permanent Redirect: redirects are not followed; write the address that it has moved to", true, 0},
	}
	for _, tt := range tests {
		o := posted(t, server.URL+tt.path)
		if o.err == nil || o.err.Error() != tt.want || o.final != tt.final || o.delay != tt.pause {
			t.Errorf("%s: %v, final %v, pause %v", tt.path, o.err, o.final, o.delay)
		}
	}
}

func TestAServerThatIsNotThereMayComeBack(t *testing.T) {
	server := serve(t, nil)
	server.Close()
	o := posted(t, server.URL+"/SECRET")
	if o.err == nil || o.final || !strings.Contains(o.err.Error(), "connection refused") || strings.Contains(o.err.Error(), "SECRET") {
		t.Errorf("%v, final %v", o.err, o.final)
	}
}

func TestACertificateThatIsNotTrustedIsFinal(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	t.Cleanup(server.Close)
	server.Config.ErrorLog = nil
	o := posted(t, server.URL+"/SECRET")
	if o.err == nil || !o.final || !strings.Contains(o.err.Error(), "certificate") || strings.Contains(o.err.Error(), "SECRET") {
		t.Errorf("%v, final %v", o.err, o.final)
	}
}

func TestATrustedCertificateWillDo(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	o := Hook{Webhook: server.URL}.post(t.Context(), server.Client().Transport, nil)
	if o.err != nil {
		t.Error(o.err)
	}
}
