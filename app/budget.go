package app

import "time"

// Budget is a rate at which an installation may do something on GitHub: one token
// every so often, and a burst of them after a quiet spell.
type Budget struct {
	Installation int64 // 0 is the App itself
	Kind         string
	Every        time.Duration // in which one token comes back
	Burst        int           // tokens at most
}

// Standing is how an installation stands with GitHub. Zero or past instants keep
// nobody from asking.
type Standing struct {
	PausedUntil  time.Time // GitHub asked to be left alone
	StoppedUntil time.Time // the App is taken to be suspended there
	Resumed      int64     // how often GitHub said that it is not
}

// HookDelivery is GitHub's record of one webhook that it sent, or tried to send.
// A redelivery has an id of its own and the GUID of the first.
type HookDelivery struct {
	ID           int64
	GUID         string
	DeliveredAt  time.Time
	Redelivery   bool
	StatusCode   int // what we answered; 0 when nothing
	Event        string
	Action       string
	Installation int64
	Repository   int64
}
