package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app/ghsim"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/store/storetest"
)

// installation is the App's on acme.
func (s *scene) installation() int64 {
	s.t.Helper()
	found, err := s.agora.github.Installations(s.ctx)
	must(s.t, err)
	if len(found) != 1 {
		s.t.Fatalf("%d installations, want 1", len(found))
	}
	return found[0].ID
}

func TestAnIssueMovesToAnotherRepositoryOfTheCommunity(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := newScene(t, staging{databaseURL: url})
		s.sim.AddRepository(ghsim.NewRepository{Owner: "acme", Name: "proposals", Collaborators: map[string]string{"lee": "write"}})
		s.settle()
		number := s.issue("kim", "Moved", "Text.", "rfc")
		s.done("sam", number, "/concern raise "+objection)
		s.done("maya", number, "/rfc vote")
		s.react(number, 1, 1, "+1", "maya", "lee", "noor")
		s.pass(15 * time.Minute)
		moved := s.sim.As("maya").TransferIssue(rfcs, number, "acme/proposals")
		s.settle()
		s.pass(10 * time.Second) // its comments are looked for once GitHub's lists are current,
		s.pass(10 * time.Second) // and what waited for them goes on
		s.isIn("acme/proposals", moved.Number, rfc.Voting)
		if r := s.rfc(1); r.Repository != "acme/proposals" || r.Issue != moved.Number || r.Tally["approve"].Voters != 3 || r.ConcernsOpen != 1 {
			t.Errorf("after the move: %+v", r)
		}
		c := s.sayIn("acme/proposals", "sam", moved.Number, "/concern resolve 1")
		if !s.reacted(c, "rocket") {
			t.Errorf("a command where it moved to was not carried out: %s", s.replyTo("acme/proposals", moved.Number, c))
		}
		s.sayIn("acme/proposals", "kim", moved.Number, "/vote reject")
		ballot := commentWith(t, s.stage, "acme/proposals", moved.Number, "<!-- agora:ballot 1/1 -->")
		_, err := s.sim.As("sam").React("acme/proposals", ballot.ID, "+1")
		s.ok(err)
		s.pass(15 * time.Minute)
		if got := s.counts(1, "sam"); got != "approve" {
			t.Errorf("a reaction where the ballot moved to counts as %q, want approve", got)
		}
		s.over(7 * day)
		s.isIn("acme/proposals", moved.Number, rfc.Accepted)
		commentWith(t, s.stage, "acme/proposals", moved.Number, "<!-- agora:rfc 1 -->")
		commentWith(t, s.stage, "acme/proposals", moved.Number, "<!-- agora:decision 1/1 -->")
		next, err := s.sim.As("lee").OpenIssue("acme/proposals", "The next", "Text.", "rfc")
		s.ok(err)
		s.isIn("acme/proposals", next.Number, rfc.Open)
		if r := s.rfc(2); r.Issue != next.Number {
			t.Errorf("numbers are not of the community: RFC-2 is #%d", r.Issue)
		}
	})
}

// What moves out of sight is not spoken of any more where people cannot see it.
func TestAnIssueThatMovesToAPrivateRepositoryIsNotNamed(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := newScene(t, staging{databaseURL: url})
		s.sim.AddRepository(ghsim.NewRepository{Owner: "acme", Name: "vault", Private: true})
		s.settle()
		number := s.issue("kim", "Merger with umbrella", "Text.", "rfc")
		s.say("lee", number, "A word on it.")
		talk := s.issue("kim", "Small talk", "Text.")
		said := func() string {
			return s.replyTo(rfcs, talk, s.say("lee", talk, "/member inbox")) + s.replyTo(rfcs, talk, s.say("lee", talk, "/member show @kim")) +
				s.replyTo(rfcs, talk, s.say("lee", talk, "/member show"))
		}
		link := fmt.Sprintf("/issues/%d", number)
		s.contains(said(), "Merger with umbrella", link, "| Contributions | RFC 1 |", "| Contributions | comment 1 |")
		s.sim.As("maya").TransferIssue(rfcs, number, "acme/vault")
		s.settle()
		for _, word := range []string{"umbrella", link, "RFC 1", "comment 1"} {
			if after := said(); strings.Contains(after, word) {
				t.Errorf("%q is still said:\n%s", word, after)
			}
		}
	})
}

func TestAnIssueThatLeavesOrIsDeletedIsWithdrawn(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	s.sim.AddRepository(ghsim.NewRepository{Owner: "acme", Name: "elsewhere"})
	s.settle()
	s.sim.RevokeRepositories(s.installation(), "elsewhere")
	s.settle()
	left := s.issue("kim", "Leaves", "Text.", "rfc")
	deleted := s.issue("kim", "Deleted", "Text.", "rfc")
	s.done("maya", left, "/rfc vote")
	s.sim.As("maya").TransferIssue(rfcs, left, "acme/elsewhere")
	s.sim.As("maya").DeleteIssue(rfcs, deleted)
	s.settle()
	for n := 1; n <= 2; n++ {
		if got := s.rfc(n).State; got != "withdrawn" {
			t.Errorf("RFC-%d is %s, want withdrawn", n, got)
		}
	}
	s.over(8 * day)
	if got := s.issue("kim", "The next", "Text.", "rfc"); s.rfc(3).Issue != got {
		t.Error("the number of a deleted RFC was given again")
	}
}

func TestADeletedIssueWhoseEventWasLost(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "Deleted", "Text.", "rfc")
	s.done("maya", number, "/rfc vote")
	s.sim.DropWebhooks(everything)
	s.sim.As("maya").DeleteIssue(rfcs, number)
	s.settle()
	s.sim.DropWebhooks(nil)
	s.over(7 * day)
	if got := s.rfc(1).State; got != "withdrawn" {
		t.Errorf("RFC-1 is %s, want withdrawn", got)
	}
}

func TestARenamedRepository(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "Renamed", "Text.", "rfc")
	s.done("maya", number, "/rfc vote")
	s.ok(s.sim.As("maya").RenameRepository(rfcs, "proposals"))
	for _, who := range []string{"maya", "lee", "noor"} {
		if c := s.sayIn("acme/proposals", who, number, "/vote approve"); !s.reacted(c, "rocket") {
			t.Fatalf("%s's vote was not taken: %s", who, s.replyTo("acme/proposals", number, c))
		}
	}
	s.over(7 * day)
	s.isIn("acme/proposals", number, rfc.Accepted)
	if r := s.rfc(1); r.Repository != "acme/proposals" {
		t.Errorf("the API still says %s", r.Repository)
	}
}

func TestALockedConversation(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "Locked", "Text.", "rfc")
	s.done("maya", number, "/rfc vote")
	s.done("lee", number, "/vote approve")
	s.done("maya", number, "/vote approve")
	s.done("noor", number, "/vote approve")
	s.ok(s.sim.As("maya").Lock(rfcs, number))
	s.is(number, rfc.Voting)
	s.over(7 * day)
	s.is(number, rfc.Accepted)
	s.ok(s.sim.As("maya").Unlock(rfcs, number))
	s.is(number, rfc.Accepted)
}

func TestALockedConversationInWhichTheAppMayNotSpeak(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "Locked", "Text.", "rfc")
	s.done("maya", number, "/rfc vote")
	s.react(number, 1, 1, "+1", "maya", "lee", "noor")
	s.ok(s.sim.As("maya").Lock(rfcs, number))
	for _, path := range []string{"/repos/acme/rfcs/issues/comments/*/reactions", fmt.Sprintf("/repos/acme/rfcs/issues/%d/comments", number)} {
		s.sim.Fault(ghsim.Fault{Method: http.MethodPost, PathPattern: path, Status: http.StatusForbidden})
	}
	s.say("maya", number, "/rfc status")
	s.settle()
	s.over(7 * day)
	s.is(number, rfc.Accepted) // what cannot be said holds up nothing else
}

func TestARepositoryMadePrivateIsNotShown(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "Secret", "Text.", "rfc")
	paths := []string{"/api/v1/communities/acme/rfcs/1", "/api/v1/communities/acme/rfcs/1/ballots",
		"/api/v1/communities/acme/rfcs/1/audit", "/c/acme/rfcs/1", "/api/v1/gate?repo=acme/rfcs&rfc=1"}
	for _, path := range paths {
		if got := s.fetch(path, nil); got != http.StatusOK {
			t.Errorf("%s answers %d while it is public", path, got)
		}
	}
	s.ok(s.sim.As("maya").SetPrivate(rfcs, true))
	for _, path := range paths {
		if got := s.fetch(path, nil); got != http.StatusNotFound {
			t.Errorf("%s answers %d while it is private, want 404", path, got)
		}
	}
	s.is(number, rfc.Open) // on GitHub it goes on
	s.done("maya", number, "/rfc vote")
	s.is(number, rfc.Voting)
	s.ok(s.sim.As("maya").SetPrivate(rfcs, false))
	if got := s.fetch(paths[0], nil); got != http.StatusOK {
		t.Errorf("%s answers %d after it is public again", paths[0], got)
	}
}

// The event of the change is lost: any later one, here of a comment, says that the
// repository is private. That it is public again is believed of the repository alone.
func TestWhatAnyEventCallsPrivateIsNotShown(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := newScene(t, staging{databaseURL: url})
		number := s.issue("kim", "Secret", "Text.", "rfc")
		paths := []string{"/api/v1/communities/acme/rfcs/1", "/c/acme/rfcs/1", "/api/v1/gate?repo=acme/rfcs&rfc=1"}
		answer := func(when string, want int) {
			t.Helper()
			for _, path := range paths {
				if got := s.fetch(path, nil); got != want {
					t.Errorf("%s answers %d %s, want %d", path, got, when, want)
				}
			}
		}
		s.sim.DropWebhooks(func(event, _ string) bool { return event == "repository" })
		s.ok(s.sim.As("maya").SetPrivate(rfcs, true))
		answer("as long as nothing was heard", http.StatusOK)
		s.say("maya", number, "A word.")
		answer("once an event called it private", http.StatusNotFound)
		s.ok(s.sim.As("maya").SetPrivate(rfcs, false))
		s.say("maya", number, "Another word.")
		answer("though an event does not call it private", http.StatusNotFound)
		s.sim.DropWebhooks(nil)
		s.ok(s.sim.As("maya").SetPrivate(rfcs, true))
		s.ok(s.sim.As("maya").SetPrivate(rfcs, false))
		answer("after it was made public", http.StatusOK)
	})
}

func TestAnArchivedRepositoryWaits(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "Archived", "Text.", "rfc")
	s.done("maya", number, "/rfc vote")
	s.react(number, 1, 1, "+1", "maya", "lee", "noor")
	s.ok(s.sim.As("maya").SetArchived(rfcs, true))
	s.over(7 * day)
	if r := s.rfc(1); r.State != "accepted" {
		t.Errorf("votes cast before the archiving make it %s, want accepted", r.State)
	}
	s.ok(s.sim.As("maya").SetArchived(rfcs, false))
	s.pass(2 * time.Hour)
	s.is(number, rfc.Accepted)
	s.decision(number, 1, 1)
}

func TestASuspendedAppResumes(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := newScene(t, staging{databaseURL: url})
		number := s.issue("kim", "Suspended", "Text.", "rfc")
		s.done("maya", number, "/rfc vote")
		s.react(number, 1, 1, "+1", "maya", "lee", "noor")
		installation := s.installation()
		s.sim.SuspendInstallation(installation, true)
		s.settle()
		s.over(30 * day)
		s.pass(day)
		s.is(number, rfc.Voting)
		if got := s.fetch("/api/v1/communities/acme/rfcs/1", nil); got != http.StatusNotFound {
			t.Errorf("the API answers %d for what nobody vouches for any more, want 404", got)
		}
		s.sim.SuspendInstallation(installation, false)
		s.settle()
		s.pass(20 * time.Minute)
		s.pass(time.Minute)
		s.is(number, rfc.Accepted)
	})
}

func TestARemovedAppResumesWhenItIsBack(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]bool{"told": false, "unseen": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, staging{})
			number := s.issue("kim", "Removed", "Text.", "rfc")
			s.done("maya", number, "/rfc vote")
			s.react(number, 1, 1, "+1", "maya", "lee", "noor")
			if lost {
				s.sim.DropWebhooks(everything)
			}
			s.sim.Uninstall(s.installation())
			s.settle()
			s.sim.DropWebhooks(nil)
			s.over(8 * day)
			s.pass(day)
			if got := s.sim.Labels(rfcs, number); len(got) != 2 {
				t.Errorf("it wears %v without the App", got)
			}
			s.sim.Install(s.app.ID, "acme")
			s.settle()
			s.pass(20 * time.Minute)
			s.pass(time.Minute)
			s.is(number, rfc.Accepted)
		})
	}
}

func TestADeletedRepositoryWithdrawsItsRFCs(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	s.sim.AddRepository(ghsim.NewRepository{Owner: "acme", Name: "server"})
	s.settle()
	i, err := s.sim.As("maya").OpenIssue("acme/server", "Gone soon", "Text.", "rfc")
	s.ok(err)
	s.isIn("acme/server", i.Number, rfc.Open)
	s.ok(s.sim.As("maya").DeleteRepository("acme/server"))
	s.over(15 * day)
	if next := s.issue("kim", "Goes on", "Text.", "rfc"); s.rfc(2).Issue != next {
		t.Error("the community does not go on")
	}
}

// The event of a move may be the first that Agora hears of the repository it goes to.
func TestAnIssueMovesToARepositoryThatAgoraHasNotHeardOf(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := newScene(t, staging{databaseURL: url})
		number := s.issue("kim", "Moved", "Text.", "rfc")
		s.done("maya", number, "/rfc vote")
		from := lastDelivery(t, s.stage, "issues", "labeled").RepositoryID
		s.sim.HoldWebhooks()
		to := s.sim.AddRepository(ghsim.NewRepository{Owner: "acme", Name: "proposals"})
		moved := s.sim.As("maya").TransferIssue(rfcs, number, "acme/proposals")
		transferred := fmt.Sprintf(`{"action": "transferred", "issue": {"number": %d}, "repository": {"id": %d}, "installation": {"id": %d}, "sender": {"id": 1, "login": "maya"},
			"changes": {"new_issue": {"number": %d}, "new_repository": {"id": %d, "name": "proposals", "owner": {"id": %d, "login": "acme"}}}}`,
			number, from, s.installation(), moved.Number, to, s.community())
		if status := deliver(t, s.ctx, s.stage, "issues", "transferred", []byte(transferred)); status != http.StatusOK {
			t.Fatalf("the event is answered %d", status)
		}
		must(t, s.agora.worker.WaitIdle(s.ctx))
		if r := s.rfc(1); r.State != "voting" || r.Repository != "acme/proposals" || r.Issue != moved.Number {
			t.Errorf("after the first event of the move: %+v", r)
		}
		s.sim.ReleaseWebhooks(ghsim.Release{})
		s.settle()
		s.pass(10 * time.Second)
		s.pass(10 * time.Second)
		s.isIn("acme/proposals", moved.Number, rfc.Voting)
	})
}

// A reading of the repository that an issue left finds what the events of the move,
// lost or still to come, would tell.
func TestAReadingFollowsAnIssueThatMoved(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "Moved", "Text.", "rfc")
	s.done("maya", number, "/rfc vote")
	s.sim.HoldWebhooks()
	s.sim.AddRepository(ghsim.NewRepository{Owner: "acme", Name: "proposals"})
	moved := s.sim.As("maya").TransferIssue(rfcs, number, "acme/proposals")
	s.clock.ahead.Add(int64(20 * time.Minute)) // the reactions of the ballot are read, and it is gone
	s.agora.worker.Kick()
	must(t, s.agora.worker.WaitIdle(s.ctx))
	must(t, s.agora.rfcs.RereadOpen(s.ctx, s.clock.now().Add(-time.Hour)))
	must(t, s.agora.worker.WaitIdle(s.ctx))
	if r := s.rfc(1); r.State != "voting" || r.Repository != "acme/proposals" || r.Issue != moved.Number {
		t.Errorf("after a reading: %+v", r)
	}
	s.sim.ReleaseWebhooks(ghsim.Release{})
	s.settle()
	s.pass(10 * time.Second)
	s.pass(10 * time.Second)
	s.isIn("acme/proposals", moved.Number, rfc.Voting)
}
