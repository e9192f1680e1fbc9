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

// posted has the ballot of the first round stand on GitHub.
func (h *hall) posted() {
	h.t.Helper()
	h.change(func(ctx context.Context, tx *store.Tx) error {
		return tx.SaveWrittenComment(ctx, rfc.Written{Ref: hallIssue, Key: "ballot/1", CommentID: 77, SentAt: h.now})
	})
}

// follows reads the issue again, if that was ordered.
func (h *hall) follows() {
	h.t.Helper()
	ordered := int64(0)
	h.change(func(ctx context.Context, tx *store.Tx) error {
		queued, err := tx.ExecContext(ctx, `DELETE FROM deliveries WHERE kind = $1`, rfc.RefreshKind)
		if err != nil {
			return err
		}
		ordered, err = queued.RowsAffected()
		return err
	})
	if ordered > 0 {
		h.must(h.service.RefreshWhole(h.t.Context(), hallIssue, h.now))
	}
}

// What was closed once the vote seemed over was closed before a decision, should a vote
// in time that is read later move the end: it is withdrawn as soon as that is known.
func TestAClosingAfterAnEndThatMovesWithdrawsAtOnce(t *testing.T) {
	t.Parallel()
	closed := func(h *hall, end time.Time) {
		h.close(end.Add(time.Second))
		h.now = end.Add(time.Second)
		h.must(h.service.Refresh(h.t.Context(), hallRepo, hallIssue.Number, rfc.Cause{Actor: human("noor"), Event: "closed", At: h.now}))
		h.is("closed after the end", rfc.Voting, 1)
	}
	for name, do := range map[string]func(h *hall, end time.Time){
		"by a vote that is heard late": func(h *hall, end time.Time) {
			vote := h.unheard("noor", "/vote approve", end.Add(-time.Hour))
			closed(h, end)
			h.heard(vote)
		},
		"by a reaction that the last reading finds": func(h *hall, end time.Time) {
			closed(h, end)
			h.reactions = []app.Reaction{{ID: 1, User: human("noor"), Content: "+1", CreatedAt: end.Add(-time.Hour)}}
			h.looks(end, 3*time.Second)
		},
		"by an extension that is heard late": func(h *hall, end time.Time) {
			extend := h.unheard("maya", `/rfc extend 1d "holidays"`, end.Add(-time.Hour))
			closed(h, end)
			h.heard(extend)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				h := newHall(t, s)
				end := h.votes("/vote approve", "maya", "lee") // one short of the quorum
				h.posted()
				do(h, end)
				h.follows()
				h.is(name, rfc.Withdrawn, 1)
				if trail := h.trail(); !strings.Contains(trail, "state | voting | withdrawn | closed before a decision") {
					t.Errorf("the trail does not say why:\n%s", trail)
				}
				h.isTrue(name)
			})
		})
	}
}

// What would be held again, because its text changed, is not when it was closed meanwhile.
func TestNoVoteIsHeldAgainOnWhatWasClosedAfterItsEnd(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		h := newHall(t, s)
		end := h.votes("/vote approve", people...)
		h.issue.Body += " Changed."
		h.refresh()
		h.close(end.Add(time.Second))
		h.looks(end, time.Minute)
		h.is("closed after the end, with another text", rfc.Withdrawn, 1)
		h.isTrue("closed after the end, with another text")
	})
}
