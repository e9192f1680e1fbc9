package main

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/ghsim"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/config"
	"github.com/agora-rfc/agora/store/storetest"
)

func TestAnIssueThatGitHubDoesNotShowYetBecomesAnRFC(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	s.sim.Fault(ghsim.Fault{Method: http.MethodGet, PathPattern: "/repos/acme/rfcs/issues/*", Status: http.StatusNotFound, Times: 2})
	number := s.issue("kim", "Too new", "Text.", "rfc")
	s.pass(6 * time.Second)
	s.is(number, rfc.Open)
}

func TestAnRFCThatGitHubDoesNotShowForAMomentIsNotWithdrawn(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "Flickering", "Text.", "rfc")
	s.sim.Fault(ghsim.Fault{Method: http.MethodGet, PathPattern: fmt.Sprintf("/repos/acme/rfcs/issues/%d", number), Status: http.StatusNotFound, Times: 1})
	s.ok(s.sim.As("kim").EditBody(rfcs, number, "Text, mended."))
	s.pass(6 * time.Second)
	s.is(number, rfc.Open)
}

func TestADeletedCommentRunsNothingHoweverLateItsEventComes(t *testing.T) {
	t.Parallel()
	for _, late := range []time.Duration{0, 10 * time.Second} {
		t.Run(late.String(), func(t *testing.T) {
			t.Parallel()
			s := newScene(t, staging{})
			number := s.issue("kim", "Deleted", "Text.", "rfc")
			s.sim.HoldWebhooks()
			c, err := s.sim.As("sam").Comment(rfcs, number, "/concern raise "+objection)
			must(t, err)
			stands, err := s.sim.As("sam").Comment(rfcs, number, `/concern raise "another one, which stands"`)
			must(t, err)
			must(t, s.sim.As("sam").DeleteComment(rfcs, c.ID))
			s.clock.ahead.Add(int64(late))
			s.sim.ReleaseWebhooks(ghsim.Release{})
			s.settle()
			for range 5 {
				s.pass(4 * time.Second) // a comment so young is looked for again
			}
			if got := s.rfc(1).ConcernsOpen; got != 1 {
				t.Errorf("%d concerns are open, want the one whose comment stands", got)
			}
			if !s.reacted(stands, "rocket") {
				t.Error("the comment that stands has no answer")
			}
		})
	}
}

func TestACommentThatGitHubDoesNotShowYetIsNotTakenForDeleted(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "Too new", "Text.", "rfc")
	s.sim.Fault(ghsim.Fault{Method: http.MethodGet, PathPattern: "/repos/acme/rfcs/issues/comments/*", Status: http.StatusNotFound, Times: 2})
	c := s.say("sam", number, "/concern raise "+objection)
	for range 3 {
		s.pass(2 * time.Second)
	}
	if got := s.rfc(1).ConcernsOpen; got != 1 || !s.reacted(c, "rocket") {
		t.Errorf("%d concerns are open, want the one that was raised", got)
	}
}

// Nobody's word, a steward's neither, makes an RFC implemented by what was never merged,
// or awards the points.
func TestOnlyAMergedPullRequestImplements(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "Implemented, they say", "Text.", "rfc")
	s.accepted(number, 1, 7*day)
	earned := func() int { return len(s.points("kim", config.RFCImplemented)) }
	open := s.pull("lee", ghsim.NewPullRequest{Title: "Not yet"})
	for _, who := range []string{"kim", "maya"} {
		s.refused(who, number, "/rfc implement by=#9999", "no pull request #9999")
		s.refused(who, number, fmt.Sprintf("/rfc implement by=#%d", open), "not merged")
	}
	s.is(number, rfc.Accepted)
	if got := earned(); got != 0 {
		t.Errorf("a word was entered %d times", got)
	}
	pull := s.pull("lee", ghsim.NewPullRequest{Title: "Really", Body: "Implements: RFC-1"})
	s.ok(s.sim.As("maya").Merge(rfcs, pull))
	s.is(number, rfc.Implemented)
	if got := earned(); got != 1 {
		t.Errorf("the merged pull request was entered %d times, want once", got)
	}
}

// Nor those of a pull request that one merged by oneself.
func TestAPullRequestMergedByItsAuthorBringsNoPoints(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "To be implemented", "Text.", "rfc")
	s.accepted(number, 1, 7*day)
	for merger, want := range map[string]int{"lee": 0, "maya": 1} {
		before := len(s.points("lee", config.PullRequestMerged))
		pull := s.pull("lee", ghsim.NewPullRequest{Title: "A part", Body: "Implements: RFC-1"})
		s.ok(s.sim.As(merger).Merge(rfcs, pull))
		if got := len(s.points("lee", config.PullRequestMerged)) - before; got != want {
			t.Errorf("merged by %s it brought %d entries, want %d", merger, got, want)
		}
	}
}

// What a bot wrote is decided on as what a person wrote is: its check is not green before.
// The bot itself gains nothing by it, and stewards act in its place.
func TestABotsPullRequestBecomesAnRFC(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := newScene(t, staging{databaseURL: url})
		const bot = "renewer[bot]"
		account := s.sim.AddUser(ghsim.NewUser{Login: bot, Bot: true})
		s.ok(s.sim.As("maya").AddCollaborator(rfcs, bot, "write"))
		number := s.pull(bot, ghsim.NewPullRequest{Title: "Renew everything"})
		s.checkIs(number, "success")
		s.ok(s.sim.As("maya").AddLabels(rfcs, number, "rfc"))
		s.is(number, rfc.Open)
		s.checkIs(number, "in_progress")
		s.contains(s.sticky(number, 1), "Renew everything")
		s.ok(s.sim.As(bot).RemoveLabel(rfcs, number, "rfc")) // it withdraws nothing
		s.is(number, rfc.Open)
		if !s.wears(number, "rfc") {
			t.Error("the label that the bot took away was not put back")
		}
		s.say(bot, number, "/rfc withdraw")
		s.is(number, rfc.Open)
		s.refused("lee", number, "/rfc vote", "only a steward")

		s.done("sam", number, "/concern raise "+objection)
		s.quiet()
		s.contains(s.sticky(number, 1), "**Stewards**: `/concern address 1")
		s.refused("lee", number, `/concern address 1 "so"`, "only a steward")
		s.done("maya", number, `/concern address 1 "it is pinned now"`)
		s.done("sam", number, "/concern resolve 1")
		s.done("maya", number, "/rfc vote")
		s.react(number, 1, 1, "+1", "maya", "lee", "noor", "kim")
		s.react(number, 1, 1, "-1", bot)
		s.over(7 * day)
		s.is(number, rfc.Accepted)
		s.checkIs(number, "success")
		s.ok(s.sim.As("maya").Merge(rfcs, number))
		s.done("maya", number, fmt.Sprintf("/rfc implement by=#%d", number))
		must(t, s.agora.store.Community().View(s.ctx, func(ctx context.Context, tx community.Tx) error {
			if m, err := tx.Member(ctx, s.community(), account); !app.Is(err, app.CodeNotFound) {
				t.Errorf("the bot is a member: %+v, %v", m, err)
			}
			ledger, err := tx.Ledger(ctx, s.community(), account)
			if len(ledger) > 0 {
				t.Errorf("the bot has entries: %+v", ledger)
			}
			return err
		}))
		if got := s.counts(1, bot); got != "" {
			t.Errorf("the bot's reaction counts as %q", got)
		}

		issue := s.issue(bot, "A report", "Of a bot.", "bug")
		s.refused("lee", issue, "/rfc open", "only the author, or a steward")
		s.done("maya", issue, "/rfc open")
		s.is(issue, rfc.Open)
	})
}

// A refusal speaks of what stands there.
func TestRefusalsSpeakOfWhatStandsThere(t *testing.T) {
	t.Parallel()
	s := ruled(t, staging{}, "rfc: { label: proposal }")
	plain := s.issue("kim", "A plain issue", "Text.")
	for _, command := range []string{"/vote yes", "/rfc implement by=#1", `/rfc extend 3d "why"`} {
		s.refused("maya", plain, command, "Put the label `proposal` on it")
	}
	s.refused("maya", plain, `/rfc unlink "why"`, "this is no pull request")
	pull := s.pull("kim", ghsim.NewPullRequest{Title: "A plain one"})
	s.refused("maya", pull, `/rfc unlink "why"`, "this pull request is bound to no RFC")
	s.refused("kim", plain, "/agora help vot", "did you mean `/agora help vote`?")
}
