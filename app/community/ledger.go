// Package community keeps the people of a community: who is a member, what reputation they have and what weight that gives their
// votes, the community's policies and its stewards. Reputation is a pure replay of an append-only ledger (RULES §1): ReplayAll turns
// entries into standings, and ReceiptOf says of every number where it comes from.
package community

import (
	"cmp"
	"strings"
	"time"

	"github.com/agora-rfc/agora/config"
)

// Scale is how many units of the ledger make one point, and what a factor of 1 is: ten-thousandths.
const Scale = 10_000

// maxPoints bounds the points of an entry, so that no arithmetic on them overflows.
const maxPoints = 1_000_000 * Scale

// Entry is one entry of the reputation ledger. Entries are only ever appended: to take one back, another voids it.
type Entry struct {
	// ID is unique in the community and grows with every entry.
	ID int64
	// Member is whose reputation it is about, Actor who caused it; both are GitHub's numeric ids. Actor 0 is Agora itself.
	Member, Actor int64
	// Kind says what happened, and so the class.
	Kind config.EntryKind
	// Points is what it is worth, in ten-thousandths and never negative, also for what is taken away.
	Points int64
	// Factor is the actor's factor when the entry was made, in ten-thousandths: Scale for factor 1.
	Factor int64
	// At is when it happened.
	At time.Time
	// Voids is the id of an earlier entry that counts no longer because of this one, 0 for none.
	Voids int64
	// Source is the cause, unique in the community: its subject, a slash, and what tells apart the causes of one subject,
	// such as "comment/77/1001" for the reaction of 1001 on comment 77.
	Source string
	// Note is a reason for people.
	Note string
}

// NewEntry is an entry of Agora's own about a member, with the points of its kind and factor 1.
// What another person caused needs Actor set, and for a signal also Factor, to what SignalFactor says.
func NewEntry(rules config.Reputation, kind config.EntryKind, member int64, at time.Time, source string) Entry {
	return Entry{
		Member: member, Kind: kind, Points: int64(rules.Points[kind]) * Scale, Factor: Scale, At: at.UTC(), Source: source,
	}
}

// Split shares points in ten-thousandths among n co-authors, exactly: what does not divide goes to the first ones.
func Split(points int64, n int) []int64 {
	shares := make([]int64, max(n, 0))
	for i := range shares {
		shares[i] = points / int64(n)
		if int64(i) < points%int64(n) {
			shares[i]++
		}
	}
	return shares
}

// subject is what the entry is about: its source without the last part.
func (e Entry) subject() string {
	if slash := strings.LastIndexByte(e.Source, '/'); slash >= 0 {
		return e.Source[:slash]
	}
	return e.Source
}

// sound tells whether the entry's numbers can be counted with.
func (e Entry) sound() bool {
	return e.Points >= 0 && e.Points <= maxPoints && e.Factor >= 0 && e.Factor <= Scale
}

// worth is the entry's points times its factor, in ten-thousandths, rounded down.
func (e Entry) worth() int64 { return e.Points * e.Factor / Scale }

// inOrder sorts entries as they happened; entries of the same instant stand in the order of their ids.
func inOrder(a, b Entry) int {
	if order := a.At.Compare(b.At); order != 0 {
		return order
	}
	return cmp.Compare(a.ID, b.ID)
}

// day numbers the UTC day of an instant.
func day(at time.Time) int64 {
	const seconds = 24 * 60 * 60
	unix := at.Unix()
	number := unix / seconds
	if unix%seconds < 0 {
		number--
	}
	return number
}

// SignalFacts is what decides the factor of a signal from Actor to Member (RULES §1).
type SignalFacts struct {
	// Actor gives the signal to Member; both are GitHub's numeric ids.
	Actor, Member int64
	// Bot, Blocked and SamePartner rule the actor out: a bot, blocked, or of the same partner organisation as the member.
	Bot, Blocked, SamePartner bool
	// AccountCreated is when the actor's GitHub account was made, Joined when the actor became a member; zero is unknown.
	AccountCreated, Joined time.Time
	// Reputation is the actor's R at that time.
	Reputation int
}

// SignalFactor is the actor's factor in ten-thousandths, 1/4 + 3/4·R/100, or 0 for an actor whose signals do not count.
// What is not known counts against the actor.
func SignalFactor(facts SignalFacts, now time.Time, rules config.Reputation) int64 {
	signals := rules.Signals
	since := func(start time.Time, least config.Duration) bool {
		return !start.IsZero() && now.Sub(start) >= least.Std()
	}
	switch {
	case facts.Actor == facts.Member, facts.Bot, facts.Blocked, facts.SamePartner,
		!since(facts.AccountCreated, signals.MinAccountAge),
		!since(facts.Joined, signals.MinMembership),
		facts.Reputation < signals.MinReputation:
		return 0
	}
	reputation := int64(min(max(facts.Reputation, 0), 100))
	factor := signals.FactorBase.FloorOf(Scale) + signals.FactorShare.FloorOf(Scale*reputation/100)
	return min(factor, Scale)
}
