package main

import (
	"testing"
	"time"

	"github.com/agora-rfc/agora/app/rfc"
)

func TestALateFlipMovesTheDeadline(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "Late", "Text.", "rfc")
	s.done("maya", number, "/rfc vote")
	planned := s.rfc(1).Deadline
	s.react(number, 1, 1, "+1", "maya", "lee")
	s.pass(7*day - time.Hour)
	s.done("noor", number, "/vote approve") // the quorum is first reached an hour before the end
	moved := s.rfc(1).Deadline
	if got := moved.Sub(planned); got < 40*time.Hour || got > 42*time.Hour {
		t.Errorf("the deadline moved by %s, want a quarter of the period after the vote", got)
	}
	s.quiet()
	s.contains(s.ballot(number, 1, 1).Body, "It was planned for", moved.Format("2006-01-02 15:04 UTC"))
	s.over(2 * time.Hour)
	s.is(number, rfc.Voting)
	s.over(42 * time.Hour)
	s.is(number, rfc.Accepted)
}

func TestANearTieGetsThreeMoreDaysOnce(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "Close", "Text.", "rfc")
	s.done("maya", number, "/rfc vote")
	// 5.28 of 9.04 is 58.4 %, less than two points under the line of 60 %.
	s.react(number, 1, 1, "+1", "maya", "noor", "sam")
	s.react(number, 1, 1, "-1", "lee", "kim")
	s.over(7 * day)
	s.is(number, rfc.Voting)
	s.contains(s.ballot(number, 1, 1).Body, "It was planned for", s.rfc(1).Deadline.Format("2006-01-02 15:04 UTC"))
	s.pass(3*day - time.Minute)
	s.is(number, rfc.Voting)
	s.over(time.Minute)
	s.is(number, rfc.Rejected)
}

func TestExtensionsAndTheirCap(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "Extended", "Text.", "rfc")
	s.refused("maya", number, `/rfc extend 3d "holidays"`, "no vote now")
	s.done("maya", number, "/rfc vote")
	planned := s.rfc(1).Deadline
	s.refused("kim", number, `/rfc extend 3d "holidays"`, "only a steward")
	s.done("maya", number, `/rfc extend 3d "holidays"`)
	if got := s.rfc(1).Deadline.Sub(planned); got != 3*day {
		t.Errorf("the deadline moved by %s, want 3 days", got)
	}
	most := s.say("maya", number, `/rfc extend 5d "more holidays"`)
	s.contains(s.replyTo(rfcs, number, most), "now ends at "+planned.Add(7*day).Format("2006-01-02 15:04 UTC"), "at most 7d")
	if got := s.rfc(1).Deadline.Sub(planned); got != 7*day {
		t.Errorf("the deadline moved by %s, want the most of 7 days", got)
	}
	s.refused("maya", number, `/rfc extend 1d "and more"`, "at most 7d")
	s.contains(s.ballot(number, 1, 1).Body, planned.Add(7*day).Format("2006-01-02 15:04 UTC"))
	s.react(number, 1, 1, "+1", "maya", "lee", "noor")
	s.over(7 * day)
	s.is(number, rfc.Voting)
	s.over(7 * day)
	s.is(number, rfc.Accepted)
}

func TestEarlyCloseIsAnnouncedADayBefore(t *testing.T) {
	t.Parallel()
	s := ruled(t, staging{}, "rfc: { early_close: true }\n")
	number := s.issue("kim", "Certain", "Text.", "rfc")
	s.done("maya", number, "/rfc vote")
	for _, who := range []string{"maya", "lee", "noor", "sam"} {
		s.done(who, number, "/vote approve")
	}
	s.quiet()
	announced := s.rfc(1).Deadline
	if left := announced.Sub(s.clock.now()); left > 24*time.Hour || left < 23*time.Hour {
		t.Fatalf("a certain outcome closes in %s, want 24 hours", left)
	}
	s.contains(s.ballot(number, 1, 1).Body, announced.Format("2006-01-02 15:04 UTC"))
	s.refused("maya", number, `/rfc extend 1d "holidays"`, "would not move the deadline, which is "+announced.Format("2006-01-02 15:04 UTC"))
	// A concern makes it uncertain again.
	s.done("sam", number, "/concern raise "+objection)
	s.quiet()
	if left := s.rfc(1).Deadline.Sub(s.clock.now()); left < 6*day {
		t.Errorf("with an open concern the round closes in %s, want its full period", left)
	}
	s.done("sam", number, "/concern resolve 1")
	s.quiet()
	s.pass(23 * time.Hour)
	s.is(number, rfc.Voting)
	s.over(time.Hour)
	s.is(number, rfc.Accepted)
}

func TestWithoutEarlyCloseARoundRunsItsFullPeriod(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "Certain", "Text.", "rfc")
	s.done("maya", number, "/rfc vote")
	s.react(number, 1, 1, "+1", "maya", "lee", "noor", "sam", "kim")
	s.pass(6 * day)
	s.is(number, rfc.Voting)
}
