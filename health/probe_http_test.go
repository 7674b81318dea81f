package health

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// to dials the address, as a prober does.
func to(network, address string) Prober {
	port := 0
	if _, text, err := net.SplitHostPort(address); err == nil {
		port, _ = strconv.Atoi(text)
	}
	return Prober{Port: port, Dial: func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}}
}

// asked checks the server once.
func asked(t *testing.T, check HTTPCheck, server *httptest.Server) Result {
	t.Helper()
	return collect(t, Check{HTTP: &check, Timeout: time.Minute}, to("tcp", server.Listener.Addr().String()), 1)[0]
}

// raw serves the very bytes to whoever asks, and closes.
func raw(t *testing.T, answer string) Prober {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { _ = listener.Close(); <-done })
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
				t.Errorf("the request cannot be read: %v", err)
			}
			_, _ = io.WriteString(conn, answer)
			_ = conn.Close()
		}
	}()
	return to("tcp", listener.Addr().String())
}

func TestAnswersAreJudgedByTheirStatus(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, _ := strconv.Atoi(r.URL.Query().Get("status"))
		w.Header().Set("Location", "/?status=500")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, strings.Repeat("well ", 100_000)) // more than is read
	}))
	defer server.Close()
	tests := []struct {
		status int
		ranges StatusRanges
		ok     bool
		text   string
	}{
		{200, nil, true, "200 OK"},
		{302, nil, true, "302 Found"}, // not followed
		{302, StatusRanges{{200, 299}}, false, "302 Found"},
		{404, nil, false, "404 Not Found"},
		{404, StatusRanges{{200, 299}, {404, 404}}, true, "404 Not Found"},
		{503, nil, false, "503 Service Unavailable"},
		{599, nil, false, "599"},
	}
	for _, test := range tests {
		got := asked(t, HTTPCheck{Path: "/?status=" + strconv.Itoa(test.status), Status: test.ranges}, server)
		if got.OK != test.ok || got.Text != test.text {
			t.Errorf("%d within %v: %+v, want %v, %q", test.status, test.ranges, got, test.ok, test.text)
		}
	}
}

func TestWhatIsAsked(t *testing.T) {
	requests := make(chan *http.Request, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { requests <- r }))
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())

	asked(t, HTTPCheck{}, server)
	got := <-requests
	if got.Method != "GET" || got.RequestURI != "/" || got.Host != "localhost:"+port || got.UserAgent() != "gorun-health/1" || !got.Close {
		t.Errorf("by default: %s %s of %s by %q, closing: %v", got.Method, got.RequestURI, got.Host, got.UserAgent(), got.Close)
	}

	headers := map[string]string{"host": "api.example.com", "user-agent": "kube-probe/1", "x-token": "s"}
	asked(t, HTTPCheck{Path: "/a%20b?c=d", Method: "HEAD", Headers: headers}, server)
	got = <-requests
	if got.Method != "HEAD" || got.RequestURI != "/a%20b?c=d" || got.Host != "api.example.com" || got.UserAgent() != "kube-probe/1" || got.Header.Get("X-Token") != "s" {
		t.Errorf("as told: %s %s of %s with %v", got.Method, got.RequestURI, got.Host, got.Header)
	}
}

func TestHTTPSWithoutVerification(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	server.StartTLS()
	defer server.Close()
	if got := asked(t, HTTPCheck{Scheme: TLS}, server); !got.OK || got.Text != "200 OK" {
		t.Errorf("https: %+v", got)
	}
	if got := asked(t, HTTPCheck{}, server); got.OK || got.Text != "400 Bad Request" {
		t.Errorf("http to https: %+v", got)
	}
	plain := httptest.NewServer(server.Config.Handler)
	defer plain.Close()
	if got := asked(t, HTTPCheck{Scheme: TLS}, plain); got.OK || !strings.Contains(got.Text, "tls: ") {
		t.Errorf("https to http: %+v", got)
	}
}

func TestHTTPOverAPath(t *testing.T) {
	listener, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != "localhost" {
			http.Error(w, r.Host, http.StatusMisdirectedRequest)
		}
	}))
	_ = server.Listener.Close()
	server.Listener = listener
	server.Start()
	defer server.Close()
	got := collect(t, Check{HTTP: &HTTPCheck{}, Timeout: time.Minute}, to("unix", listener.Addr().String()), 1)[0]
	if !got.OK {
		t.Errorf("%+v", got)
	}
}

func TestResponsesThatAreIncomplete(t *testing.T) {
	tests := []struct {
		name, answer, want string // want "": well
	}{
		{"nothing", "", "connection closed before the end of the response"},
		{"half a head", "HTTP/1.1 200 OK\r\nX: y", "connection closed before the end of the response"},
		{"half a body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "connection closed before the end of the response"},
		{"another protocol", "SSH-2.0-OpenSSH_9.2\r\n\r\n", "malformed HTTP"},
		{"endless headers", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", maxHeaderBytes) + "\r\n\r\n", "more than 65536 bytes of headers"},
		{"early hints", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", ""},
		{"one byte a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1\r\nx\r\n", 5000) + "0\r\n\r\n", ""},
		{"HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\nwell", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := collect(t, Check{HTTP: &HTTPCheck{}, Timeout: time.Minute}, raw(t, test.answer), 1)[0]
			if got.OK != (test.want == "") || !strings.Contains(got.Text, test.want) {
				t.Errorf("%+v, want %q", got, test.want)
			}
		})
	}
}

// A body that goes on for ever is well once enough of it is there: it is not
// waited for.
func TestEndlessBodyIsNotWaitedFor(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", maxBodyBytes+100))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	defer server.Close()
	check := Check{HTTP: &HTTPCheck{}, Timeout: time.Hour}
	if got := collect(t, check, to("tcp", server.Listener.Addr().String()), 1)[0]; !got.OK {
		t.Errorf("%+v", got)
	}
}

// Of a stopped or hanging process the kernel still takes connections.
func TestOnlyHTTPFindsAProcessThatDoesNotAccept(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	worker := to("tcp", listener.Addr().String())
	if got := collect(t, Check{TCP: &TCPCheck{}, Timeout: time.Minute}, worker, 1)[0]; !got.OK {
		t.Errorf("tcp: %+v", got)
	}
	if got := collect(t, Check{HTTP: &HTTPCheck{}, Timeout: 20 * time.Millisecond}, worker, 1)[0]; got.OK || got.Text != "timeout after 20ms" {
		t.Errorf("http: %+v", got)
	}
}

func BenchmarkHTTPCheck(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	check, worker := Check{HTTP: &HTTPCheck{}}.withDefaults(), to("tcp", server.Listener.Addr().String())
	b.ReportAllocs()
	for b.Loop() {
		if result, _ := check.once(b.Context(), worker); !result.OK {
			b.Fatalf("%+v", result)
		}
	}
}
