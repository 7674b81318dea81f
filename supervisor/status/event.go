package status

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Event is something that happened to an app or a worker.
type Event struct {
	Seq      uint64 // order, from 1
	Time     time.Time
	App      string
	Instance int             // EveryWorker: about the app
	Kind     string          // state, exit, reload, scale, message, …
	Text     string          // for people, one line
	Data     json.RawMessage // message: what the worker sent; else nil
}

// Change is what a revision does to an app.
type Change struct {
	App  string
	What Step
	Why  []string // the keys that have changed, in the file's words
}

// Step is what is done to an app so that it is what its revision says.
type Step int

// The steps.
const (
	Keep     Step = iota // nothing
	Add                  // start it: it is new
	Remove               // stop it: it is gone from the file
	Roll                 // reload it, worker by worker
	Recreate             // stop and start it: old and new cannot share their ports
)

// Progress is one line of news while an order is carried out.
type Progress struct {
	App      string // "": about the whole
	Instance int    // EveryWorker: about the app
	Text     string // for people, one line
	Failed   bool
}

// String returns the step for people.
func (s Step) String() string {
	return [...]string{"keep", "add", "remove", "reload", "restart"}[s]
}

// EveryWorker is the instance of a target that is a whole app.
const EveryWorker = -1

// Target is an app, or one worker of it.
type Target struct {
	App      string
	Instance int // within the app; EveryWorker: all of them
}

// MessageEvent is a message that a worker has sent.
func MessageEvent(message json.RawMessage) Event {
	return Event{Kind: "message", Text: shorten(string(message)), Data: small(message)}
}

// dataLimit is how much of a message an event keeps, in bytes.
const dataLimit = 16 << 10

// small is the message if it can be kept a thousand times.
func small(message json.RawMessage) json.RawMessage {
	if len(message) > dataLimit {
		return nil
	}
	return slices.Clone(message)
}

// textLimit is how much of a message an event shows to people, in bytes.
const textLimit = 200

func shorten(text string) string {
	if len(text) <= textLimit {
		return text
	}
	return strings.ToValidUTF8(text[:textLimit], "") + "…"
}
