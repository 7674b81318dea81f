package merge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// accept asks for the formats in the order in which they are read best.
const accept = "text/plain;version=0.0.4, application/openmetrics-text;version=1.0.0;q=0.5, */*;q=0.1"

var errTooLarge = errors.New("answer larger")

// HTTP returns a Fetch that asks url by do, a client's Do. It should not go
// through a proxy, nor follow redirects.
func (m *Merger) HTTP(do func(*http.Request) (*http.Response, error), url string) Fetch {
	limit := m.options.MaxBytes
	return func(ctx context.Context) (Answer, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return Answer{}, err
		}
		request.Header.Set("Accept", accept)
		request.Header.Set("User-Agent", "gorun")
		response, err := do(request)
		if err != nil {
			return Answer{}, err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return Answer{}, fmt.Errorf("GET %s: %s", url, response.Status)
		}
		body, err := io.ReadAll(io.LimitReader(response.Body, limit+1)) // one more: it is too large
		return Answer{Body: body, ContentType: response.Header.Get("Content-Type")}, err
	}
}

const (
	defaultScrapeTimeout = 10 * time.Second // Prometheus' own default
	maxScrapeTimeout     = time.Minute
)

// ScrapeTimeout is how long a scrape may take, as Prometheus says in its header.
func ScrapeTimeout(header http.Header) time.Duration {
	seconds, err := strconv.ParseFloat(header.Get("X-Prometheus-Scrape-Timeout-Seconds"), 64)
	if err != nil || !(seconds > 0) {
		return defaultScrapeTimeout
	}
	return time.Duration(min(seconds, maxScrapeTimeout.Seconds()) * float64(time.Second))
}
