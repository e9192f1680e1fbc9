package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app/ghsim"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/config"
	"github.com/agora-rfc/agora/store/storetest"
)

func TestWhatTheLabelMakesOfAnIssueOrPullRequest(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	labelled := s.issue("kim", "An issue", "Text.", "rfc")
	s.is(labelled, rfc.Open)
	later := s.issue("zoe", "Labelled later", "Text.")
	if strings.Contains(strings.Join(s.sim.Labels(rfcs, later), " "), "rfc") {
		t.Fatal("an issue without the label is an RFC")
	}
	s.ok(s.sim.As("lee").AddLabels(rfcs, later, "RFC"))
	s.is(later, rfc.Open)
	form := s.issue("kim", "A draft by its form", "### Summary\n\nText.\n\n### State\n\nDraft\n", "rfc")
	s.is(form, rfc.Draft)
	ready := s.pull("kim", ghsim.NewPullRequest{Title: "A ready pull request"}, "rfc")
	s.is(ready, rfc.Open)
	draft := s.pull("kim", ghsim.NewPullRequest{Title: "A draft pull request", Draft: true}, "rfc")
	s.is(draft, rfc.Draft)
	if len(s.sim.Comments(rfcs, draft)) != 0 {
		t.Error("a draft has a sticky comment before it opens")
	}
	s.sim.As("kim").MarkReady(rfcs, draft)
	s.settle()
	s.is(draft, rfc.Open)

	// Numbers are consecutive in the order of opening, and drafts get theirs then.
	for n, number := range []int{labelled, later, ready, draft} {
		s.sticky(number, n+1)
	}
	s.done("kim", form, "/rfc open")
	s.is(form, rfc.Open)
	s.sticky(form, 5)
}

func TestDraftAndOpenByCommand(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	draft := s.issue("zoe", "No label at all", "Text.")
	s.refused("rob", draft, "/rfc draft", "only the author")
	s.done("zoe", draft, "/rfc draft")
	s.is(draft, rfc.Draft)
	s.refused("zoe", draft, "/rfc draft", "already")
	s.refused("rob", draft, "/rfc open", "only the author")
	// An edit of the text is not the label taken away: it never was there.
	s.ok(s.sim.As("zoe").EditBody(rfcs, draft, "Better text."))
	s.is(draft, rfc.Draft)
	s.done("zoe", draft, "/rfc open")
	s.is(draft, rfc.Open)

	labelledDraft := s.issue("kim", "A draft by command, opened by the label", "Text.")
	s.done("kim", labelledDraft, "/rfc draft")
	s.is(labelledDraft, rfc.Draft)
	s.ok(s.sim.As("lee").AddLabels(rfcs, labelledDraft, "rfc"))
	s.is(labelledDraft, rfc.Open)

	open := s.issue("zoe", "Opened at once", "Text.")
	s.done("maya", open, "/rfc open")
	s.is(open, rfc.Open)
	s.sticky(open, 3)
	s.refused("maya", open, "/rfc open", "is open")

	closed := s.issue("zoe", "Closed", "Text.")
	s.ok(s.sim.As("zoe").Close(rfcs, closed))
	s.refused("zoe", closed, "/rfc open", "closed")
	s.refused("zoe", closed, "/rfc vote", "not an RFC")
}

func TestDiscussionEndsByItselfAndVotingMayBeOpenedEarlier(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	itself := s.issue("kim", "By itself", "Text.", "rfc")
	author := s.issue("kim", "By its author", "Text.", "rfc")
	steward := s.issue("kim", "By a steward", "Text.", "rfc")
	s.refused("lee", author, "/rfc vote", "only a steward")
	s.refused("kim", author, "/rfc vote", "after half")
	s.done("maya", steward, "/rfc vote")
	s.is(steward, rfc.Voting)
	s.pass(7*day - time.Hour)
	s.refused("kim", author, "/rfc vote", "after half")
	s.pass(2 * time.Hour)
	s.is(itself, rfc.Open)
	s.done("kim", author, "/rfc vote")
	s.is(author, rfc.Voting)
	s.refused("maya", author, "/rfc vote", "is voting")
	s.pass(7 * day)
	s.is(itself, rfc.Voting)
	s.ballot(itself, 1, 1)
}

func TestTheFourOutcomesAtTheDeadline(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := newScene(t, staging{databaseURL: url})
		accepted := s.issue("kim", "Accepted", "Text.", "rfc")
		rejected := s.issue("kim", "Rejected", "Text.", "rfc")
		postponed := s.issue("kim", "Postponed", "Text.", "rfc")
		changes := s.issue("kim", "Changes requested", "Text.", "rfc")
		for _, number := range []int{accepted, rejected, postponed, changes} {
			s.done("maya", number, "/rfc vote")
		}
		s.react(accepted, 1, 1, "+1", "maya", "lee", "noor")
		s.react(rejected, 2, 1, "-1", "maya", "lee", "noor")
		s.react(postponed, 3, 1, "+1", "maya", "lee")
		s.react(changes, 4, 1, "+1", "maya", "lee", "noor")
		s.done("sam", changes, `/concern raise "The migration path is not described at all"`)
		s.pass(7*day - 10*time.Second)
		s.is(accepted, rfc.Voting)
		s.over(10 * time.Second)
		s.is(accepted, rfc.Accepted)
		s.is(rejected, rfc.Rejected)
		s.is(postponed, rfc.Postponed)
		s.is(changes, rfc.ChangesRequested)
		if whole, shared := s.points("kim", config.RFCAccepted), s.points("kim", config.RFCRejected); !slices.Equal(whole, []int64{60}) || !slices.Equal(shared, []int64{5}) {
			t.Errorf("the author gets %v for the accepted and %v for the rejected RFC, want 60 and 5", whole, shared)
		}
		s.contains(s.decision(accepted, 1, 1), "accepted", "Implements: RFC-1")
		s.contains(s.decision(rejected, 2, 1), "rejected")
		s.contains(s.decision(postponed, 3, 1), "postponed", "quorum short by 1 voter", "by itself")
		s.contains(s.decision(changes, 4, 1), "changes requested", "Concern 1", "migration path")
		// Issues of final decisions are closed; what goes on stays open.
		for number, open := range map[int]bool{accepted: false, rejected: false, postponed: true, changes: true} {
			if s.isOpen(number) != open {
				t.Errorf("#%d is open: %t, want %t", number, !open, open)
			}
		}
		s.contains(s.ballot(accepted, 1, 1).Body, "Reactions to this comment no longer count")
	})
}

func TestPostponedVotesAgainOnce(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "Nobody cares", "Text.", "rfc")
	withdrawn := s.issue("kim", "Nobody cares either", "Text.", "rfc")
	s.done("maya", number, "/rfc vote")
	s.done("maya", withdrawn, "/rfc vote")
	s.react(number, 1, 1, "+1", "maya", "lee")
	s.over(7 * day)
	s.is(number, rfc.Postponed)
	s.is(withdrawn, rfc.Postponed)
	s.refused("kim", withdrawn, "/rfc withdraw", "only a steward")
	s.done("maya", withdrawn, "/rfc withdraw")
	s.is(withdrawn, rfc.Withdrawn)
	s.pass(7*day - time.Minute)
	s.is(number, rfc.Postponed)
	s.over(time.Minute)
	s.is(number, rfc.Voting)
	s.is(withdrawn, rfc.Withdrawn)
	if r := s.rfc(1); r.Round != 2 || r.Tally["approve"].Voters != 0 {
		t.Errorf("the second round is %d with %d approvals, want 2 with none", r.Round, r.Tally["approve"].Voters)
	}
	s.react(number, 1, 2, "+1", "maya", "lee")
	s.over(7 * day)
	s.is(number, rfc.Postponed)
	if s.isOpen(number) {
		t.Error("the issue is open though the postponement is final")
	}
	s.over(30 * day)
	s.is(number, rfc.Postponed)
	s.done("maya", number, `/rfc reopen "there is interest now"`)
	s.is(number, rfc.Draft)
	if !s.isOpen(number) {
		t.Error("the RFC is taken up again, and its issue is closed")
	}
	s.done("kim", number, "/rfc open")
	s.is(number, rfc.Open)
	if r := s.rfc(1); r.Issue != number {
		t.Errorf("RFC-1 is now #%d, want #%d", r.Issue, number)
	}
}

func TestChangesRequestedGoesBackToDiscussion(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := newScene(t, staging{databaseURL: url})
		edited := s.issue("kim", "Changed by its author", "Text.", "rfc")
		said := s.issue("kim", "Opened again by command", "Text.", "rfc")
		for n, number := range []int{edited, said} {
			s.done("maya", number, "/rfc vote")
			s.react(number, n+1, 1, "+1", "maya", "lee", "noor")
			s.done("sam", number, `/vote request-changes "The migration path is not described at all"`)
		}
		s.over(7 * day)
		s.is(edited, rfc.ChangesRequested)
		s.is(said, rfc.ChangesRequested)

		s.ok(s.sim.As("maya").EditBody(rfcs, edited, "A steward's words."))
		s.is(edited, rfc.ChangesRequested) // only the author's change counts
		s.ok(s.sim.As("kim").EditBody(rfcs, edited, "The author's words."))
		s.is(edited, rfc.Open)
		s.refused("lee", said, "/rfc open", "only the author opens a fresh discussion")
		s.refused("maya", said, "/rfc open", "only the author opens a fresh discussion")
		s.is(said, rfc.ChangesRequested)
		s.done("kim", said, "/rfc open")
		s.is(said, rfc.Open)
		if r := s.rfc(1); r.ConcernsOpen != 1 {
			t.Errorf("%d concerns are open, want 1 carried over", r.ConcernsOpen)
		}
		s.pass(13 * day)
		s.is(edited, rfc.Open)
		s.pass(day + time.Minute)
		s.is(edited, rfc.Voting)
		if r := s.rfc(1); r.Round != 2 || r.Tally["approve"].Voters != 0 {
			t.Errorf("round %d has %d approvals, want 2 with none", r.Round, r.Tally["approve"].Voters)
		}
		if len(s.ballots(1)) != 4 {
			t.Errorf("%d ballots are on record, want the 4 of the first round", len(s.ballots(1)))
		}
		s.done("sam", edited, "/concern resolve 1")
		s.react(edited, 1, 2, "+1", "maya", "lee", "noor")
		s.over(7 * day)
		s.is(edited, rfc.Accepted)
	})
}

// What is closed, or merged, has no discussion to go back to, until it is reopened.
func TestClosedAfterRequestedChangesNothingOpensIt(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := newScene(t, staging{databaseURL: url})
		number := s.issue("kim", "Closed by its author", "Text.", "rfc")
		s.done("maya", number, "/rfc vote")
		s.react(number, 1, 1, "+1", "maya", "lee", "noor")
		s.done("sam", number, `/vote request-changes "The migration path is not described at all"`)
		s.over(7 * day)
		s.is(number, rfc.ChangesRequested)
		s.ok(s.sim.As("kim").Close(rfcs, number))
		s.refused("kim", number, "/rfc open", "reopen it first")
		s.ok(s.sim.As("kim").EditBody(rfcs, number, "The author's words."))
		s.is(number, rfc.ChangesRequested)
		s.ok(s.sim.As("kim").Reopen(rfcs, number))
		s.is(number, rfc.ChangesRequested)
		// A concern that is settled after the decision is open no more; the decision stays.
		s.contains(s.sticky(number, 1), "1 open ❌", "**sam**: `/concern resolve 1`")
		s.done("sam", number, "/concern resolve 1")
		s.quiet()
		if got := s.rfc(1).ConcernsOpen; got != 0 {
			t.Errorf("%d concerns are open after the only one was resolved", got)
		}
		s.contains(s.sticky(number, 1), "**Concerns** none open")
		s.is(number, rfc.ChangesRequested)
		s.done("kim", number, "/rfc open")
		s.is(number, rfc.Open)
	})
}

func TestWithdrawal(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	byAuthor := s.issue("kim", "By its author", "Text.", "rfc")
	bySteward := s.issue("kim", "By a steward", "Text.", "rfc")
	closed := s.issue("kim", "Closed while voting", "Text.", "rfc")
	merged := s.pull("kim", ghsim.NewPullRequest{Title: "Merged before a decision"}, "rfc")
	s.refused("lee", byAuthor, "/rfc withdraw", "only the author")
	s.done("kim", byAuthor, `/rfc withdraw "not now"`)
	s.is(byAuthor, rfc.Withdrawn)
	s.contains(s.sticky(byAuthor, 1), "not now")
	s.refused("kim", byAuthor, "/rfc withdraw", "is withdrawn")
	s.done("maya", closed, "/rfc vote")
	s.done("maya", bySteward, "/rfc vote")
	s.done("maya", bySteward, "/rfc withdraw")
	s.is(bySteward, rfc.Withdrawn)
	s.ok(s.sim.As("lee").Close(rfcs, closed))
	s.is(closed, rfc.Withdrawn)
	s.contains(s.ballot(closed, 3, 1).Body, "no longer count")
	s.refused("sam", closed, "/vote approve", "no vote now")
	s.checkIs(merged, "in_progress")
	s.ok(s.sim.As("lee").Merge(rfcs, merged))
	s.is(merged, rfc.Withdrawn)
	s.contains(s.sticky(merged, 4), "merged before a decision")
	s.checkIs(merged, "failure")
	s.over(30 * day)
	s.is(closed, rfc.Withdrawn)
}

func TestTheLabelTakenAway(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	s.sim.As("maya").AddCollaborator(rfcs, "zoe", "maintain")
	author := s.issue("kim", "Taken away by its author", "Text.", "rfc")
	steward := s.issue("kim", "Taken away by a steward", "Text.", "rfc")
	other := s.issue("kim", "Taken away by somebody", "Text.", "rfc")
	s.ok(s.sim.As("kim").RemoveLabel(rfcs, author, "rfc"))
	s.is(author, rfc.Withdrawn)
	if s.wears(author, "rfc") {
		t.Error("the label came back though its author may take it away")
	}
	s.ok(s.sim.As("zoe").RemoveLabel(rfcs, steward, "rfc"))
	s.is(steward, rfc.Withdrawn)
	s.ok(s.sim.As("noor").RemoveLabel(rfcs, other, "rfc"))
	s.is(other, rfc.Open)
	if !s.wears(other, "rfc") {
		t.Error("the label was not put back")
	}
	// Putting it on again does not bring a withdrawn RFC back: a steward reopens.
	s.ok(s.sim.As("kim").AddLabels(rfcs, author, "rfc"))
	s.is(author, rfc.Withdrawn)
	s.done("maya", author, `/rfc reopen "a second try"`)
	s.is(author, rfc.Draft)
	s.done("kim", author, "/rfc open")
	s.sticky(author, 1)
	// A withdrawn RFC has left the process: its label may go.
	s.done("kim", other, "/rfc withdraw")
	s.ok(s.sim.As("noor").RemoveLabel(rfcs, other, "rfc"))
	if s.wears(other, "rfc") {
		t.Error("the label was put back on an RFC that was withdrawn")
	}
	// A decided one can no longer be withdrawn, so nobody takes the label away.
	decided := s.issue("kim", "Taken away after the decision", "Text.", "rfc")
	s.accepted(decided, 4, 7*day)
	s.ok(s.sim.As("maya").RemoveLabel(rfcs, decided, "rfc"))
	s.is(decided, rfc.Accepted)
	if !s.wears(decided, "rfc") {
		t.Error("the label was not put back on an RFC that is accepted")
	}
}

func TestReopening(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "Closed and reopened", "Text.", "rfc")
	s.ok(s.sim.As("kim").Close(rfcs, number))
	s.is(number, rfc.Withdrawn)
	s.ok(s.sim.As("lee").Reopen(rfcs, number))
	s.is(number, rfc.Withdrawn)
	s.refused("kim", number, `/rfc reopen "please"`, "only a steward")
	s.ok(s.sim.As("lee").Close(rfcs, number))
	s.ok(s.sim.As("maya").Reopen(rfcs, number))
	s.is(number, rfc.Draft)
	s.done("kim", number, "/rfc open")
	s.is(number, rfc.Open)
	s.sticky(number, 1) // the number stays, and so does the comment
	s.accepted(number, 1, 7*day)
	s.refused("maya", number, `/rfc reopen "no"`, "only an RFC that is rejected, postponed or withdrawn can become draft")
	if next := s.issue("kim", "The next", "Text.", "rfc"); !strings.Contains(s.sticky(next, 2), "RFC-2") {
		t.Error("the next RFC is not RFC-2")
	}

	// A merged pull request cannot be reopened, and Agora says so.
	pull := s.pull("kim", ghsim.NewPullRequest{Title: "Merged too early"}, "rfc")
	s.ok(s.sim.As("lee").Merge(rfcs, pull))
	s.is(pull, rfc.Withdrawn)
	s.refused("maya", pull, `/rfc reopen "again"`, "merged")
	s.is(pull, rfc.Withdrawn)
}

func TestImplementedAndSuperseded(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := newScene(t, staging{databaseURL: url})
		s.sim.AddRepository(ghsim.NewRepository{Owner: "acme", Name: "server", Collaborators: map[string]string{"lee": "write"}})
		s.settle()
		byCommand := s.issue("kim", "Implemented by command", "Text.", "rfc")
		byPull := s.issue("kim", "Implemented by a pull request", "Text.", "rfc")
		elsewhere := s.issue("kim", "Implemented in another repository", "Text.", "rfc")
		for n, number := range []int{byCommand, byPull, elsewhere} {
			s.refused("kim", number, "/rfc implement by=#412", "only an RFC that is accepted can become implemented")
			s.done("maya", number, "/rfc vote")
			s.react(number, n+1, 1, "+1", "maya", "lee", "noor")
		}
		s.over(7 * day)
		did := s.pull("lee", ghsim.NewPullRequest{Title: "It names no RFC"})
		implement := fmt.Sprintf("/rfc implement by=#%d", did)
		s.refused("lee", byCommand, implement, "only the author")
		s.refused("kim", byCommand, "/rfc implement by=#412", "no pull request #412")
		s.refused("maya", byCommand, fmt.Sprintf("/rfc implement by=#%d", byPull), "no pull request") // an issue
		s.refused("maya", byCommand, "/rfc implement by=acme/nothing#1", "no pull request acme/nothing#1")
		s.refused("maya", byCommand, implement, "is not merged")
		s.is(byCommand, rfc.Accepted)
		s.ok(s.sim.As("lee").Merge(rfcs, did))
		// While GitHub does not answer, nothing is known; the command is tried again.
		s.sim.Fault(ghsim.Fault{Method: http.MethodGet, PathPattern: fmt.Sprintf("/repos/acme/rfcs/issues/%d", did), Status: http.StatusBadGateway, Times: 10})
		s.say("kim", byCommand, implement)
		s.is(byCommand, rfc.Accepted)
		s.sim.ClearFaults()
		s.pass(time.Minute)
		s.is(byCommand, rfc.Implemented)
		s.contains(s.sticky(byCommand, 1), fmt.Sprint("#", did))
		if got := len(s.points("kim", config.RFCImplemented)); got != 1 {
			t.Errorf("the implementation was entered %d times, want once", got)
		}

		pull := s.pull("lee", ghsim.NewPullRequest{Title: "Do it", Body: "This does it.\n\nImplements: RFC-2\n"})
		s.checkIs(pull, "success")
		s.is(byPull, rfc.Accepted)
		s.ok(s.sim.As("lee").Merge(rfcs, pull))
		s.is(byPull, rfc.Implemented)

		other, err := s.sim.As("lee").OpenPullRequest("acme/server", ghsim.NewPullRequest{Title: "Do it there", Body: "Implements: RFC-3"})
		s.ok(err)
		s.ok(s.sim.As("lee").Merge("acme/server", other.Number))
		s.is(elsewhere, rfc.Implemented)
		s.contains(s.sticky(elsewhere, 3), "by acme/server")

		successor := s.issue("kim", "The successor", "Text.\n\nSupersedes: RFC-2\n", "rfc")
		s.refused("kim", successor, "/rfc supersede by=RFC-1", "only an RFC that is accepted or implemented can become superseded")
		s.refused("kim", byCommand, "/rfc supersede by=RFC-99", "no other RFC-99")
		gone := s.issue("kim", "Gone", "Text.", "rfc")
		s.done("kim", gone, "/rfc withdraw")
		s.refused("kim", byCommand, "/rfc supersede by=RFC-5", "RFC-5 is withdrawn itself")
		s.done("kim", byCommand, "/rfc supersede by=RFC-4")
		s.is(byCommand, rfc.Superseded)
		s.refused("kim", byPull, "/rfc supersede by=RFC-1", "RFC-1 is superseded itself")
		s.contains(s.sticky(byCommand, 1), "RFC-4")
		s.is(byPull, rfc.Implemented)
		s.accepted(successor, 4, 7*day)
		s.is(byPull, rfc.Superseded)
		s.contains(s.sticky(byPull, 2), "RFC-4")
	})
}
