// Package notification tells members what happened (RULES §3): their inbox, e-mail,
// outgoing webhooks. Whatever happens is entered as one row, in the transaction that
// causes it, however many members it is for. Soon after, alone in its lane, each is
// given its place among the notifications of its community, and only then it is in an
// inbox: ids become visible out of order, and a reader's mark on them would skip some.
// What follows, letters and webhooks, is ordered in the same transaction as the place,
// each in a lane of its own, so that none waits for another.
//
// People stand here by numeric id alone. A title is kept as its author wrote it, and
// is escaped where it is shown.
package notification

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/agora-rfc/agora/app"
)

// Type says what happened (RULES §3).
type Type string

// The types of notifications; config.NotificationTypes lists them.
const (
	RFCOpened     Type = "rfc_opened"
	VotingStarted Type = "voting_started"
	DecisionMade  Type = "decision_made"
	RFCComment    Type = "rfc_comment"
	VotingEnded   Type = "voting_ended"
	Partner       Type = "partner"    // for the partner's contacts and the stewards
	Governance    Type = "governance" // for the stewards, and whom else it concerns
)

// Broadcast reports whether a notification of the type is for every member. Others are
// for the people who are named in it.
func (t Type) Broadcast() bool {
	return t == RFCOpened || t == VotingStarted || t == DecisionMade
}

// Notification is one thing that happened in a community.
type Notification struct {
	Community int64
	// Position is its place among those of the community, from 1; 0 until it has one.
	Position int64
	Type     Type
	// Actor is the person who did it, 0 for Agora itself.
	Actor int64
	// Repository is where it happened, 0 for the community at large: what is private
	// stays there.
	Repository int64
	RFC        int // number of the RFC it is about, 0 for none
	// Subject is what it is about in a word of ours, such as "RFC-7"; Title what people
	// call that, in their words.
	Subject, Title string
	// Text says what happened, in words of ours that begin small and have no full stop.
	Text string
	// URL leads to it; "" when nothing does.
	URL string
	At  time.Time
	// Source is the cause, unique in the community, such as "comment/1001".
	Source string
	// For are the people it is for, unless it is for every member. They are known until
	// it has its place; from then on it stands in their inboxes.
	For []int64
}

// Entering is what entering a notification needs of a transaction.
type Entering interface {
	// AddNotification appends once per (community, Source); it takes no lock that others
	// wait for.
	AddNotification(ctx context.Context, n Notification) error
}

// Enter makes a notification part of the transaction that causes it, once per Source.
// What is not for every member is for nobody twice, and never for the one who acted.
func Enter(ctx context.Context, tx Entering, n Notification) error {
	if n.Type.Broadcast() {
		n.For = nil
	} else {
		n.For = slices.Clone(n.For)
		slices.Sort(n.For)
		n.For = slices.DeleteFunc(slices.Compact(n.For), func(id int64) bool { return id == 0 || id == n.Actor })
	}
	return tx.AddNotification(ctx, n)
}

// name is what the notification is about: "RFC-7 · Weighted quorum". title makes people's
// words fit for where it is shown.
func (n Notification) name(title func(string) string) string {
	switch {
	case n.Title == "":
		return n.Subject
	case n.Subject == "":
		return title(n.Title)
	}
	return n.Subject + " · " + title(n.Title)
}

// happened is the text as a sentence by itself.
func (n Notification) happened() string {
	if n.Text == "" {
		return ""
	}
	return strings.ToUpper(n.Text[:1]) + n.Text[1:]
}

// Person is a member as notifications reach them.
type Person struct {
	User     app.User
	JoinedAt time.Time // zero for somebody who is no member now
}

// Header is as much of a notification as decides whether and where it is shown.
type Header struct {
	Position   int64
	Repository int64
}
