package merge

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
)

// familySet puts families of many workers together.
type familySet struct {
	families map[string]*dto.MetricFamily
	reserved map[string]bool // names of the samples of all families
}

func newFamilySet() *familySet {
	return &familySet{families: map[string]*dto.MetricFamily{}, reserved: map[string]bool{}}
}

// add adds a family's samples to those of the same name. It is refused if
// they have another type, or if other families' samples have its names.
func (s *familySet) add(in *dto.MetricFamily) bool {
	name := in.GetName()
	old := s.families[name]
	if old == nil {
		if !s.reserve(in) {
			return false
		}
		s.families[name] = in
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

// reserve reserves the names of a family's samples.
func (s *familySet) reserve(f *dto.MetricFamily) bool {
	names := suffixes[f.GetType()]
	for _, suffix := range names {
		if s.reserved[f.GetName()+suffix] {
			return false
		}
	}
	for _, suffix := range names {
		s.reserved[f.GetName()+suffix] = true
	}
	return true
}

// sorted returns all families by name.
func (s *familySet) sorted() []*dto.MetricFamily {
	return slices.SortedFunc(maps.Values(s.families), func(a, b *dto.MetricFamily) int { return cmp.Compare(a.GetName(), b.GetName()) })
}

// newFamily makes a family as gorun serves it, without samples.
func newFamily(name, help string, k kind) *dto.MetricFamily {
	f := &dto.MetricFamily{Name: &name, Type: types[k].Enum()}
	if help != "" {
		f.Help = &help
	}
	return f
}

// Combine returns gorun's own families and those of the workers together, sorted
// by name. Where they contradict each other gorun's stay, and the workers' are left
// out. Nothing given in is changed.
func Combine(gorun, workers []*dto.MetricFamily) []*dto.MetricFamily {
	set := newFamilySet()
	for _, f := range gorun {
		set.reserve(f)
		set.families[f.GetName()] = &dto.MetricFamily{
			Name: f.Name, Help: f.Help, Type: f.Type, Unit: f.Unit, Metric: slices.Clip(f.GetMetric()),
		}
	}
	for _, f := range workers {
		if !strings.HasPrefix(f.GetName(), reservedPrefix) {
			set.add(&dto.MetricFamily{Name: f.Name, Help: f.Help, Type: f.Type, Metric: slices.Clip(f.GetMetric())})
		}
	}
	return set.sorted()
}

// Unambiguous returns the families whose names differ in OpenMetrics. There a
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
