package rfc

import (
	"cmp"
	"slices"
	"time"

	"github.com/agora-rfc/agora/app"
)

// Choice is what a ballot says.
type Choice string

// The choices of a ballot; retracted and conflicting are what may become of one.
const (
	Approve        Choice = "approve"
	Reject         Choice = "reject"
	RequestChanges Choice = "request-changes"
	Abstain        Choice = "abstain"
	Retracted      Choice = "retracted"
	Conflicting    Choice = "conflicting"
)

// Channel is how a ballot reached Agora.
type Channel string

// The three channels. At the same instant a comment outranks a review, and a
// review a reaction (RULES §2 "Ballots").
const (
	ByComment  Channel = "comment"
	ByReview   Channel = "review"
	ByReaction Channel = "reaction"
)

func (c Channel) rank() int {
	switch c {
	case ByComment:
		return 3
	case ByReview:
		return 2
	case ByReaction:
		return 1
	}
	return 0
}

// ReactionChoice maps GitHub's reaction on the ballot comment to a choice.
func ReactionChoice(content string) (Choice, bool) {
	switch content {
	case "+1":
		return Approve, true
	case "-1":
		return Reject, true
	case "confused":
		return RequestChanges, true
	case "eyes":
		return Abstain, true
	}
	return "", false
}

// Act is one act of voting as it was cast: append-only. A retraction is an act too:
// of one reaction (Channel ByReaction, Source its id) or of everything
// (`/vote retract`, Channel ByComment).
type Act struct {
	ID      int64
	RFC     int64
	Round   int
	Voter   app.User
	Choice  Choice
	Channel Channel
	Source  int64 // id of the comment, review or reaction
	// At is GitHub's own instant; for a reaction taken back, the poll that saw it.
	At     time.Time
	Seen   time.Time
	URL    string
	Reason string
	// Concern is the number of the concern this act opened, 0 for none.
	Concern int
}

func (a Act) retracts() bool { return a.Choice == Retracted }

// retraction is 1 for a retraction: what was given at the same instant came first.
func (a Act) retraction() int {
	if a.retracts() {
		return 1
	}
	return 0
}

// Where is the address at which the act can be looked at: its comment or review, for
// a reaction the ballot comment of its round. It is "" when there is none.
func (a Act) Where(round *Round) string {
	if a.URL == "" && a.Channel == ByReaction {
		return round.BallotURL
	}
	return a.URL
}

// inOrder lists acts in the order in which they count: by GitHub's instant, and at
// the same instant so that the one that wins comes last. Most rounds are kept in it.
func inOrder(acts []Act) []*Act {
	sorted := true
	order := make([]*Act, len(acts)) // an act is large to move
	for i := range acts {
		order[i] = &acts[i]
		sorted = sorted && (i == 0 || compareActs(order[i-1], order[i]) <= 0)
	}
	if !sorted {
		slices.SortFunc(order, compareActs)
	}
	return order
}

func compareActs(a, b *Act) int {
	if c := a.At.Compare(b.At); c != 0 {
		return c
	}
	return cmp.Or(
		cmp.Compare(a.Channel.rank(), b.Channel.rank()),
		cmp.Compare(a.Source, b.Source),
		cmp.Compare(a.retraction(), b.retraction()),
		cmp.Compare(a.ID, b.ID),
		cmp.Compare(a.Choice, b.Choice), // only for acts that have no id yet
	)
}

// standing is what one voter's acts amount to so far.
type standing struct {
	id     int64
	voter  *Voter // nil for who is not in the electorate
	voided bool   // the ballots count no longer, whatever they are
	choice Choice // "" before the first act
	act    int    // index of the act that counts, -1 when none does
	// reactions that stand on the ballot and were not overtaken by another channel
	reactions []standingReaction
	only      [1]standingReaction // room for the one that most have
}

type standingReaction struct {
	source int64
	choice Choice
	act    int
}

// apply moves the standing by one act; i is its index in the round's sorted acts.
func (s *standing) apply(a *Act, i int) {
	switch {
	case a.Channel == ByReaction && a.retracts():
		s.takeBack(a)
	case a.Channel == ByReaction:
		if s.reactions == nil {
			s.reactions = s.only[:0]
		}
		s.reactions = append(s.reactions, standingReaction{a.Source, a.Choice, i})
		s.settleReactions()
	default:
		// A newer act over another channel overtakes every reaction before it:
		// older ballots never revive.
		s.reactions = s.reactions[:0]
		s.choice, s.act = a.Choice, i
		if a.retracts() {
			s.act = -1
		}
	}
}

func (s *standing) takeBack(a *Act) {
	if !s.forget(a.Source) {
		return // already overtaken
	}
	if len(s.reactions) == 0 {
		s.choice, s.act = Retracted, -1
		return
	}
	s.settleReactions()
}

// forget drops a reaction, however often it was listed, and reports whether it stood.
func (s *standing) forget(source int64) bool {
	before := len(s.reactions)
	s.reactions = slices.DeleteFunc(s.reactions, func(r standingReaction) bool { return r.source == source })
	return len(s.reactions) < before
}

// settleReactions lets the newest standing reaction count, unless two that stand
// at once contradict each other.
func (s *standing) settleReactions() {
	last := s.reactions[len(s.reactions)-1]
	for _, r := range s.reactions {
		if r.choice != last.choice {
			s.choice, s.act = Conflicting, -1
			return
		}
	}
	s.choice, s.act = last.choice, last.act
}

// counts reports whether the standing is a vote.
func (s *standing) counts() bool {
	switch s.choice {
	case Approve, Reject, RequestChanges, Abstain:
		return true
	}
	return false
}

// stands reports whether the act is one of the reactions that stand on the ballot.
func (s *standing) stands(act int) bool {
	return slices.ContainsFunc(s.reactions, func(r standingReaction) bool { return r.act == act })
}
