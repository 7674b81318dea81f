// Package spec is what an app is to be, and what an operator asks for, as values.
// Package ecosystem fills them from a file; nobody changes them afterwards. The
// type of each part lives beside the logic that it configures (restart.Policy,
// health.Check); spec puts them together. Nothing of the loader, and no engine,
// is behind it.
package spec
