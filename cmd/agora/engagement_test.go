package main

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/ghsim"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/store/storetest"
)

// kept is an RFC as it is stored, and its newest round.
func (s *scene) kept(number int) (r *rfc.RFC, round *rfc.Round) {
	s.t.Helper()
	err := s.agora.store.RFC().View(s.ctx, func(ctx context.Context, tx rfc.Tx) error {
		repo, err := tx.RepositoryByName(ctx, "acme", "rfcs")
		if err != nil {
			return err
		}
		if r, err = tx.RFCByIssue(ctx, app.IssueRef{Repository: repo.ID, Number: number}); err != nil || r.Round == 0 {
			return err
		}
		round, err = tx.Round(ctx, r.ID, r.Round)
		return err
	})
	must(s.t, err)
	return r, round
}

func TestTheFirstAnswerOfAnotherPersonIsRemembered(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := newScene(t, staging{databaseURL: url})
		number := s.pull("kim", ghsim.NewPullRequest{Title: "Weights", Files: map[string]string{"rfc.md": "text\n"}}, "rfc")
		answered := func(when string, want time.Time) {
			t.Helper()
			if r, _ := s.kept(number); !r.RepliedAt.Equal(want) || r.NumberedAt.IsZero() {
				t.Fatalf("%s: opened at %s, answered at %s, want %s", when, r.NumberedAt, r.RepliedAt, want)
			}
		}
		s.say("kim", number, "I wrote this myself.")
		s.say("lee", number, "/rfc status")
		answered("the author's own words and commands are no answer", time.Time{})

		// The first answer's event is lost, and a later one is taken first.
		s.pass(time.Hour)
		s.sim.DropWebhooks(everything)
		first := s.say("noor", number, "What would it cost?")
		s.sim.DropWebhooks(nil)
		s.pass(time.Minute)
		review, err := s.sim.As("sam").Review(rfcs, number, ghsim.ReviewComment, "I read it.")
		s.ok(err)
		answered("a review", review.SubmittedAt.UTC())
		s.pass(time.Hour + time.Minute)
		answered("the one that was lost, once everything was read again", first.CreatedAt.UTC())
		s.say("lee", number, "Another answer.")
		s.pass(2 * time.Hour)
		answered("later ones change nothing", first.CreatedAt.UTC())
		s.done("noor", number, "/member leave")
		s.pass(time.Hour)
		answered("after whoever answered left", first.CreatedAt.UTC())

		s.done("maya", number, "/rfc vote")
		for _, who := range []string{"maya", "lee", "sam"} {
			s.done(who, number, "/vote approve")
		}
		s.say("rob", number, "/vote approve") // not of the electorate
		if _, round := s.kept(number); round.Voters != 0 || !round.Decided().IsZero() {
			t.Fatalf("before it was decided: %+v", round)
		}
		s.over(7 * day)
		if _, round := s.kept(number); round.Voters != 3 || round.Heads != 4 || round.Decided().IsZero() {
			t.Errorf("%d ballots counted of %d, decided at %s", round.Voters, round.Heads, round.Decided())
		}
	})
}

func TestAConcernIsAnAnswer(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "Weights", "Text.", "rfc")
	raised := s.say("lee", number, "/concern raise "+objection)
	if r, _ := s.kept(number); !r.RepliedAt.Equal(raised.CreatedAt.UTC()) {
		t.Errorf("answered at %s, want %s", r.RepliedAt, raised.CreatedAt)
	}
}

// A review whose event was lost is a contribution once the final reading found it.
func TestALostReviewIsAContribution(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.pull("kim", ghsim.NewPullRequest{Title: "Votes"}, "rfc")
	s.done("maya", number, "/rfc vote")
	s.sim.DropWebhooks(everything)
	_, err := s.sim.As("lee").Review(rfcs, number, ghsim.ReviewComment, "I read all of it.")
	s.ok(err)
	s.sim.DropWebhooks(nil)
	s.over(7 * day)
	if did := s.contributions("lee"); did["review"] != 1 {
		t.Errorf("lee did %v", did)
	}
	s.replays()
}

// statistics is what the API says of the community.
type statistics struct {
	Score   *int
	Members struct{ Total, Active, New int }
	Parts   []struct {
		Name                   string
		Numerator, Denominator int
	}
	Contributions, RFCs map[string]int
}

func TestStatsThroughTheWholeProgram(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := newScene(t, staging{databaseURL: url})
		s.sim.AddRepository(ghsim.NewRepository{Owner: "acme", Name: "vault", Private: true, Collaborators: map[string]string{"lee": "write"}})
		s.settle()
		number := s.issue("kim", "Weights", "Text.", "rfc")
		s.say("noor", number, "What would it cost?")
		hidden, err := s.sim.As("lee").OpenIssue("acme/vault", "A secret", "Text.", "rfc")
		s.ok(err)
		s.sayIn("acme/vault", "lee", hidden.Number, "Nobody may know.")
		s.pass(3 * day)
		var seen statistics
		if status := s.fetch("/api/v1/communities/acme/stats", &seen); status != http.StatusOK {
			t.Fatalf("status %d", status)
		}
		if seen.Score != nil || seen.Members.Active != 2 || seen.Members.Total < 5 || seen.RFCs["open"] != 1 || seen.Contributions["rfc"] != 1 || seen.Contributions["comment"] != 1 {
			t.Errorf("the API says %+v", seen)
		}
		if p := seen.Parts[2]; p.Name != "response" || p.Numerator != 1 || p.Denominator != 1 {
			t.Errorf("response is %+v", p)
		}
		asked := s.say("rob", number, "/community stats")
		s.contains(s.replyTo(rfcs, number, asked), "RFC 1 · comment 1")
		inside := s.sayIn("acme/vault", "lee", hidden.Number, "/community stats")
		s.contains(s.replyTo("acme/vault", hidden.Number, inside), "RFC 2 · comment 2")
		var member struct{ Engagement *int }
		s.fetch("/api/v1/communities/acme/members/noor", &member)
		if member.Engagement == nil || *member.Engagement == 0 {
			t.Errorf("noor's engagement is %v", member.Engagement)
		}
		shown := s.say("noor", number, "/member show")
		s.contains(s.replyTo(rfcs, number, shown), fmt.Sprintf("| Engagement | %d of 100 |", *member.Engagement))
		s.fetch("/api/v1/communities/acme/members/lee", &member)
		if member.Engagement == nil || *member.Engagement != 0 {
			t.Errorf("what lee did in private shows: %v", member.Engagement)
		}
	})
}
