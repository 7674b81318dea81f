package metrics

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"gorun/supervisor/status"
)

// BenchmarkScrape64Workers: the budget is 10 ms, the Sample included.
func BenchmarkScrape64Workers(b *testing.B) {
	snapshot := full()
	app := &snapshot.Apps[0]
	first := app.Workers[0]
	app.Workers = nil
	for i := range 64 {
		first.Instance, first.ID = i, i
		app.Workers = append(app.Workers, first)
	}
	handler := Handler(options(fake(func() status.Snapshot { return snapshot })))
	for _, encoding := range []string{"identity", "gzip"} {
		b.Run(encoding, func(b *testing.B) {
			r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
			r.Header.Set("Accept-Encoding", encoding)
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, r)
				b.ReportMetric(float64(w.Body.Len()), "bytes")
			}
		})
	}
}
