package main

import (
	"testing"
	"time"

	"github.com/agora-rfc/agora/app/ghsim"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/store/storetest"
)

// passTo lets time go by until so long after an instant.
func (s *scene) passTo(at time.Time, after time.Duration) {
	s.t.Helper()
	s.pass(at.Add(after).Sub(s.clock.now()))
}

// edited is a text that can be changed: of an issue whose lines end as browsers send
// them, or the branch of a pull request.
type edited struct {
	open func(s *scene) int
	edit func(s *scene, number int, to string)
}

var texts = map[string]edited{
	"issue": {
		func(s *scene) int {
			return s.issue("kim", "The text", "Text.\r\n\r\nMore of it: Ünïcode ✓.\r\n", "rfc")
		},
		func(s *scene, number int, to string) {
			must(s.t, s.sim.As("kim").EditBody(rfcs, number, to+"\r\n\r\nAnd more."))
		},
	},
	"issue's title": {
		func(s *scene) int { return s.issue("kim", "The text", "", "rfc") },
		func(s *scene, number int, to string) { must(s.t, s.sim.As("kim").EditTitle(rfcs, number, to)) },
	},
	"pull request": {
		func(s *scene) int { return s.pull("kim", ghsim.NewPullRequest{Title: "The text"}, "rfc") },
		func(s *scene, number int, to string) {
			s.sim.As("kim").PushToPull(rfcs, number, map[string]string{"text.md": to})
		},
	},
}

// atTheEnd plays a vote that passes up to its end, for every kind of text.
func atTheEnd(t *testing.T, do func(s *scene, number int, end time.Time, edit func(to string))) {
	t.Helper()
	for name, text := range texts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.EachURL(t, func(t *testing.T, url string) {
				s := newScene(t, staging{databaseURL: url})
				number := text.open(s)
				s.done("maya", number, "/rfc vote")
				s.react(number, 1, 1, "+1", "maya", "lee", "noor")
				s.pass(6 * day)
				do(s, number, s.rfc(1).Deadline, func(to string) { text.edit(s, number, to) })
			})
		})
	}
}

// acceptedAsItWas expects that the vote was decided for the text that was voted on.
func (s *scene) acceptedAsItWas(number int) {
	s.t.Helper()
	s.is(number, rfc.Accepted)
	if got := s.rfc(1).Round; got != 1 {
		s.t.Errorf("it is accepted in round %d, want the first", got)
	}
	s.quiet()
	s.contains(s.sticky(number, 1), "changed after it was accepted")
	if i, _ := s.sim.Issue(rfcs, number); i.Head.SHA != "" {
		s.checkIs(number, "action_required")
	}
}

func TestAnEditRightAfterTheEndVoidsNoVote(t *testing.T) {
	t.Parallel()
	atTheEnd(t, func(s *scene, number int, end time.Time, edit func(to string)) {
		s.passTo(end, 300*time.Millisecond)
		edit("Something else entirely.")
		s.settle()
		edit("And another thing.")
		s.settle()
		s.over(0)
		s.acceptedAsItWas(number)
	})
}

func TestAnEditRightAfterTheEndThatIsHeardLateVoidsNoVote(t *testing.T) {
	t.Parallel()
	atTheEnd(t, func(s *scene, number int, end time.Time, edit func(to string)) {
		s.sim.HoldWebhooks()
		s.passTo(end, 300*time.Millisecond)
		edit("Something else entirely.")
		edit("And another thing.")
		s.over(0)
		s.is(number, rfc.Voting)
		if got := s.rfc(1).Round; got != 1 {
			s.t.Fatalf("round %d has begun before anybody heard of the edit", got)
		}
		s.contains(s.sticky(number, 1), "changed around the time voting ended")
		s.sim.ReleaseWebhooks(ghsim.Release{Shuffle: true, Seed: 1, Twice: true})
		s.settle()
		s.over(0)
		s.acceptedAsItWas(number)
	})
}

func TestEditsOnBothSidesOfTheEndStartTheVoteAgain(t *testing.T) {
	t.Parallel()
	atTheEnd(t, func(s *scene, number int, end time.Time, edit func(to string)) {
		s.sim.HoldWebhooks()
		s.passTo(end, -30*time.Second) // slow machines have time to do it
		edit("Something else entirely.")
		s.passTo(end, 300*time.Millisecond)
		edit("And another thing.")
		s.over(0)
		s.sim.ReleaseWebhooks(ghsim.Release{})
		s.settle()
		s.over(0)
		s.is(number, rfc.Voting)
		if got := s.rfc(1).Round; got != 2 {
			s.t.Errorf("round %d, want a second one on the new text", got)
		}
	})
}
