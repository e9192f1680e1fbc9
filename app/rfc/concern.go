package rfc

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/config"
)

// ConcernState is where a concern stands.
type ConcernState string

// A concern blocks acceptance until it is resolved, lapsed or overruled: the
// author's word alone ("addressed") settles nothing.
const (
	ConcernOpen      ConcernState = "open"
	ConcernAddressed ConcernState = "addressed"
	ConcernResolved  ConcernState = "resolved"
	ConcernLapsed    ConcernState = "lapsed"
	ConcernOverruled ConcernState = "overruled"
)

// Concern is a numbered objection (RULES §2 "Concerns"). Times are UTC.
type Concern struct {
	Number int          `json:"number"`
	Raiser app.User     `json:"raiser"`
	Text   string       `json:"text"`
	State  ConcernState `json:"state"`
	Round  int          `json:"round,omitempty"` // the round it was raised in, 0 in discussion
	URL    string       `json:"url,omitempty"`

	RaisedAt    time.Time `json:"raised_at"`
	AddressedAt time.Time `json:"addressed_at,omitzero"`
	SettledAt   time.Time `json:"settled_at,omitzero"`
	// SpokeAt is the last word of its raiser on the RFC that was in time for it.
	SpokeAt time.Time `json:"spoke_at,omitzero"`
	How     string    `json:"how,omitempty"` // the author's answer
	// Overrules are the stewards who overruled it so far, each with a reason.
	Overrules []Overrule `json:"overrules,omitempty"`
	Marked    Mark       `json:"marked,omitempty"`
}

// Overrule is one steward's word against a concern.
type Overrule struct {
	By  app.User  `json:"by"`
	At  time.Time `json:"at"`
	Why string    `json:"why"`
}

// Mark is a steward's judgement on a settled concern.
type Mark string

// A settled concern may be marked once.
const (
	MarkUpheld    Mark = "upheld"
	MarkFrivolous Mark = "frivolous"
)

// Settled reports whether the concern no longer blocks acceptance.
func (c Concern) Settled() bool {
	return c.State == ConcernResolved || c.State == ConcernLapsed || c.State == ConcernOverruled
}

// overruledAt is when the last of the stewards overruled the concern, whatever the order
// in which they were heard.
func (c Concern) overruledAt() (last time.Time) {
	for _, o := range c.Overrules {
		if o.At.After(last) {
			last = o.At
		}
	}
	return last
}

// met reports whether the raiser's objection was met: the concern was resolved or
// lapsed, so that the ballot behind it counts as an abstention. Overruling is the
// stewards' word, not the raiser's, and leaves the ballot as it is.
func (c Concern) met() bool { return c.State == ConcernResolved || c.State == ConcernLapsed }

// OpenConcerns counts the concerns that block acceptance.
func OpenConcerns(concerns []Concern) int {
	n := 0
	for _, c := range concerns {
		if !c.Settled() {
			n++
		}
	}
	return n
}

// GivesReason reports whether the words of a request for changes are reason enough
// to open a concern by themselves; `/concern raise` needs no such length.
func GivesReason(text string, rules config.Concerns) bool {
	return utf8.RuneCountInString(strings.TrimSpace(text)) >= rules.MinReason
}

// MayRaise says whether the person may open one more concern now; the returned
// reason is for people. round is nil while the RFC is in discussion.
func MayRaise(r *RFC, round *Round, rules config.Concerns, raiser int64, at time.Time) (bool, string) {
	mine := 0
	for _, c := range r.Concerns {
		if c.Raiser.ID == raiser {
			mine++
		}
	}
	if mine >= rules.PerMember {
		return false, fmt.Sprintf("a member may raise at most %d concerns on one RFC, ever", rules.PerMember)
	}
	if round != nil && !at.Before(round.ConcernsUntil()) {
		return false, "no concern can be raised in the last quarter of the voting period"
	}
	return true, ""
}
