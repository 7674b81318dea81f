package merge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// message is prom-client's answer over IPC.
type message struct {
	Error   string            `json:"error"`
	Metrics []json.RawMessage `json:"metrics"` // a registry each
}

// jsonFamily is a metric as registry.getMetricsAsJSON has it.
type jsonFamily struct {
	Name, Help, Type, Aggregator string
	Values                       []jsonSample
}

// jsonSample may hold anything: a value of the wrong type is counted as malformed,
// and the rest is kept.
type jsonSample struct {
	Value      any `json:"value"`
	Labels     any `json:"labels"`
	MetricName any `json:"metricName"`
}

// parsePromClient reads the answer to prom-client:getMetricsReq, or what
// getMetricsAsJSON returns by itself.
func parsePromClient(body []byte, b *builder) error {
	var m message
	var err error
	if bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("[")) {
		err = json.Unmarshal(body, &m.Metrics)
	} else {
		err = json.Unmarshal(body, &m)
	}
	switch {
	case err != nil:
		return fmt.Errorf("parse prom-client's answer: %w", err)
	case m.Error != "":
		return fmt.Errorf("prom-client: %s", m.Error)
	case m.Metrics == nil:
		return errors.New("parse prom-client's answer: it has no metrics")
	}
	for _, registry := range m.Metrics {
		if err := b.registry(registry); err != nil {
			return err
		}
	}
	return nil
}

// registry adds a list of families, or one.
func (b *builder) registry(raw json.RawMessage) error {
	list := []json.RawMessage{raw}
	if bytes.HasPrefix(raw, []byte("[")) {
		if err := json.Unmarshal(raw, &list); err != nil {
			b.dropped[Malformed]++
			return nil //nolint:nilerr // counted
		}
	}
	for _, one := range list {
		if err := b.jsonFamily(one); err != nil {
			return err
		}
	}
	return nil
}

// jsonFamily adds one family with its samples.
func (b *builder) jsonFamily(raw json.RawMessage) error {
	var in jsonFamily
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var mistyped *json.UnmarshalTypeError // the rest was read all the same
	err := decoder.Decode(&in)
	k, known := kinds[in.Type]
	if err != nil && !errors.As(err, &mistyped) || !known || !isMetricName(in.Name) {
		b.dropped[Malformed]++
		return nil
	}
	f := b.families[in.Name]
	if f == nil {
		f = b.declare(in.Name, k)
		f.rule = rule(in.Aggregator)
		b.helps[in.Name] = helpText(in.Help)
	} else if f.kind != k {
		b.dropped[Conflict] += len(in.Values)
		return nil
	}
	for _, sample := range in.Values {
		if err := b.jsonSample(f, sample); err != nil {
			return err
		}
	}
	return nil
}

// jsonSample adds one. JSON has no NaN and no infinity: they are null.
func (b *builder) jsonSample(f *family, in jsonSample) error {
	name, v, labels, ok := f.name, 0.0, []label(nil), true
	if in.MetricName != nil {
		name, ok = in.MetricName.(string)
		ok = ok && f.has(name)
	}
	if ok {
		v, ok = jsonNumber(in.Value)
	}
	if ok {
		labels, ok = jsonLabels(in.Labels)
	}
	if !ok {
		b.dropped[Malformed]++
		return nil
	}
	return b.add(name, labels, v)
}

// has is whether the family's samples may have this name.
func (f *family) has(sample string) bool {
	return slices.ContainsFunc(suffixes[types[f.kind]], func(suffix string) bool { return sample == f.name+suffix })
}

func jsonNumber(in any) (float64, bool) {
	n, ok := in.(json.Number)
	if !ok {
		return 0, false
	}
	v, err := parseNumber(n.String())
	return v, err == nil
}

// jsonLabels reads an object of texts, numbers and booleans.
func jsonLabels(in any) ([]label, bool) {
	if in == nil {
		return nil, true
	}
	object, ok := in.(map[string]any)
	if !ok {
		return nil, false
	}
	labels := make([]label, 0, len(object))
	for name, v := range object {
		text := ""
		switch v := v.(type) {
		case nil:
		case string:
			text = v
		case json.Number:
			text = v.String()
		case bool:
			text = strconv.FormatBool(v)
		default:
			return nil, false
		}
		labels = append(labels, label{name, text})
	}
	return labels, true
}
