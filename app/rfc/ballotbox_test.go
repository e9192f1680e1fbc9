package rfc

import (
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/config"
)

// opening is when every round of these tests opens.
var opening = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

const (
	hour = time.Hour
	day  = 24 * time.Hour
)

// ballotBox fills the record of one round. Instants are given as the time since
// the opening; people are their numeric ids, 1 to N for the electorate.
type ballotBox struct {
	record Record
	acts   int64
}

// newBallotBox opens a round of a type by the default policy for voters of these
// weights. It is recounted as of the planned deadline; the author is nobody in it.
func newBallotBox(kind config.Type, weights ...int64) *ballotBox {
	policy := config.DefaultPolicy()
	round := &Round{
		RFC: 7, Number: 1, Type: kind, Policy: policy,
		OpenedAt: opening, Planned: opening.Add(policy.RulesOf(kind).Voting.Std()),
	}
	b := &ballotBox{record: Record{Round: round, Author: 99, Now: round.Planned}}
	for i, weight := range weights {
		b.record.Voters = append(b.record.Voters, Voter{ID: int64(i + 1), Weight: weight, Regular: true})
		round.Heads++
		round.Eligible++
		round.Weight += weight
	}
	return b
}

// equals makes n weights of 1.
func equals(n int) []int64 {
	weights := make([]int64, n)
	for i := range weights {
		weights[i] = 100
	}
	return weights
}

// add appends an act; source 0 gives it one of its own.
func (b *ballotBox) add(voter int64, choice Choice, channel Channel, source int64, at time.Duration) *Act {
	b.acts++
	if source == 0 {
		source = 1000 + b.acts
	}
	b.record.Acts = append(b.record.Acts, Act{
		ID: b.acts, RFC: 7, Round: 1, Voter: app.User{ID: voter}, Choice: choice,
		Channel: channel, Source: source, At: opening.Add(at), Seen: opening.Add(at),
	})
	return &b.record.Acts[len(b.record.Acts)-1]
}

func (b *ballotBox) comment(voter int64, choice Choice, at time.Duration) *Act {
	return b.add(voter, choice, ByComment, 0, at)
}

func (b *ballotBox) review(voter int64, choice Choice, at time.Duration) {
	b.add(voter, choice, ByReview, 0, at)
}

func (b *ballotBox) react(voter int64, choice Choice, source int64, at time.Duration) {
	b.add(voter, choice, ByReaction, source, at)
}

// takeBack is the poll that no longer finds the reaction.
func (b *ballotBox) takeBack(voter, source int64, at time.Duration) {
	b.add(voter, Retracted, ByReaction, source, at)
}

// retract is `/vote retract`.
func (b *ballotBox) retract(voter int64, at time.Duration) {
	b.add(voter, Retracted, ByComment, 0, at)
}

// object is a request for changes that opens a concern.
func (b *ballotBox) object(voter int64, at time.Duration) *Concern {
	number := len(b.record.Concerns) + 1
	b.comment(voter, RequestChanges, at).Concern = number
	b.record.Concerns = append(b.record.Concerns, Concern{
		Number: number, Raiser: app.User{ID: voter}, State: ConcernOpen, Round: 1, RaisedAt: opening.Add(at),
	})
	return &b.record.Concerns[number-1]
}

func (b *ballotBox) extend(by, at time.Duration) {
	round := b.record.Round
	round.Extensions = append(round.Extensions, Extension{At: opening.Add(at), For: config.Duration(by)})
}

func (b *ballotBox) void(voter int64, at time.Duration) {
	b.record.Round.Voids = append(b.record.Round.Voids, Void{Voter: voter, At: opening.Add(at)})
}

// now recounts as of another instant.
func (b *ballotBox) now(at time.Duration) *ballotBox {
	b.record.Now = opening.Add(at)
	return b
}

func (b *ballotBox) recount() Result { return Recount(b.record) }

// end settles a concern.
func (c *Concern) end(state ConcernState, at time.Duration) {
	c.State, c.SettledAt = state, opening.Add(at)
}
