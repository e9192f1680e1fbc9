package main

import (
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/store/storetest"
)

const objection = `"The migration path is not described at all"`

func TestAConcernIsRaisedAddressedAndResolved(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "Concerns", "Text.", "rfc")
	s.refused("sam", number, `/concern raise ""`, "Usage")
	s.done("sam", number, "/concern raise "+objection)
	s.quiet()
	s.contains(s.sticky(number, 1), "Concern 1", "migration path")
	s.refused("lee", number, `/concern address 1 "described now"`, "only the author")
	s.refused("kim", number, `/concern address 2 "described now"`, "no concern 2")
	s.refused("kim", number, "/concern resolve 1", "only who raised")
	s.done("kim", number, `/concern address 1 "described now"`)
	if got := s.rfc(1).ConcernsOpen; got != 1 {
		t.Errorf("%d concerns block after the author's word alone, want 1", got)
	}
	s.done("sam", number, "/concern resolve 1")
	if got := s.rfc(1).ConcernsOpen; got != 0 {
		t.Errorf("%d concerns block after the raiser resolved it, want 0", got)
	}
	s.refused("sam", number, "/concern resolve 1", "resolved already")
	s.refused("kim", number, `/concern address 1 "again"`, "resolved already")
}

func TestHowManyConcernsAndUntilWhen(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "Concerns", "Text.", "rfc")
	s.done("sam", number, "/concern raise "+objection)
	s.done("sam", number, "/concern resolve 1")
	s.done("maya", number, "/rfc vote")
	s.done("sam", number, "/concern raise "+objection)
	s.refused("sam", number, "/concern raise "+objection, "at most 2 concerns")
	s.refused("rob", number, "/concern raise "+objection, "only the electorate")
	// A third request for changes counts against, and opens no concern.
	s.done("sam", number, "/vote request-changes "+objection)
	if got := s.counts(1, "sam"); got != "request-changes" {
		t.Errorf("sam's vote counts as %q, want request-changes", got)
	}
	// Without a reason, a request for changes opens none either.
	s.done("noor", number, "/vote request-changes")
	if got := s.rfc(1).ConcernsOpen; got != 1 {
		t.Errorf("%d concerns are open, want 1", got)
	}
	s.pass(7*day*3/4 + time.Minute)
	s.refused("lee", number, "/concern raise "+objection, "last quarter")
	s.done("lee", number, "/vote request-changes "+objection)
	if got := s.rfc(1).ConcernsOpen; got != 1 {
		t.Errorf("%d concerns are open, want 1", got)
	}
}

func TestARequestForChangesBecomesAnAbstentionWhenItsConcernIsMet(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "Concerns", "Text.", "rfc")
	s.done("maya", number, "/rfc vote")
	s.react(number, 1, 1, "+1", "maya", "lee")
	s.done("sam", number, "/vote request-changes "+objection)
	if r := s.rfc(1); r.Tally["request_changes"].Voters != 1 || r.ConcernsOpen != 1 || r.WouldPass {
		t.Errorf("before: %+v", r)
	}
	s.done("sam", number, "/concern resolve 1")
	if r := s.rfc(1); r.Tally["request_changes"].Voters != 0 || r.Tally["abstain"].Voters != 1 || !r.WouldPass {
		t.Errorf("after: %+v", r)
	}
	s.over(7 * day)
	s.is(number, rfc.Accepted)
}

func TestAConcernLapsesWhenItsRaiserIsSilent(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := newScene(t, staging{databaseURL: url})
		number := s.issue("kim", "Concerns", "Text.", "rfc")
		s.done("sam", number, "/concern raise "+objection)
		s.done("kim", number, `/concern address 1 "described now"`)
		s.pass(6 * day)
		s.say("sam", number, "I am still reading this.")
		s.pass(6 * day)
		if got := s.rfc(1).ConcernsOpen; got != 1 {
			t.Errorf("the concern lapsed though its raiser spoke")
		}
		s.pass(day + time.Minute)
		if got := s.rfc(1).ConcernsOpen; got != 0 {
			t.Errorf("the concern did not lapse after 7 days of silence")
		}
		s.pass(time.Minute)
		s.contains(s.sticky(number, 1), "lapsed")
	})
}

func TestOverrulingTakesTwoStewardsOrTheOnlyOne(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	only := s.issue("kim", "One steward", "Text.", "rfc")
	s.done("sam", only, "/concern raise "+objection)
	s.refused("lee", only, `/concern overrule 1 "it is described"`, "only a steward")
	s.done("maya", only, `/concern overrule 1 "it is described"`)
	if got := s.rfc(1).ConcernsOpen; got != 0 {
		t.Error("the only steward could not overrule")
	}
	s.ok(s.sim.As("maya").AddCollaborator(rfcs, "zoe", "maintain"))
	two := s.issue("kim", "Two stewards", "Text.", "rfc")
	s.done("sam", two, "/concern raise "+objection)
	s.done("maya", two, `/concern overrule 1 "it is described"`)
	if got := s.rfc(2).ConcernsOpen; got != 1 {
		t.Error("one of two stewards overruled alone")
	}
	s.refused("maya", two, `/concern overrule 1 "really"`, "another steward")
	s.done("zoe", two, `/concern overrule 1 "I agree"`)
	if got := s.rfc(2).ConcernsOpen; got != 0 {
		t.Error("two stewards did not overrule")
	}
}

func TestASettledConcernIsJudged(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "Concerns", "Text.", "rfc")
	for range 2 {
		s.done("sam", number, "/concern raise "+objection)
	}
	s.refused("maya", number, "/concern uphold 1", "only a settled one")
	s.done("sam", number, "/concern resolve 1")
	s.done("maya", number, `/concern overrule 2 "it is described"`)
	s.refused("lee", number, "/concern uphold 1", "only a steward")
	s.done("maya", number, "/concern uphold 1")
	s.refused("maya", number, "/concern frivolous 1", "upheld already")
	s.done("maya", number, "/concern frivolous 2")
	receipt := s.say("sam", number, "/member reputation")
	reply := s.replyTo(rfcs, number, receipt)
	if !strings.Contains(strings.ToLower(reply), "upheld") || !strings.Contains(strings.ToLower(reply), "frivolous") {
		t.Errorf("the receipt does not show both judgements:\n%s", reply)
	}
}
