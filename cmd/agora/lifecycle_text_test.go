package main

import (
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app/ghsim"
	"github.com/agora-rfc/agora/app/rfc"
)

func TestAChangedTextWarnsAndMayBeCalledEditorial(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "The text", "Text.", "rfc")
	s.done("maya", number, "/rfc vote")
	s.refused("maya", number, `/rfc editorial "a typo"`, "is the one that")
	s.react(number, 1, 1, "+1", "maya", "lee", "noor")
	s.ok(s.sim.As("kim").EditBody(rfcs, number, "Better text."))
	s.contains(s.sticky(number, 1), "[!WARNING]", "text")
	s.ok(s.sim.As("kim").EditBody(rfcs, number, "Text."))
	if strings.Contains(s.sticky(number, 1), "[!WARNING]") {
		t.Error("a warning stands though the text is the one of the vote again")
	}
	s.ok(s.sim.As("kim").EditTitle(rfcs, number, "The text, amended"))
	s.contains(s.sticky(number, 1), "[!WARNING]")
	s.refused("kim", number, `/rfc editorial "a typo"`, "only a steward")
	s.done("maya", number, `/rfc editorial "a typo"`)
	if strings.Contains(s.sticky(number, 1), "[!WARNING]") {
		t.Error("a warning stands after /rfc editorial")
	}
	s.pass(15 * time.Minute)
	if got := s.rfc(1).Tally["approve"].Voters; got != 3 {
		t.Errorf("%d approvals stand after an editorial change, want 3", got)
	}
	s.over(7 * day)
	s.is(number, rfc.Accepted)
}

func TestRestartByAuthorInTheFirstHalfAndBySteward(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "The text", "Text.", "rfc")
	s.refused("kim", number, `/rfc restart "new text"`, "no vote now")
	s.done("maya", number, "/rfc vote")
	s.react(number, 1, 1, "+1", "maya", "lee", "noor")
	s.refused("lee", number, `/rfc restart "new text"`, "only a steward")
	s.done("kim", number, `/rfc restart "new text"`)
	s.is(number, rfc.Voting)
	if r := s.rfc(1); r.Round != 2 || r.Tally["approve"].Voters != 0 {
		t.Errorf("the restarted round is %d with %d approvals", r.Round, r.Tally["approve"].Voters)
	}
	s.contains(s.ballot(number, 1, 1).Body, "Restarted")
	s.pass(4 * day)
	s.refused("kim", number, `/rfc restart "again"`, "until half")
	s.done("maya", number, `/rfc restart "again"`)
	s.react(number, 1, 3, "+1", "maya", "lee", "noor")
	s.over(7 * day)
	s.is(number, rfc.Accepted)
	if got := len(s.ballots(1)); got != 6 {
		t.Errorf("%d ballots are on record, want those of both rounds", got)
	}
}

func TestAChangedTextRestartsWhatWouldPassAtMostTwice(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "The text", "Text.", "rfc")
	s.done("maya", number, "/rfc vote")
	for round := 1; round <= 3; round++ {
		s.is(number, rfc.Voting)
		s.react(number, 1, round, "+1", "maya", "lee", "noor")
		s.ok(s.sim.As("kim").EditBody(rfcs, number, "Text of round "+strings.Repeat("I", round)))
		s.over(7 * day)
	}
	s.is(number, rfc.ChangesRequested)
	s.contains(s.decision(number, 1, 3), "kept changing")
}

func TestAChangedTextThatWouldFailFails(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "The text", "Text.", "rfc")
	s.done("maya", number, "/rfc vote")
	s.react(number, 1, 1, "-1", "maya", "lee", "noor")
	s.ok(s.sim.As("kim").EditBody(rfcs, number, "Better text."))
	s.over(7 * day)
	s.is(number, rfc.Rejected)
}

// An App without the permission to merge says so where people wait for it, once, and
// merges when it has it.
func TestAMergeThatGitHubRefusesIsSaid(t *testing.T) {
	t.Parallel()
	s := ruled(t, staging{}, "rfc: { merge_on_accept: squash }\n")
	number := s.pull("kim", ghsim.NewPullRequest{Title: "Straight"}, "rfc")
	s.done("maya", number, "/rfc vote")
	s.react(number, 1, 1, "+1", "maya", "lee", "noor")
	s.sim.Fault(ghsim.Fault{Method: "PUT", PathPattern: "/repos/acme/rfcs/pulls/*/merge", Status: 403})
	s.over(7 * day)
	s.is(number, rfc.Accepted)
	s.pass(time.Minute)
	const refused = "GitHub did not let Agora merge this as `merge_on_accept: squash` says"
	s.contains(s.sticky(number, 1), refused, "*Contents: write*")
	comments := len(s.sim.Comments(rfcs, number))
	s.pass(time.Hour)
	if more := len(s.sim.Comments(rfcs, number)); more != comments {
		t.Errorf("%d comments more", more-comments)
	}
	s.sim.ClearFaults()
	s.pass(6 * time.Hour)
	if i, _ := s.sim.Issue(rfcs, number); !i.Merged {
		t.Error("it was not merged when it could be")
	}
	if strings.Contains(s.sticky(number, 1), refused) {
		t.Error("the status still says that it cannot be merged")
	}
}

func TestMergeOnAcceptMergesTheCommitThatWasVotedOnOnly(t *testing.T) {
	t.Parallel()
	s := ruled(t, staging{}, "rfc: { merge_on_accept: squash }\n")
	straight := s.pull("kim", ghsim.NewPullRequest{Title: "Straight"}, "rfc")
	moved := s.pull("kim", ghsim.NewPullRequest{Title: "Moved"}, "rfc")
	for n, number := range []int{straight, moved} {
		s.done("maya", number, "/rfc vote")
		s.react(number, n+1, 1, "+1", "maya", "lee", "noor")
	}
	s.sim.SetConflict(rfcs, moved, true)
	s.over(7 * day)
	merged := func(number int) bool {
		i, _ := s.sim.Issue(rfcs, number)
		return i.Merged
	}
	s.is(straight, rfc.Accepted)
	if !merged(straight) {
		t.Error("an accepted pull request was not merged")
	}
	s.is(moved, rfc.Accepted)
	if merged(moved) {
		t.Fatal("a pull request with a conflict was merged")
	}
	s.sim.As("kim").PushToPull(rfcs, moved, map[string]string{"smuggled.md": "in"})
	s.sim.SetConflict(rfcs, moved, false)
	s.settle()
	s.pass(10 * time.Minute)
	if merged(moved) {
		t.Fatal("a commit was merged that nobody voted on")
	}
	s.checkIs(moved, "action_required")
	s.done("maya", moved, `/rfc editorial "only a conflict was solved"`)
	s.pass(2 * time.Minute)
	if !merged(moved) {
		t.Error("the pull request was not merged after /rfc editorial")
	}
	s.is(moved, rfc.Accepted)
}
