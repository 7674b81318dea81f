package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
)

const howSize = "Built by `.ci/build`, and compressed by gzip."

func measureSize(_ context.Context, l *lab, _ int) (result, error) {
	r := result{how: howSize}
	content, err := os.ReadFile(l.gorun)
	if err != nil {
		return r, fmt.Errorf("size of gorun: %w", err)
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(content); err != nil {
		return r, fmt.Errorf("compress gorun: %w", err)
	}
	if err := w.Close(); err != nil {
		return r, fmt.Errorf("compress gorun: %w", err)
	}
	r.of(gorun, "size", "MB").add(float64(len(content)) / 1e6)
	r.of(gorun, "size, compressed", "MB").add(float64(packed.Len()) / 1e6)
	r.atMost("binary", 24, r.median(gorun, "size"), "MB")
	r.atMost("binary, compressed", 9, r.median(gorun, "size, compressed"), "MB")
	return r, nil
}
