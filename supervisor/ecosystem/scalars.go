package ecosystem

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// Each error describes the valid forms.
var (
	errDuration = errors.New("is not a duration; write milliseconds, or 500ms, 5s, 10m, 1h")
	errSize     = errors.New("is not a size; write bytes, or 300K, 300M, 1.5G")
	errInteger  = errors.New("is not a whole number")
	errBool     = errors.New("is neither true nor false")
)

// parseDuration reads milliseconds, or a number with a unit.
func parseDuration(words string) (time.Duration, error) {
	digits, unit := splitUnit(words)
	unitOf := map[string]time.Duration{
		"": time.Millisecond, "ms": time.Millisecond, "s": time.Second, "sec": time.Second,
		"m": time.Minute, "min": time.Minute, "h": time.Hour, "d": 24 * time.Hour,
	}
	each, known := unitOf[unit]
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil || !known {
		return compoundDuration(words)
	}
	if n *= float64(each); n < 0 || n >= math.MaxInt64 || math.IsNaN(n) {
		return 0, errDuration
	}
	return time.Duration(n), nil
}

// compoundDuration reads Go's own form: 1m30s.
func compoundDuration(words string) (time.Duration, error) {
	d, err := time.ParseDuration(strings.ToLower(strings.TrimSpace(words)))
	if err != nil || d < 0 {
		return 0, errDuration
	}
	return d, nil
}

// parseSize reads bytes, or a number with a unit, 1024-based in any spelling.
func parseSize(words string) (int64, error) {
	digits, unit := splitUnit(words)
	unit = strings.TrimSuffix(strings.TrimSuffix(unit, "b"), "i")
	shift, known := map[string]int{"": 0, "k": 10, "m": 20, "g": 30, "t": 40}[unit]
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil || !known {
		return 0, errSize
	}
	if n *= float64(int64(1) << shift); n < 0 || n >= math.MaxInt64 || math.IsNaN(n) {
		return 0, errSize
	}
	return int64(n), nil
}

// splitUnit cuts 1.5 GB into 1.5 and gb.
func splitUnit(words string) (digits, unit string) {
	words = strings.ToLower(strings.TrimSpace(words))
	end := strings.LastIndexAny(words, "0123456789.") + 1
	return words[:end], strings.TrimSpace(words[end:])
}

// parseInteger reads a decimal number, or YAML's 0x, 0o and 1_000.
func parseInteger(words string) (int64, error) {
	words = strings.TrimSpace(words)
	if n, err := strconv.ParseInt(words, 10, 64); err == nil {
		return n, nil
	}
	if n, err := strconv.ParseInt(words, 0, 64); err == nil {
		return n, nil
	}
	f, err := strconv.ParseFloat(words, 64) // 1e3, 3.0
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, errInteger
	}
	return int64(f), nil
}

func parseBool(words string) (bool, error) {
	switch strings.ToLower(strings.TrimSpace(words)) {
	case "true", "1", "yes", "on":
		return true, nil
	case "false", "0", "no", "off", "":
		return false, nil
	}
	return false, errBool
}
