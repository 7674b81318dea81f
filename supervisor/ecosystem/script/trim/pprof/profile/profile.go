// Package profile has the types that the engine's profiler fills, which gorun
// never starts.
package profile

import (
	"errors"
	"io"
)

// Profile is what a profiler has found.
type Profile struct {
	SampleType    []*ValueType
	Sample        []*Sample
	Mapping       []*Mapping
	Location      []*Location
	Function      []*Function
	TimeNanos     int64
	DurationNanos int64
	PeriodType    *ValueType
	Period        int64
}

// Write does nothing but fail.
func (*Profile) Write(io.Writer) error { return errors.ErrUnsupported }

// ValueType says what a value counts.
type ValueType struct{ Type, Unit string }

// Sample is a stack with its values.
type Sample struct {
	Location []*Location
	Value    []int64
}

// Mapping is a file.
type Mapping struct {
	ID   uint64
	File string
}

// Location is a place in a file.
type Location struct {
	ID      uint64
	Mapping *Mapping
	Line    []Line
}

// Line is a line of a function.
type Line struct {
	Function *Function
	Line     int64
}

// Function is a function of JavaScript.
type Function struct {
	ID             uint64
	Name, Filename string
}
