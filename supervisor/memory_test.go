package supervisor

import (
	"slices"
	"testing"
	"time"

	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

const mib = 1 << 20

// limited is an app that is restarted above 100 MiB.
func limited(a *spec.App) { a.MaxMemory = 100 * mib }

// needs is memory that a program needs from a second after its start on.
func needs(bytes int64) func(status.Worker, time.Duration) int64 {
	return func(_ status.Worker, age time.Duration) int64 {
		if age < time.Second {
			return mib
		}
		return bytes
	}
}

// restartsAt lets time pass, and returns after how many seconds there was another
// restart for memory, and the fewest workers that were online once all had been.
func (s *stage) restartsAt(d time.Duration) (at []int, fewest int) {
	total, fewest := uint64(0), len(s.app("api").Workers)
	for range d / time.Second {
		s.passes(time.Second)
		app, now := s.app("api"), uint64(0)
		for _, w := range app.Workers {
			now += w.Restarts[status.ByMemory]
		}
		if now > total {
			at, total = append(at, int(time.Since(s.begun)/time.Second)), now
		}
		fewest = min(fewest, app.Online())
	}
	return at, fewest
}

// A limit below what the program needs to boot ended every worker about every second.
func TestL20ALimitThatIsTooLowTakesNoServiceDown(t *testing.T) {
	for _, instances := range []int{1, 2} {
		api := byDefault(listens(500*time.Millisecond, 0)).but(shares).but(limited).but(func(a *spec.App) { a.Instances = instances })
		enact(t, []part{api}, Options{}, func(s *stage) {
			s.scripts.eats(needs(130 * mib))
			s.passes(900 * time.Millisecond)
			at, fewest := s.restartsAt(2 * time.Hour)
			if fewest < instances {
				t.Errorf("%d workers: as few as %d were online", instances, fewest)
			}
			if n := len(at) / instances; n < 14 || n > 18 { // 30 s, 1, 2, 4, 8 min, then every 10
				t.Errorf("%d workers: %d restarts in two hours, at %v", instances, len(at), at)
			}
			if !s.film.said("worker passes max_memory_restart soon after each start") || !s.film.said("used=130 MiB limit=100 MiB") {
				t.Errorf("not said: %q", s.film.lines)
			}
			if st := s.api(); st.Unstable != 0 || st.State != status.Online {
				t.Errorf("in the end: %+v", st)
			}
		})
	}
}

func TestL20InForkModeTheDelaysGrowToo(t *testing.T) {
	enact(t, []part{byDefault(serves).but(limited)}, Options{}, func(s *stage) {
		s.scripts.eats(needs(130 * mib))
		at, _ := s.restartsAt(10 * time.Minute)
		for i, want := range []int{1, 31, 91, 211, 451} {
			if i >= len(at) || at[i] < want || at[i] > want+5*(i+1) {
				t.Fatalf("restarts after %v s, want them at about 1, 31, 91, 211 and 451", at)
			}
		}
		if st := s.api(); st.State != status.Online || len(at) != 5 {
			t.Errorf("restarts after %v s; %+v", at, st)
		}
	})
}

func TestL20WhatPassesItsLimitLateIsRestartedAtOnce(t *testing.T) {
	enact(t, []part{byDefault(serves).but(limited)}, Options{}, func(s *stage) {
		s.scripts.eats(func(_ status.Worker, age time.Duration) int64 { return int64(age/time.Second) * mib })
		at, _ := s.restartsAt(10 * time.Minute)
		if len(at) != 5 || s.film.said("soon after each start") {
			t.Errorf("restarts after %v s, want one after each 101", at)
		}
	})
}

// A worker of a fork-mode app is down while it is restarted: the others wait.
func TestL20TheLastWorkerOnlineIsNotEndedForItsMemory(t *testing.T) {
	slow := serves
	slow.stops = 5 * time.Second
	api := byDefault(slow).but(limited).but(func(a *spec.App) { a.Instances = 3 })
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.scripts.eats(func(_ status.Worker, age time.Duration) int64 {
			if age < time.Minute {
				return mib
			}
			return 130 * mib
		})
		s.passes(time.Second)
		if at, fewest := s.restartsAt(80 * time.Second); len(at) != 3 || fewest != 2 {
			t.Errorf("restarts after %v s, as few as %d of 3 online, want 3 and 2", at, fewest)
		}
	})
}

// Two workers were stopped within a second, and nobody answered while they booted.
func TestL21AMemoryRestartReplacesFirstAndOneAtATime(t *testing.T) {
	api := byDefault(listens(3*time.Second, 0)).but(shares).but(limited).but(func(a *spec.App) { a.Instances = 3 })
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(10 * time.Second)
		before := s.pids("api")
		s.scripts.eats(func(w status.Worker, _ time.Duration) int64 {
			if slices.Contains(before, w.Pid) {
				return 130 * mib
			}
			return mib
		})
		at, fewest := s.restartsAt(30 * time.Second)
		if fewest != 3 || len(at) != 3 {
			t.Fatalf("restarts after %v s, as few as %d of 3 online", at, fewest)
		}
		if at[1]-at[0] < 3 || at[2]-at[1] < 3 {
			t.Errorf("restarts after %v s, want one at a time, each of 3 s", at)
		}
		for i, w := range s.app("api").Workers {
			if w.Pid == before[i] || w.Restarts[status.ByMemory] != 1 || w.State != status.Online {
				t.Errorf("worker %d: %+v", i, w)
			}
		}
	})
}

// A replacement that does not come up leaves the old worker, and is not tried at once again.
func TestL21AReplacementForMemoryThatFailsLeavesTheOldWorker(t *testing.T) {
	api := byDefault(listens(time.Second, 0), crashes.after(time.Second)).but(shares).but(limited).but(func(a *spec.App) { a.ReloadFallback = true })
	enact(t, []part{api}, Options{}, func(s *stage) {
		s.passes(time.Minute)
		before := s.api().Pid
		s.scripts.eats(func(status.Worker, time.Duration) int64 { return 130 * mib })
		_, fewest := s.restartsAt(10 * time.Minute)
		if st := s.api(); fewest != 1 || st.Pid != before || st.Starts > 8 || st.Starts < 3 {
			t.Errorf("as few as %d online; %+v", fewest, st)
		}
	})
}
