// Package status is what is: the state of every worker and app, exits, counters
// and events, as values. It is a leaf: whoever looks at gorun (metrics, health,
// the status page, the command line) depends on it and on nothing of the engine
// behind it. Nothing in here changes after it was published.
package status
