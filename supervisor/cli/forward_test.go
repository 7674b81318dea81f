package cli

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	"golang.org/x/sys/unix"
)

func TestSignalsAreForwardedInOrderAndTwiceIfTheyCameTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		f := newForwards()
		var got []unix.Signal
		go f.run(ctx, func(sig unix.Signal) { got = append(got, sig) })
		want := []unix.Signal{unix.SIGUSR1, unix.SIGWINCH, unix.SIGUSR1, 40, 40, unix.SIGCONT, unix.SIGUSR1}
		for _, sig := range want {
			f.add(sig)
		}
		synctest.Wait()
		if !slices.Equal(got, want) {
			t.Errorf("forwarded %v, want %v", got, want)
		}
	})
}

func TestASlowForwardHoldsUpNobodyAndKeepsTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		f, release := newForwards(), make(chan struct{})
		var got []unix.Signal
		go f.run(ctx, func(sig unix.Signal) { <-release; got = append(got, sig) })
		f.add(unix.SIGCONT)
		synctest.Wait() // it is being forwarded
		var want []unix.Signal
		for i := range 10 * maxForwards {
			sig := unix.Signal(34 + i%8)
			f.add(sig)
			if i < maxForwards {
				want = append(want, sig)
			}
		}
		for range 3 { // the flood keeps out neither, and one is enough
			f.add(unix.SIGTERM)
			f.add(unix.SIGUSR1)
		}
		close(release)
		synctest.Wait()
		want = append([]unix.Signal{unix.SIGCONT}, append(want, unix.SIGTERM, unix.SIGUSR1)...)
		if !slices.Equal(got, want) {
			t.Errorf("%d forwarded: %v, want %v", len(got), got, want)
		}
	})
}

func TestWhatRunsInTheBackgroundRunsOnceMoreForAllWhoAskMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		release, runs := make(chan struct{}), 0
		request := inBackground(ctx, func() { runs++; <-release })
		request()
		synctest.Wait()
		for range 10 {
			request()
		}
		synctest.Wait()
		if runs != 1 {
			t.Errorf("%d runs at a time", runs)
		}
		close(release)
		synctest.Wait()
		if runs != 2 {
			t.Errorf("%d runs for eleven requests, ten of them during the first; want 2", runs)
		}
	})
}
