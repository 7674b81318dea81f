package health

import (
	"strings"
	"testing"
	"time"
)

func TestValidNamesEachMistake(t *testing.T) {
	web := func(change func(*HTTPCheck)) Check {
		h := &HTTPCheck{Path: "/healthz"}
		change(h)
		return Check{HTTP: h}
	}
	tests := []struct {
		name  string
		check Check
		want  []string // none: valid
	}{
		{"http", web(func(*HTTPCheck) {}), nil},
		{"http of nothing", Check{HTTP: &HTTPCheck{}}, nil},
		{"a query", web(func(h *HTTPCheck) { h.Path = "/healthz?full=1" }), nil},
		{"tcp", Check{TCP: &TCPCheck{Port: 3000}}, nil},
		{"exec", Check{Exec: []string{"./check.sh"}}, nil},
		{"nothing", Check{}, []string{"http, tcp and exec", "not 0"}},
		{"two", Check{TCP: &TCPCheck{}, Exec: []string{"true"}}, []string{"not 2"}},
		{"times", Check{Exec: []string{"true"}, Interval: -1, Timeout: -1, StartPeriod: -time.Second, Retries: -1}, []string{
			"interval: -1ns", "timeout: -1ns", "start_period: -1s", "retries: -1",
		}},
		{"port", Check{TCP: &TCPCheck{Port: 65536}}, []string{"port: 65536"}},
		{"relative path", web(func(h *HTTPCheck) { h.Path = "healthz" }), []string{`path: "healthz"`}},
		{"an address as the path", web(func(h *HTTPCheck) { h.Path = "http://example.com/" }), []string{`path: "http:`}},
		{"a path with a line's end", web(func(h *HTTPCheck) { h.Path = "/a\r\nX: y" }), []string{"path: "}},
		{"method", web(func(h *HTTPCheck) { h.Method = "GET /" }), []string{`method: "GET /"`}},
		{"header's name", web(func(h *HTTPCheck) { h.Headers = map[string]string{"X Y": "z"} }), []string{`headers: "X Y: z"`}},
		{"header's value", web(func(h *HTTPCheck) { h.Headers = map[string]string{"X": "a\nb"} }), []string{`headers: "X: a\nb"`}},
		{"status", web(func(h *HTTPCheck) { h.Status = StatusRanges{{300, 200}} }), []string{"status: 300-200"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := test.check.Valid()
			if (err == nil) != (test.want == nil) {
				t.Fatalf("Valid() = %v, want %q", err, test.want)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("Valid() = %v, want %q in it", err, want)
				}
			}
		})
	}
}

func TestParseStatus(t *testing.T) {
	tests := []struct {
		text    string
		well    []int
		failing []int
		wrong   string
	}{
		{text: "200", well: []int{200}, failing: []int{199, 201, 404}},
		{text: "200-399", well: []int{200, 302, 399}, failing: []int{199, 400}},
		{text: "200 - 299, 418", well: []int{204, 418}, failing: []int{300, 417}},
		{text: "", wrong: "not a number"},
		{text: "2xx", wrong: "not a number"},
		{text: "200-", wrong: "not a number"},
		{text: "299-200", wrong: "not a range"},
		{text: "0-99", wrong: "not a range"},
		{text: "500-600", wrong: "not a range"},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			ranges, err := ParseStatus(test.text)
			if (err != nil) != (test.wrong != "") || err != nil && !strings.Contains(err.Error(), test.wrong) {
				t.Fatalf("ParseStatus(%q) fails with %v, want %q", test.text, err, test.wrong)
			}
			for _, status := range test.well {
				if !ranges.contains(status) {
					t.Errorf("%q does not have %d", test.text, status)
				}
			}
			for _, status := range test.failing {
				if ranges.contains(status) {
					t.Errorf("%q has %d", test.text, status)
				}
			}
		})
	}
}

func TestWordsOfTheFile(t *testing.T) {
	if got := []string{Plain.String(), TLS.String(), Restart.String(), Unready.String(), Unhealthy.String()}; strings.Join(got, " ") != "http https restart unready unhealthy" {
		t.Errorf("the words are %q", got)
	}
}
