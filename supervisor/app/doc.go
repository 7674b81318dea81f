// Package app makes a set of workers match what is desired of one app: which
// revision they run by, how many there are, and whether they run.
//
// One goroutine, in Run, owns the controller, which holds what is desired and what is
// actual: step does at most one thing that brings them closer (package slots). A job
// (package jobs) sets what is desired and waits until its condition holds. One rule
// says what happens while a job is under way: stop and delete take effect at once, a
// later order of the same kind supersedes the earlier one, another kind is refused with
// BusyError, and what the clock, the files or the memory ask for waits, one order for
// each reason.
//
// Beside it run: one goroutine for each worker that is not at rest, one that waits
// for an app which this one depends on, and the triggers (memory, cron, watch).
package app
