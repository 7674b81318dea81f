package merge

import (
	"cmp"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
)

// pool puts families of many workers together.
type pool struct {
	families map[string]*dto.MetricFamily
	taken    map[string]bool // names of samples
}

func newPool() *pool {
	return &pool{families: map[string]*dto.MetricFamily{}, taken: map[string]bool{}}
}

// add adds a family's samples to those of the same name. It is refused if
// they have another type, or if other families' samples have its names.
func (p *pool) add(in *dto.MetricFamily) bool {
	name := in.GetName()
	old := p.families[name]
	if old == nil {
		if !p.take(in) {
			return false
		}
		p.families[name] = in
		return true
	}
	if old.GetType() != in.GetType() {
		return false
	}
	if old.GetHelp() == "" {
		old.Help = in.Help
	}
	old.Metric = append(old.Metric, in.GetMetric()...)
	return true
}

// take reserves the names of a family's samples.
func (p *pool) take(f *dto.MetricFamily) bool {
	names := suffixes[f.GetType()]
	for _, suffix := range names {
		if p.taken[f.GetName()+suffix] {
			return false
		}
	}
	for _, suffix := range names {
		p.taken[f.GetName()+suffix] = true
	}
	return true
}

// sorted returns all families by name.
func (p *pool) sorted() []*dto.MetricFamily {
	all := make([]*dto.MetricFamily, 0, len(p.families))
	for _, f := range p.families {
		all = append(all, f)
	}
	slices.SortFunc(all, byName)
	return all
}

func byName(a, b *dto.MetricFamily) int { return cmp.Compare(a.GetName(), b.GetName()) }

// serve makes a family as gorun serves it, without samples yet.
func serve(name, help string, k kind) *dto.MetricFamily {
	f := &dto.MetricFamily{Name: &name, Type: types[k].Enum()}
	if help != "" {
		f.Help = &help
	}
	return f
}

// With returns gorun's own families and those of the workers together, sorted
// by name. Where they contradict each other gorun's stay, and dropped is how
// many series of workers are left out. Nothing given in is changed.
func With(gorun, workers []*dto.MetricFamily) (families []*dto.MetricFamily, dropped int) {
	p := newPool()
	for _, f := range gorun {
		p.take(f)
		p.families[f.GetName()] = &dto.MetricFamily{
			Name: f.Name, Help: f.Help, Type: f.Type, Unit: f.Unit, Metric: slices.Clip(f.GetMetric()),
		}
	}
	for _, f := range workers {
		copied := &dto.MetricFamily{Name: f.Name, Help: f.Help, Type: f.Type, Metric: slices.Clip(f.GetMetric())}
		if strings.HasPrefix(f.GetName(), own) || !p.add(copied) {
			dropped += len(f.GetMetric())
		}
	}
	return p.sorted(), dropped
}

// Unambiguous returns the families that OpenMetrics can tell apart. There a
// counter's family is named without _total, and its sample with it: of the
// gauge jobs and the counter jobs_total only the counter can be served.
func Unambiguous(families []*dto.MetricFamily) []*dto.MetricFamily {
	taken, lost := map[string]bool{}, map[*dto.MetricFamily]bool{}
	for _, f := range families {
		if f.GetType() == dto.MetricType_COUNTER {
			base := strings.TrimSuffix(f.GetName(), "_total")
			lost[f] = taken[base]
			taken[base], taken[base+"_total"] = true, true
		}
	}
	for _, f := range families {
		if f.GetType() != dto.MetricType_COUNTER {
			lost[f] = taken[f.GetName()]
		}
	}
	return slices.DeleteFunc(slices.Clone(families), func(f *dto.MetricFamily) bool { return lost[f] })
}
