package web

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"gorun/supervisor/status"
)

// view is all that the template shows.
type view struct {
	frame
	pageStatus
	Events []eventView
}

// pageStatus is what is known at one moment.
type pageStatus struct {
	Time    int64 // Unix, in milliseconds
	Verdict verdict
	Apps    []appView
	Total   usageView
	Facts   []fact
}

// none stands where there is nothing to tell.
const none = "–"

// fact is one figure for the whole container.
type fact struct{ Name, Text string }

const (
	nameLimit   = 60  // runes of a name or a short text that are shown
	textLimit   = 200 // runes of a longer text that are shown
	eventsShown = 20
	eventsAsked = 10 * eventsShown // most may be messages, which are not shown
)

// statusOf sorts a sample for people.
func statusOf(snapshot status.Snapshot, now time.Time) pageStatus {
	page := pageStatus{Time: now.UnixMilli(), Verdict: judgeAll(snapshot), Total: totalOf(snapshot, now)}
	online, workers, restarts := 0, 0, uint64(0)
	for i, app := range snapshot.Apps {
		page.Apps = append(page.Apps, appOf(app, snapshot.Group.MemoryLimit, now))
		page.Apps[i].Index = i
		online, workers, restarts = online+app.Online(), workers+len(app.Workers), restarts+app.Restarts()
	}
	page.Facts = []fact{
		{"Workers online", fmt.Sprintf("%d of %d", online, workers)},
		{"Restarts", fmt.Sprint(restarts)},
	}
	if kills := snapshot.Group.OOMKills; kills > 0 {
		page.Facts = append(page.Facts, fact{"OOM kills", fmt.Sprint(kills)})
	}
	return page
}

// usageView is the use of processor and memory, with what a chart needs.
type usageView struct {
	CPUText, CPUOf       string
	CPUSeconds           float64
	CPUShare             float64 // per cent of the chart's width
	MemoryText, MemoryOf string
	Memory               int64
	MemoryTop            int64 // what a full chart stands for
	MemoryShare          float64
}

// useOf is what one worker uses. Without two samples all that is known of the
// processor is the average since it was first meant to run.
func useOf(w status.Worker, top int64, now time.Time) usageView {
	use := usageView{CPUText: none, MemoryText: none, CPUSeconds: w.Usage.CPU.Seconds(), Memory: w.Usage.Resident, MemoryTop: top}
	if life := now.Sub(w.FirstStarted); !w.FirstStarted.IsZero() && life > 0 && w.Pid != 0 {
		use.CPUShare = 100 * w.Usage.CPU.Seconds() / life.Seconds()
		use.CPUText = "ø " + percent(use.CPUShare)
		use.CPUShare = min(use.CPUShare, 100)
	}
	if use.Memory > 0 {
		use.MemoryText = bytesText(use.Memory)
		use.MemoryShare = min(100*float64(use.Memory)/float64(max(top, 1)), 100)
	}
	return use
}

// totalOf adds up the workers; the cgroup's figure goes before the sum.
func totalOf(snapshot status.Snapshot, now time.Time) usageView {
	group := snapshot.Group
	total := usageView{CPUText: none}
	average, resident := 0.0, int64(0)
	for _, app := range snapshot.Apps {
		for _, w := range app.Workers {
			total.CPUSeconds += w.Usage.CPU.Seconds()
			resident += w.Usage.Resident
			if life := now.Sub(w.FirstStarted); !w.FirstStarted.IsZero() && life > 0 {
				average += 100 * w.Usage.CPU.Seconds() / life.Seconds()
			}
		}
	}
	if average > 0 {
		total.CPUText = "ø " + percent(average)
	}
	cores := 1.0
	if group.CPULimit > 0 {
		cores, total.CPUOf = group.CPULimit, fmt.Sprintf("of %g %%", 100*group.CPULimit)
	}
	total.CPUShare = min(average/cores, 100)
	total.Memory = cmp.Or(group.MemoryUsage, resident)
	total.MemoryText, total.MemoryTop = bytesText(total.Memory), max(total.Memory*5/4, 1)
	if group.MemoryLimit > 0 {
		total.MemoryTop, total.MemoryOf = group.MemoryLimit, "of "+bytesText(group.MemoryLimit)
	}
	total.MemoryShare = min(100*float64(total.Memory)/float64(total.MemoryTop), 100)
	return total
}

// eventView is one line of what happened.
type eventView struct {
	Seq      uint64
	At       time.Time
	Ago      string
	App      string
	Instance string // "" when it is about the whole app
	Kind     string
	Text     string
}

// eventsOf picks the latest, newest first. What workers send is their own
// business: it may be secret.
func eventsOf(events []status.Event, now time.Time) []eventView {
	events = slices.DeleteFunc(slices.Clone(events), func(e status.Event) bool { return e.Kind == "message" })
	slices.SortFunc(events, func(a, b status.Event) int { return cmp.Compare(b.Seq, a.Seq) })
	var shown []eventView
	for _, e := range events[:min(len(events), eventsShown)] {
		one := eventView{
			Seq: e.Seq, At: e.Time.UTC(), Ago: age(now.Sub(e.Time)), App: shorten(e.App, nameLimit),
			Kind: e.Kind, Text: shorten(e.Text, textLimit),
		}
		if e.Instance != status.EveryWorker {
			one.Instance = fmt.Sprint(e.Instance)
		}
		shown = append(shown, one)
	}
	return shown
}
