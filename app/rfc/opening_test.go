package rfc_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
)

// trail is what the audit trail says of the RFC, a line an entry.
func (h *hall) trail() string {
	h.t.Helper()
	var b strings.Builder
	h.change(func(ctx context.Context, tx *store.Tx) error {
		r, err := tx.RFCByIssue(ctx, hallIssue)
		if err != nil {
			return err
		}
		entries, err := tx.Audit(ctx, r.Community, r.Subject(), 0, 0)
		for _, e := range entries {
			b.WriteString(strings.Join([]string{e.Kind, e.From, e.To, e.Reason, "\n"}, " | "))
		}
		return err
	})
	return b.String()
}

// reopens has the issue reopened on GitHub, and the event of it come.
func (h *hall) reopens(login string) {
	h.t.Helper()
	h.issue.Open, h.issue.ClosedBy, h.issue.ClosedAt = true, app.User{}, time.Time{}
	h.must(h.service.Refresh(h.t.Context(), hallRepo, hallIssue.Number, rfc.Cause{Actor: human(login), Event: "reopened", At: h.now}))
}

// A second vote is for those who still want to vote on it: what was closed meanwhile stays
// postponed, however its closing was heard, and a steward may take it up again.
func TestAPostponedRFCWhoseIssueWasClosedGetsNoSecondVote(t *testing.T) {
	t.Parallel()
	for name, heard := range map[string]bool{"told": true, "unheard": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				h := newHall(t, s)
				end := h.votes("/vote approve", "maya")
				h.looks(end, time.Minute)
				h.is("without a quorum", rfc.Postponed, 1)
				h.close(h.now)
				if heard {
					h.must(h.service.Refresh(t.Context(), hallRepo, hallIssue.Number, rfc.Cause{Actor: human("noor"), Event: "closed", At: h.now}))
				}
				h.pass(7 * 24 * time.Hour)
				h.is("closed when the second vote was due", rfc.Postponed, 1)
				if trail := h.trail(); strings.Count(trail, "its issue was closed") != 1 {
					t.Errorf("the trail does not say once why there is no second vote:\n%s", trail)
				}
				h.pass(7 * 24 * time.Hour)
				h.reopens("lee")
				h.pass(7 * 24 * time.Hour)
				h.is("reopened by somebody", rfc.Postponed, 1)
				h.close(h.now)
				h.refresh()
				h.reopens("maya")
				h.is("reopened by a steward", rfc.Draft, 1)
				h.isTrue(name)
			})
		})
	}
}

// What is open again when its second vote is due has one.
func TestAPostponedRFCWhoseIssueWasClosedForAWhileVotesAgain(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		h := newHall(t, s)
		end := h.votes("/vote approve", "maya")
		h.looks(end, time.Minute)
		h.close(h.now)
		h.refresh()
		h.reopens("lee")
		h.pass(7 * 24 * time.Hour)
		h.is("reopened by somebody before the second vote", rfc.Voting, 2)
		h.isTrue("a second vote")
	})
}

// The event of the closing may be lost.
func TestAnIssueThatWasClosedUnheardGetsNoVote(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		h := newHall(t, s)
		h.refresh()
		h.close(h.now.Add(time.Hour))
		h.pass(14 * 24 * time.Hour)
		h.is("closed in the discussion", rfc.Withdrawn, 0)
	})
}

// Self knows Agora among the bots: here it wrote nothing.
func (h *hall) Self(context.Context, app.User) (bool, error) { return false, nil }

// What only the author may do falls to stewards where no person is the author.
func TestAStewardOpensAgainWhatABotWrote(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		h := newHall(t, s)
		h.issue.Author = app.User{ID: 900, Login: "release[bot]", Bot: true}
		end := h.votes("/vote approve", "maya", "lee", "noor")
		h.say("kim", `/concern raise "nobody measured what it costs"`)
		h.looks(end, time.Minute)
		h.is("with an open concern", rfc.ChangesRequested, 1)
		h.say("maya", "/rfc open")
		h.is("opened by a steward", rfc.Open, 1)
	})
}
