package supervisor

import "gorun/supervisor/app"

// exitDecision is how far the apps have come.
type exitDecision struct {
	over    bool
	code    int     // that gorun ends with
	failure *string // the app that the code is from, and how it failed; nil: none did
}

// decideExit looks at how far the apps have come. The code is the one of the first
// that failed, or of a critical one, which ends the whole; with stay nothing else does.
func (s *apps) decideExit(stay bool) exitDecision {
	var failed *app.App
	over := !stay
	for _, a := range s.all() {
		p := a.Published()
		if !ended(p) {
			over = false
			continue
		}
		if p.Code == 0 {
			continue
		}
		if p.Spec.Critical {
			s.deps.Worker.Log.Error("a critical app has ended: stopping", "app", a.Name(), "code", p.Code)
			return exitDecision{true, p.Code, failureOf(a)}
		}
		if failed == nil || p.PhaseSeq < failed.Published().PhaseSeq {
			failed = a
		}
	}
	if !over || failed == nil {
		return exitDecision{over: over}
	}
	return exitDecision{true, failed.Published().Code, failureOf(failed)}
}

// ended reports whether nothing is left to wait for. A job that the clock starts
// again has not ended, unless it is critical and has failed.
func ended(p *app.Published) bool {
	return p.Phase == app.Ended && (!p.AwaitsSchedule() || p.Spec.Critical && p.Code != 0)
}

// failureOf is how an app has failed, for people.
func failureOf(a *app.App) *string {
	st := a.Published().Status()
	reason := "app " + a.Name() + " failed"
	if exit := st.LastExit(); exit != nil {
		reason += ": " + exit.Text
	} else if st.Blocked != "" {
		reason += ": " + st.Blocked
	}
	return &reason
}
