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
	Version string
	pageStatus
	Events []*eventView
}

// pageStatus is the state at one moment.
type pageStatus struct {
	Time    int64 // Unix, in milliseconds
	Summary summary
	Apps    []appView
	Total   usageView
	Stats   []stat
}

// none stands where there is no value.
const none = "–"

// stat is a figure of the whole container.
type stat struct{ Name, Text string }

const (
	nameLimit   = 60  // runes of a name or a short text that are shown
	textLimit   = 200 // runes of a longer text that are shown
	eventsShown = 20
	eventsAsked = 10 * eventsShown // most may be messages, which are not shown
)

// newPageStatus makes a snapshot readable.
func newPageStatus(snapshot status.Snapshot, now time.Time) pageStatus {
	page := pageStatus{Time: now.UnixMilli(), Summary: summarize(snapshot), Total: totalUsage(snapshot, now)}
	online, workers, restarts := 0, 0, uint64(0)
	for i, app := range snapshot.Apps {
		page.Apps = append(page.Apps, newAppView(app, snapshot.Group.MemoryLimit, now))
		page.Apps[i].Index = i
		online, workers, restarts = online+app.Online(), workers+len(app.Workers), restarts+app.Restarts()
	}
	page.Stats = []stat{
		{"Workers online", fmt.Sprintf("%d of %d", online, workers)},
		{"Restarts", fmt.Sprint(restarts)},
	}
	if kills := snapshot.Group.OOMKills; kills > 0 {
		page.Stats = append(page.Stats, stat{"OOM kills", fmt.Sprint(kills)})
	}
	return page
}

// usageView is the usage of CPU and memory, with what a chart needs.
type usageView struct {
	CPUText, CPUOf       string
	CPUSeconds           float64
	CPUShare             float64 // per cent of the chart's width
	MemoryText, MemoryOf string
	Memory               int64
	MemoryTop            int64 // what a full chart stands for
	MemoryShare          float64
}

// newUsageView is the usage of one worker. Without two samples all that is known of
// the CPU is the average since the worker was first started.
func newUsageView(w status.Worker, top int64, now time.Time) usageView {
	use := usageView{CPUText: none, MemoryText: none, CPUSeconds: w.Usage.CPU.Seconds(), Memory: w.Usage.Resident, MemoryTop: top}
	if life := now.Sub(w.FirstStarted); !w.FirstStarted.IsZero() && life > 0 && w.Pid != 0 {
		use.CPUShare = 100 * w.Usage.CPU.Seconds() / life.Seconds()
		use.CPUText = "ø " + percent(use.CPUShare)
		use.CPUShare = min(use.CPUShare, 100)
	}
	if use.Memory > 0 {
		use.MemoryText = status.Bytes(use.Memory)
		use.MemoryShare = min(100*float64(use.Memory)/float64(max(top, 1)), 100)
	}
	return use
}

// totalUsage adds up the workers. The memory of the cgroup, where it is known,
// replaces their sum.
func totalUsage(snapshot status.Snapshot, now time.Time) usageView {
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
	total.MemoryText, total.MemoryTop = status.Bytes(total.Memory), max(total.Memory*5/4, 1)
	if group.MemoryLimit > 0 {
		total.MemoryTop, total.MemoryOf = group.MemoryLimit, "of "+status.Bytes(group.MemoryLimit)
	}
	total.MemoryShare = min(100*float64(total.Memory)/float64(total.MemoryTop), 100)
	return total
}

// eventView is a line of the recent events.
type eventView struct {
	Seq      uint64
	At       time.Time
	Ago      string
	App      string
	Instance string // "": about the whole app
	Kind     string
	Text     string
}

// newEventViews picks the latest, newest first. Messages of workers may be secret:
// they are not shown.
func newEventViews(events []status.Event, now time.Time) []*eventView {
	var views []*eventView
	for _, e := range events {
		if e.Kind == "message" {
			continue
		}
		one := &eventView{
			Seq: e.Seq, At: e.Time.UTC(), Ago: age(now.Sub(e.Time)), App: shorten(e.App, nameLimit),
			Kind: e.Kind, Text: shorten(e.Text, textLimit),
		}
		if e.Instance != status.EveryWorker {
			one.Instance = fmt.Sprint(e.Instance)
		}
		views = append(views, one)
	}
	slices.SortFunc(views, func(a, b *eventView) int { return cmp.Compare(b.Seq, a.Seq) })
	return views[:min(len(views), eventsShown)]
}
