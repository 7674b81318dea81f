package trigger

import (
	"strings"
	"testing"
	"time"
)

func parse(t *testing.T, text string) Schedule {
	t.Helper()
	s, err := ParseSchedule(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestNext(t *testing.T) {
	tests := []struct{ name, schedule, after, want string }{
		{"five fields", "CRON_TZ=UTC 30 3 * * *", "2026-05-01T12:00:00Z", "2026-05-02T03:30:00Z"},
		{"six fields", "CRON_TZ=UTC */15 * * * * *", "2026-05-01T12:00:01Z", "2026-05-01T12:00:15Z"},
		{"not the time itself", "CRON_TZ=UTC 0 12 * * *", "2026-05-01T12:00:00Z", "2026-05-02T12:00:00Z"},
		{"part of a second", "CRON_TZ=UTC 0 12 * * *", "2026-05-01T11:59:59.9Z", "2026-05-01T12:00:00Z"},
		{"TZ as prefix", "TZ=Asia/Tokyo 0 9 * * *", "2026-05-01T12:00:00Z", "2026-05-02T00:00:00Z"},
		{"tab and spaces", " CRON_TZ=UTC\t0  9 * * * ", "2026-05-01T08:00:00Z", "2026-05-01T09:00:00Z"},
		{"@daily", "CRON_TZ=UTC @daily", "2026-05-01T12:00:00Z", "2026-05-02T00:00:00Z"},
		{"@Weekly", "CRON_TZ=UTC @Weekly", "2026-05-01T12:00:00Z", "2026-05-03T00:00:00Z"},
		{"@hourly", "CRON_TZ=UTC @hourly", "2026-05-01T12:00:00Z", "2026-05-01T13:00:00Z"},
		{"@yearly", "CRON_TZ=UTC @yearly", "2026-05-01T12:00:00Z", "2027-01-01T00:00:00Z"},
		{"names", "CRON_TZ=UTC 0 0 * JAN mon", "2026-05-01T12:00:00Z", "2027-01-04T00:00:00Z"},
		{"7 is Sunday", "CRON_TZ=UTC 0 0 * * 7", "2026-05-01T12:00:00Z", "2026-05-03T00:00:00Z"},
		{"through 7", "CRON_TZ=UTC 0 0 * * 6-7", "2026-05-02T12:00:00Z", "2026-05-03T00:00:00Z"},
		{"through sun", "CRON_TZ=UTC 0 0 * * sat-sun", "2026-05-02T12:00:00Z", "2026-05-03T00:00:00Z"},
		{"through 7 in steps", "CRON_TZ=UTC 0 0 * * 1-7/3", "2026-05-01T12:00:00Z", "2026-05-03T00:00:00Z"},
		{"29 February", "CRON_TZ=UTC 0 0 29 2 *", "2026-05-01T12:00:00Z", "2028-02-29T00:00:00Z"},
		{"either day", "CRON_TZ=UTC 0 0 13 * fri", "2026-05-09T12:00:00Z", "2026-05-13T00:00:00Z"},

		{"gap: as much later", "CRON_TZ=Europe/Berlin 30 2 * * *", "2026-03-28T12:00:00Z", "2026-03-29T01:30:00Z"},
		{"gap: as usual the day after", "CRON_TZ=Europe/Berlin 30 2 * * *", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"},
		{"gap: hourly fires once", "CRON_TZ=Europe/Berlin 30 * * * *", "2026-03-29T01:30:00Z", "2026-03-29T02:30:00Z"},
		{"twice: the first", "CRON_TZ=Europe/Berlin 30 2 * * *", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"},
		{"twice: not the second", "CRON_TZ=Europe/Berlin 30 2 * * *", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"},
		{"no midnight: an hour later", "CRON_TZ=America/Sao_Paulo 0 0 * * *", "2018-11-03T12:00:00Z", "2018-11-04T03:00:00Z"},
		{"no midnight: that day counts", "CRON_TZ=America/Sao_Paulo 0 10 4 11 *", "2018-11-02T12:00:00Z", "2018-11-04T12:00:00Z"},
		{"no midnight: not the wrong day", "CRON_TZ=America/Sao_Paulo 0 5 3 * *", "2018-11-03T12:00:00Z", "2018-12-03T07:00:00Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			after, err := time.Parse(time.RFC3339, tt.after)
			if err != nil {
				t.Fatal(err)
			}
			if got := parse(t, tt.schedule).Next(after).Format(time.RFC3339); got != tt.want {
				t.Errorf("Next(%s) of %q = %s, want %s", tt.after, tt.schedule, got, tt.want)
			}
		})
	}
}

func TestNextOfTheZeroScheduleIsNever(t *testing.T) {
	if got := (Schedule{}).Next(time.Now()); !got.IsZero() {
		t.Errorf("Next = %v, want zero", got)
	}
}

func TestParseScheduleNamesTheMistake(t *testing.T) {
	tests := []struct{ schedule, want string }{
		{"", "0 fields: write 5"},
		{"* * * *", "4 fields: write 5"},
		{"* * * * * * *", "7 fields"},
		{"60 * * * *", `minute "60": end of range (60) above maximum (59)`},
		{"0 24 * * *", "write *, or 0-23 as a number"},
		{"61 0 * * * *", `second "61"`},
		{"0 0 0 * *", `day of month "0"`},
		{"0 0 * 13 *", `month "13"`},
		{"0 0 * * 8", `day of week "8"`},
		{"0 0 * * 1-7/0", `day of week "1-7/0"`},
		{"0 0 * * 1-7/", `day of week "1-7/"`},
		{"0 0 * * wed-mon", `day of week "wed-mon"`},
		{"0 0 * foo *", "write *, or 1-12 or jan-dec"},
		{"1,,2 * * * *", "an empty list entry"},
		{"*-5 * * * *", `"-5" after "*"`},
		{"0 0 L * *", `day of month "L"`},
		{"0 0 30 2 *", `"30" never comes in month "2"`},
		{"@every 5m", "@every is not supported"},
		{"@reboot", "@reboot is not supported"},
		{"CRON_TZ=Mars/Olympus 0 0 * * *", `unknown time zone "Mars/Olympus": write a name such as`},
		{"CRON_TZ= 0 0 * * *", `unknown time zone ""`},
		{"CRON_TZ=UTC", "only a time zone"},
	}
	for _, tt := range tests {
		_, err := ParseSchedule(tt.schedule)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("ParseSchedule(%q) = %v, want …%s…", tt.schedule, err, tt.want)
		}
	}
}

func FuzzParseSchedule(f *testing.F) {
	for _, seed := range []string{"0 3 * * *", "*/5 1-7/2 ? jan-mar fri-7/2", "CRON_TZ=UTC @daily", "TZ=", "0 0 29 2 7", "a=b * * * *"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSchedule(text)
		if err != nil {
			return
		}
		after := time.Date(2026, 3, 28, 23, 59, 59, 1, time.UTC)
		for range 3 {
			next := s.Next(after)
			if !next.After(after) {
				t.Fatalf("Next(%v) of %q = %v", after, text, next)
			}
			after = next
		}
	})
}
