package node

import "encoding/json"

// MetricsRequest asks the prom-client of a cluster worker for its metrics. It
// answers where the worker has made an AggregatorRegistry.
func MetricsRequest(id int) any {
	return struct {
		Type string `json:"type"`
		ID   int    `json:"requestId"`
	}{"prom-client:getMetricsReq", id}
}

// MetricsAnswered returns the number of the request that an answer is to; -1: of
// none.
func MetricsAnswered(line json.RawMessage) int {
	m, err := parse(line)
	if err != nil {
		return -1
	}
	return m.fields.number("requestId", -1)
}
