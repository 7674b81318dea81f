package main

import (
	"context"
	"fmt"
	"os"
)

const howSize = "Built with `CGO_ENABLED=0 go build -trimpath -ldflags \"-s -w\"`."

func measureSize(_ context.Context, l *lab, _ int) (result, error) {
	r := result{how: howSize}
	info, err := os.Stat(l.gorun)
	if err != nil {
		return r, fmt.Errorf("size of gorun: %w", err)
	}
	r.of(gorun, "size", "MB").add(float64(info.Size()) / (1 << 20))
	r.atMost("binary", 20, r.median(gorun, "size"), "MB")
	return r, nil
}
