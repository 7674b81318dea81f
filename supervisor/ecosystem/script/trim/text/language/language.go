// Package language names the one language that the engine asks for: none.
package language

// Tag is a language.
type Tag struct{}

// Und is the undetermined language.
var Und Tag
