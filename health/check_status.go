package health

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// StatusRanges are the HTTP statuses that succeed.
type StatusRanges []StatusRange

// StatusRange is a range of statuses, both ends included.
type StatusRange struct{ From, To int }

// ParseStatus reads ranges as the ecosystem file writes them: "200-299,418".
func ParseStatus(text string) (StatusRanges, error) {
	var all StatusRanges
	for part := range strings.SplitSeq(text, ",") {
		from, to, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			to = from
		}
		one, err := parseRange(from, to)
		if err != nil {
			return nil, fmt.Errorf("status %q: %w", text, err)
		}
		all = append(all, one)
	}
	return all, nil
}

func parseRange(from, to string) (StatusRange, error) {
	var r StatusRange
	var err error
	if r.From, err = strconv.Atoi(strings.TrimSpace(from)); err != nil {
		return r, fmt.Errorf("%q is not a number", from)
	}
	if r.To, err = strconv.Atoi(strings.TrimSpace(to)); err != nil {
		return r, fmt.Errorf("%q is not a number", to)
	}
	return r, r.valid()
}

func (r StatusRange) valid() error {
	if r.From < 100 || r.To > 599 || r.From > r.To {
		return fmt.Errorf("%d-%d is not a range within 100-599", r.From, r.To)
	}
	return nil
}

// contains is whether the status succeeds.
func (s StatusRanges) contains(status int) bool {
	if len(s) == 0 {
		return status >= 200 && status <= 399
	}
	return slices.ContainsFunc(s, func(r StatusRange) bool { return status >= r.From && status <= r.To })
}
