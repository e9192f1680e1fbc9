package main

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app/ghsim"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/store/storetest"
)

// down ends Agora, as a restart of the server does; GitHub goes on.
func (s *scene) down() {
	s.t.Helper()
	s.stop()
	must(s.t, errors.Join(<-s.stopped, s.agora.close()))
}

// up assembles Agora again on the same database and at the same address.
func (s *scene) up() {
	s.t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(s.ctx, "tcp", strings.TrimPrefix(s.url, "http://"))
	must(s.t, err)
	must(s.t, s.begin(s.ctx, listener))
	s.settle()
}

func TestARestartKeepsDeadlines(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := newScene(t, staging{databaseURL: url})
		number := s.issue("kim", "Before the restart", "Text.", "rfc")
		waiting := s.issue("kim", "In discussion over the restart", "Text.", "rfc")
		s.done("maya", number, "/rfc vote")
		s.react(number, 1, 1, "+1", "maya", "lee")
		deadline := s.rfc(1).Deadline
		s.pass(3 * day)
		s.down()
		s.up()
		s.is(number, rfc.Voting)
		if got := s.rfc(1).Deadline; !got.Equal(deadline) {
			t.Errorf("the deadline is %s after the restart, want %s", got, deadline)
		}
		s.react(number, 1, 1, "+1", "noor")
		// Down over the deadline: what was cast before it counts, and nothing after.
		s.down()
		s.clock.ahead.Add(int64(5 * day))
		_, err := s.sim.As("sam").React(rfcs, s.ballot(number, 1, 1).ID, "-1")
		must(t, err)
		s.up()
		s.pass(10 * time.Second)
		s.is(number, rfc.Accepted)
		if r := s.rfc(1); r.Tally["approve"].Voters != 3 || r.Tally["reject"].Voters != 0 {
			t.Errorf("the tally is %v, want 3 approvals", r.Tally)
		}
		commentWith(t, s.stage, rfcs, number, "<!-- agora:rfc 1 -->")
		commentWith(t, s.stage, rfcs, number, "<!-- agora:decision 1/1 -->")
		s.is(waiting, rfc.Open)
		s.pass(6*day + time.Hour)
		s.is(waiting, rfc.Voting)
	})
}

func everything(string, string) bool { return true }

func TestLostWebhooksAreHealedByReReading(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := newScene(t, staging{databaseURL: url})
		closed := s.issue("kim", "Closed", "Text.", "rfc")
		unlabelled := s.issue("kim", "The label taken away by its author", "Text.", "rfc")
		restored := s.issue("kim", "The label taken away by somebody", "Text.", "rfc")
		reopened := s.issue("kim", "Reopened", "Text.", "rfc")
		s.ok(s.sim.As("kim").Close(rfcs, reopened))
		draft := s.pull("kim", ghsim.NewPullRequest{Title: "Marked ready", Draft: true}, "rfc")
		accepted := s.issue("kim", "Accepted", "Text.", "rfc")
		s.accepted(accepted, 5, 7*day)
		s.pass(time.Hour)

		s.sim.DropWebhooks(everything)
		opened := s.issue("kim", "Opened", "Text.", "rfc")
		s.ok(s.sim.As("lee").Close(rfcs, closed))
		s.ok(s.sim.As("kim").RemoveLabel(rfcs, unlabelled, "rfc"))
		s.ok(s.sim.As("noor").RemoveLabel(rfcs, restored, "rfc"))
		s.ok(s.sim.As("maya").Reopen(rfcs, reopened))
		s.sim.As("kim").MarkReady(rfcs, draft)
		raised := s.say("sam", restored, "/concern raise "+objection)
		fix := s.pull("lee", ghsim.NewPullRequest{Title: "Do it", Body: "Implements: RFC-5"})
		s.ok(s.sim.As("lee").Merge(rfcs, fix))
		s.sim.DropWebhooks(nil)
		if len(s.sim.Comments(rfcs, opened)) != 0 {
			t.Fatal("the webhooks were not lost")
		}
		s.pass(time.Hour + time.Minute)
		s.is(opened, rfc.Open)
		s.is(closed, rfc.Withdrawn)
		s.is(unlabelled, rfc.Withdrawn)
		s.is(restored, rfc.Open)
		if !s.wears(restored, "rfc") {
			t.Error("the label was not put back")
		}
		s.is(reopened, rfc.Draft)
		s.is(draft, rfc.Open)
		if !s.reacted(raised, "rocket") {
			t.Errorf("a command was not carried out: %s", s.replyTo(rfcs, restored, raised))
		}
		s.is(accepted, rfc.Implemented)
	})
}

func TestLostVotesAreReadAtTheDeadline(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.pull("kim", ghsim.NewPullRequest{Title: "Votes"}, "rfc")
	s.done("maya", number, "/rfc vote")
	s.pass(7*day - 10*time.Minute)
	s.sim.DropWebhooks(everything)
	_, err := s.sim.As("lee").Review(rfcs, number, ghsim.Approve, "")
	s.ok(err)
	s.say("noor", number, "/vote approve")
	s.react(number, 1, 1, "+1", "maya")
	s.over(10 * time.Minute)
	s.sim.DropWebhooks(nil)
	// All three were cast in time; they reached the quorum late, which moved the end.
	for _, who := range []string{"lee", "noor", "maya"} {
		if got := s.counts(1, who); got != "approve" {
			t.Errorf("the vote of %s counts as %q, want approve", who, got)
		}
	}
	s.over(42 * time.Hour)
	s.is(number, rfc.Accepted)
}

// Nobody silences a voter by a dismissal, not even while Agora hears nothing.
func TestAReviewThatWasDismissedUnheardCountsAsItWasSubmitted(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := newScene(t, staging{databaseURL: url})
		number := s.pull("kim", ghsim.NewPullRequest{Title: "Votes"}, "rfc")
		s.done("maya", number, "/rfc vote")
		s.react(number, 1, 1, "+1", "maya", "noor")
		s.pass(2 * day)
		s.sim.DropWebhooks(everything)
		approval, err := s.sim.As("lee").Review(rfcs, number, ghsim.Approve, "Good.")
		s.ok(err)
		objects, err := s.sim.As("sam").Review(rfcs, number, ghsim.RequestChanges, "Not so.")
		s.ok(err)
		for _, review := range []ghsim.Review{approval, objects} {
			s.ok(s.sim.As("maya").DismissReview(rfcs, number, review.ID, "I do not like it"))
		}
		s.sim.DropWebhooks(nil)
		s.over(5 * day)
		for who, want := range map[string]string{"lee": "approve", "sam": "request-changes"} {
			if got := s.counts(1, who); got != want {
				t.Errorf("the dismissed review of %s counts as %q, want %q", who, got, want)
			}
		}
	})
}

func TestATextChangedUnseenIsNoticedAtTheDeadline(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "The text", "Text.", "rfc")
	s.done("maya", number, "/rfc vote")
	s.react(number, 1, 1, "+1", "maya", "lee", "noor")
	s.pass(7*day - 10*time.Minute)
	s.sim.DropWebhooks(everything)
	s.ok(s.sim.As("kim").EditBody(rfcs, number, "Something else entirely."))
	s.over(10 * time.Minute)
	s.sim.DropWebhooks(nil)
	s.is(number, rfc.Voting)
	if got := s.rfc(1).Round; got != 2 {
		t.Errorf("round %d, want a second one on the new text", got)
	}
}
