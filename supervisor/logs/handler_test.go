package logs

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/slogtest"
	"time"
)

func TestHandlersKeepSlogsRules(t *testing.T) {
	rename := map[string]string{"message": slog.MessageKey, "timestamp": slog.TimeKey, "level": slog.LevelKey}
	text := func(line string) map[string]any {
		line, _ = strings.CutPrefix(line, "gorun: ")
		word, rest, _ := strings.Cut(line, " ")
		return nested("level=x message=" + word + " " + rest)
	}
	parse := map[Format]func(string) map[string]any{
		JSON: func(line string) map[string]any {
			var m map[string]any
			if err := json.Unmarshal([]byte(line), &m); err != nil {
				t.Fatal(err)
			}
			return m
		},
		KeyValue: nested,
		Raw:      text,
		Tagged:   text,
	}
	for format, parseLine := range parse {
		var b bytes.Buffer
		err := slogtest.TestHandler(newHandler(format, nil, &b), func() []map[string]any {
			var records []map[string]any
			for line := range strings.Lines(b.String()) {
				m := parseLine(strings.TrimSuffix(line, "\n"))
				for ours, theirs := range rename {
					if v, ok := m[ours]; ok {
						delete(m, ours)
						m[theirs] = v
					}
				}
				records = append(records, m)
			}
			return records
		})
		if format == Raw || format == Tagged { // they leave out the time
			err = without(err, `missing key "time"`)
		}
		if err != nil {
			t.Errorf("format %d: %v", format, err)
		}
	}
}

func TestOwnLinesLookAsTheFormatSays(t *testing.T) {
	tests := []struct {
		name   string
		format Format
		want   string
	}{
		{"raw", Raw, "gorun: warning: worker exited app=api uptime=1.5s error=\"no such file\" empty=\"\"\n  first\n  second \"x\"\n"},
		{"tagged", Tagged, "gorun: warning: worker exited app=api uptime=1.5s error=\"no such file\" empty=\"\"\n  first\n  second \"x\"\n"},
		{"keys", KeyValue, "timestamp=2026-02-03T04:05:06.007Z level=warn message=\"worker exited\" app=api uptime=1.5s error=\"no such file\" empty=\"\" lines=\"first\\nsecond \\\"x\\\"\"\n"},
		{"json", JSON, `{"timestamp":"2026-02-03T04:05:06.007Z","level":"warn","message":"worker exited","app":"api","uptime":"1.5s","error":"no such file","empty":"","lines":["first","second \"x\""]}` + "\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b bytes.Buffer
			r := slog.NewRecord(time.Date(2026, 2, 3, 4, 5, 6, 7e6, time.UTC), slog.LevelWarn, "worker exited", 0)
			r.Add("app", "api", "uptime", 1500*time.Millisecond, "error", errors.New("no such file"), "empty", "", "lines", []string{"first", `second "x"`})
			if err := newHandler(tt.format, nil, &b).Handle(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			if b.String() != tt.want {
				t.Errorf("got  %s\nwant %s", b.String(), tt.want)
			}
		})
	}
}

func TestOwnLinesNeverWaitAndDropsAreTold(t *testing.T) {
	errs := buffer{stall: make(chan struct{})}
	o := output(t, Options{Stdout: io.Discard, Stderr: &errs})
	log := slog.New(o.Handler())
	long := strings.Repeat("x", 1000)
	for range 1000 {
		log.Info("stalled", "long", long)
	}
	close(errs.stall)
	eventually(t, func() bool { return strings.Contains(errs.String(), "gorun: warning: lines of gorun were dropped") })
	if n := strings.Count(errs.String(), "gorun: stalled"); n < 200 || n > 520 {
		t.Errorf("%d lines were kept", n)
	}
}

func TestOwnLinesAreFlushedByClose(t *testing.T) {
	var errs buffer
	o := New(Options{Stdout: io.Discard, Stderr: &errs, Level: slog.LevelDebug})
	for range 100 {
		slog.New(o.Handler()).Debug("bye")
	}
	if err := o.Close(soon(t)); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(errs.String(), "gorun: debug: bye\n"); n != 100 {
		t.Errorf("%d lines arrived", n)
	}
}

// nested reads a.b=c words.
func nested(line string) map[string]any {
	top := map[string]any{}
	for word := range strings.FieldsSeq(line) {
		key, value, ok := strings.Cut(word, "=")
		if !ok {
			continue
		}
		m := top
		for {
			group, rest, ok := strings.Cut(key, ".")
			if !ok {
				break
			}
			inner, ok := m[group].(map[string]any)
			if !ok {
				inner = map[string]any{}
				m[group] = inner
			}
			m, key = inner, rest
		}
		m[key] = value
	}
	return top
}

// without takes what is expected out of joined errors.
func without(err error, text string) error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return err
	}
	var rest []error
	for _, e := range joined.Unwrap() {
		if !strings.Contains(e.Error(), text) {
			rest = append(rest, e)
		}
	}
	return errors.Join(rest...)
}
