package metrics

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"gorun/metrics/merge"
)

func TestAWorkerWhoseScrapesFailIsLoggedOnce(t *testing.T) {
	var out bytes.Buffer
	scrapes := newScrapeLog(slog.New(slog.NewTextHandler(&out, nil)))
	for i, test := range []struct {
		reason string // of web/1; web/0 answers always
		want   string
	}{
		{"", ""},
		{"timeout", ""}, // it may have been killed just now
		{"", ""},
		{"timeout", ""},
		{"404 Not Found", `level=WARN msg="cannot scrape the worker's metrics" worker=web/1 reason="404 Not Found"`},
		{"404 Not Found", ""},
		{"", `level=INFO msg="the worker's metrics are scraped again" worker=web/1`},
		{"", ""},
	} {
		out.Reset()
		scrapes.record([]merge.Report{{App: "web"}, {App: "web", Instance: 1, Reason: test.reason}})
		if got := out.String(); !strings.Contains(got, test.want) || (test.want == "") != (got == "") {
			t.Errorf("scrape %d: %q, want %q", i, got, test.want)
		}
	}
	newScrapeLog(nil).record([]merge.Report{{App: "web", Reason: "timeout"}})
}
