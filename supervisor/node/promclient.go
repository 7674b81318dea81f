package node

import "encoding/json"

// MetricsRequest returns the message that asks the prom-client of a cluster worker
// for its metrics. A worker with an AggregatorRegistry answers.
func MetricsRequest(id int) any {
	return struct {
		Type string `json:"type"`
		ID   int    `json:"requestId"`
	}{"prom-client:getMetricsReq", id}
}

// MetricsAnswered returns the number of the request that a message answers, or -1.
func MetricsAnswered(line json.RawMessage) int {
	m, err := parse(line)
	if err != nil {
		return -1
	}
	return m.fields.number("requestId", -1)
}
