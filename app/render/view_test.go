package render_test

import (
	"fmt"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/config"
)

var opened = time.Date(2026, 9, 18, 18, 0, 0, 0, time.UTC)

// story builds views the way the domain does: a record of acts, recounted.
type story struct {
	rfc    *rfc.RFC
	record rfc.Record
	view   rfc.View
}

// newStory is RFC-7 in discussion.
func newStory() *story {
	r := &rfc.RFC{
		ID: 31, Community: 1, Number: 7, State: rfc.Open, Ref: app.IssueRef{Repository: 9, Number: 412},
		Kind: rfc.KindPull, Title: "Weighted quorum", Type: config.Standard,
		Author: app.User{ID: 1, Login: "maya"}, URL: "https://github.example/acme/rfcs/pull/412",
		Text:     rfc.Text{Hash: "0123456789abcdef0123456789abcdef", Head: "9f3c2ab1d4e5f60718293a4b5c6d7e8f90a1b2c3"},
		OpenedAt: opened, DiscussionEnds: opened.AddDate(0, 0, 14), IssueOpen: true,
	}
	s := &story{rfc: r}
	s.view = rfc.View{
		RFC: r, Stewards: []string{"acme/stewards", "noor"}, PageURL: "https://agora.example/c/acme/rfcs/7",
		Logins: map[int64]string{1: "maya"},
	}
	s.log("state", "", "open", "labelled", 1, opened)
	return s
}

func (s *story) log(kind, from, to, reason string, actor int64, at time.Time) {
	s.view.History = append(s.view.History, audit.Entry{
		Seq: int64(len(s.view.History) + 1), Kind: kind, From: from, To: to, Reason: reason, Actor: actor, At: at,
	})
}

// vote opens round one with an electorate of 60, whose weight makes the quorum
// that of the published sample: 12 voters, 30.1 of weight.
func (s *story) vote() *story {
	at := s.rfc.DiscussionEnds
	policy := config.DefaultPolicy()
	round := &rfc.Round{
		RFC: s.rfc.ID, Number: 1, Type: config.Standard, Policy: policy, PolicyVersion: "9f3c2ab41d20",
		OpenedAt: at, Planned: at.AddDate(0, 0, 10), Text: s.rfc.Text,
		BallotURL: "https://github.example/acme/rfcs/pull/412#issuecomment-77",
	}
	s.rfc.State, s.rfc.Round = rfc.Voting, 1
	s.record = rfc.Record{Round: round, Author: s.rfc.Author.ID, Now: at.Add(time.Hour)}
	for i, reputation := range reputations() {
		weight := int64(100 + 4*reputation)
		s.record.Voters = append(s.record.Voters, rfc.Voter{
			ID: int64(i + 1), Login: fmt.Sprintf("voter-%d", i+1), Reputation: reputation, Weight: weight, Regular: true,
		})
		round.Heads, round.Eligible, round.Weight = round.Heads+1, round.Eligible+1, round.Weight+weight
	}
	s.log("state", "open", "voting", "the discussion period is over", 0, at)
	return s
}

func reputations() []int {
	list := []int{63, 63, 63, 63, 63, 63, 63, 63, 59, 67, 67, 66, 25, 25}
	for range 45 {
		list = append(list, 31)
	}
	return append(list, 54)
}

// cast adds ballots of the voters from the first to the last number.
func (s *story) cast(choice rfc.Choice, from, to int) *story {
	for id := from; id <= to; id++ {
		channel := []rfc.Channel{rfc.ByReaction, rfc.ByComment, rfc.ByReview}[id%3]
		s.record.Acts = append(s.record.Acts, rfc.Act{
			ID: int64(len(s.record.Acts) + 1), RFC: s.rfc.ID, Round: 1,
			Voter: app.User{ID: int64(id), Login: fmt.Sprintf("voter-%d", id)}, Choice: choice, Channel: channel, Source: int64(900 + id),
			At: s.record.Round.OpenedAt.Add(time.Duration(len(s.record.Acts)+1) * time.Minute), URL: fmt.Sprintf("https://github.example/acme/rfcs/pull/412#issuecomment-%d", 900+id),
		})
	}
	return s
}

// ballots casts those of the published sample: 31.52, 11.00, 4.00.
func (s *story) ballots() *story {
	return s.cast(rfc.Approve, 1, 9).cast(rfc.Reject, 10, 12).cast(rfc.Abstain, 13, 14)
}

// concern raises one; addressed when how is set.
func (s *story) concern(text, how string) *story {
	c := rfc.Concern{
		Number: len(s.rfc.Concerns) + 1, Raiser: app.User{ID: 10, Login: "kim"}, Text: text, State: rfc.ConcernOpen, How: how,
		URL: "https://github.example/acme/rfcs/pull/412#issuecomment-50", RaisedAt: opened.Add(time.Hour),
	}
	if how != "" {
		c.State, c.AddressedAt = rfc.ConcernAddressed, opened.Add(2*time.Hour)
	}
	s.rfc.Concerns = append(s.rfc.Concerns, c)
	return s
}

// decide closes the round at its deadline with what the recount says.
func (s *story) decide() *story {
	round := s.record.Round
	s.record.Now, s.record.Concerns = round.Planned.AddDate(0, 0, 8), s.rfc.Concerns
	result := rfc.Recount(s.record)
	round.ClosedAt, round.FinalDeadline = result.Deadline, result.Deadline
	round.Outcome, round.Reasons = result.Verdict.Outcome, result.Verdict.Reasons
	s.rfc.State, s.rfc.DecidedAt = rfc.State(round.Outcome), result.Deadline
	if s.rfc.State == rfc.Accepted {
		s.rfc.Bound = round.Text
	}
	s.log("state", "voting", string(s.rfc.State), round.Reasons[0], 0, result.Deadline)
	return s
}

// shown is the view of the story as it stands.
func (s *story) shown() rfc.View {
	v := s.view
	if s.record.Round != nil {
		s.record.Concerns = s.rfc.Concerns
		v.Round, v.Rounds = s.record.Round, []*rfc.Round{s.record.Round}
		v.Voters, v.Result = s.record.Voters, rfc.Recount(s.record)
	}
	return v
}

// state moves the RFC by a person's word.
func (s *story) state(to rfc.State, why string) *story {
	s.log("state", string(s.rfc.State), string(to), why, 1, opened.AddDate(0, 1, 0))
	s.rfc.State, s.rfc.Why = to, why
	return s
}
