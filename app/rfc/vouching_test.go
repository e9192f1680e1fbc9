package rfc_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
)

// A steward who calls a change editorial speaks for what they saw. What somebody puts in
// after that, or after the end, is not accepted with it.
func TestEditorialSpeaksForNoLaterText(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(h *hall, end time.Time){
		"changed after the end, heard before the command": func(h *hall, end time.Time) {
			editorial := h.unheard("maya", `/rfc editorial "a typo"`, end.Add(-time.Second))
			h.tells(h.edits("Smuggled in.", end.Add(300*time.Millisecond)), end.Add(time.Second))
			h.heard(editorial)
			h.waits(3 * time.Second)
			h.is("at the end", rfc.Accepted, 1)
		},
		"changed after the end, heard after the command": func(h *hall, end time.Time) {
			editorial := h.unheard("maya", `/rfc editorial "a typo"`, end.Add(-time.Second))
			event := h.edits("Smuggled in.", end.Add(300*time.Millisecond))
			h.now = end.Add(time.Second)
			h.heard(editorial)
			h.tells(event, end.Add(10*time.Second))
			h.waits(3 * time.Minute)
			h.is("when the edit is heard of", rfc.Accepted, 1)
		},
		"changed after the command": func(h *hall, end time.Time) {
			editorial := h.unheard("maya", `/rfc editorial "a typo"`, end.Add(-time.Minute))
			h.tells(h.edits("Smuggled in.", end.Add(-50*time.Second)), end.Add(-50*time.Second))
			h.now = end.Add(-40 * time.Second)
			h.heard(editorial)
			h.looks(end, 3*time.Second)
			h.is("what nobody vouched for is voted on again", rfc.Voting, 2)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ofBoth(t, func(t *testing.T, h *hall, end time.Time) {
				h.tells(h.edits("As voted on, without a typo.", end.Add(-time.Hour)), end.Add(-time.Hour))
				seen := h.issue
				do(h, end)
				smuggled := rfc.EditOf(seen, h.issue)
				if r, _ := h.loaded(); r.State == rfc.Accepted && r.Bound != smuggled.From {
					t.Errorf("accepted for %v, and the steward saw %v", r.Bound, smuggled.From)
				}
			})
		})
	}
}

// Nobody voted for co-authors who were named when the vote was over.
func TestCoAuthorsNamedAfterTheEndShareNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		h := newHall(t, s)
		h.issue.Body, h.issue.UpdatedAt = "As voted on.", h.now
		end := h.votes("/vote approve", people...)
		h.tells(h.edits("As voted on.\n\nCo-authors: @lee, @noor", end.Add(500*time.Millisecond)), end.Add(600*time.Millisecond))
		h.looks(end, 3*time.Second)
		h.is("decided", rfc.Accepted, 1)
		var paid []int64
		h.change(func(ctx context.Context, tx *store.Tx) error {
			rows, err := tx.QueryContext(ctx, `SELECT points FROM ledger WHERE kind = 'rfc_accepted'`)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var points int64
				if err := rows.Scan(&points); err != nil {
					return err
				}
				paid = append(paid, points)
			}
			return rows.Err()
		})
		if !slices.Equal(paid, []int64{60 * 10_000}) {
			t.Errorf("the acceptance brought %v, want all of it to its author", paid)
		}
	})
}

// A word that was heard before each concern kept its own is not forgotten.
func TestAWordFromBeforeItWasKeptWithTheConcernBreaksItsSilence(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		h := newHall(t, s)
		h.refresh()
		h.say("lee", `/concern raise "nobody measured what it costs"`)
		h.say("kim", `/concern address 1 "there are figures now"`)
		addressed := h.now
		h.now = addressed.Add(6 * 24 * time.Hour)
		word := h.unheard("lee", "I still see no figures.", h.now)
		h.comments[len(h.comments)-1].UpdatedAt = h.now.Add(time.Minute) // so that it is not read as it was
		h.heard(word)
		h.change(func(ctx context.Context, tx *store.Tx) error {
			r, err := tx.RFCByIssue(ctx, app.IssueRef{Repository: hallIssue.Repository, Number: hallIssue.Number})
			if err != nil {
				return err
			}
			r.Concerns[0].SpokeAt = time.Time{}
			return tx.SaveRFC(ctx, r)
		})
		h.looks(addressed, 7*24*time.Hour+time.Minute)
		if r, _ := h.loaded(); r.Concerns[0].State != rfc.ConcernAddressed {
			t.Errorf("a day after its raiser's word the concern is %s", r.Concerns[0].State)
		}
	})
}
