package rfc_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
)

// shows brings an event of a pull request as it was at an instant.
func (h *hall) shows(body string, at time.Time) {
	h.t.Helper()
	pull := app.Issue{Ref: hallIssue, Title: "Do it", Body: body, Author: human("kim"), Open: true, UpdatedAt: at,
		Pull: &app.Pull{HeadSHA: "4dd6de9cc1db61e2e71e6b9f3d3b6e21ee2e1f0c"}}
	h.must(h.service.PullChanged(h.t.Context(), hallRepo, pull))
}

func (h *hall) binds(what string, want ...int) {
	h.t.Helper()
	h.change(func(ctx context.Context, tx *store.Tx) error {
		pull, err := tx.Pull(ctx, hallIssue)
		if !slices.Equal(pull.Bound, want) {
			h.t.Errorf("%s: the pull request is bound to %v, want %v", what, pull.Bound, want)
		}
		return err
	})
}

// What a pull request named before a steward freed it binds it no more, however late the
// event of it comes; what it names afterwards does.
func TestAnUnlinkWinsOverWhatHappenedBeforeIt(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		h := newHall(t, s)
		opened := h.now
		h.shows("Implements: RFC-3", opened.Add(10*time.Second))
		h.binds("it names one", 3)
		h.say("maya", `/rfc unlink "wrong number"`)
		unlinked := h.now
		h.binds("freed")

		h.shows("Implements: RFC-5", opened.Add(5*time.Second))
		h.binds("what it named before that, heard after it")
		h.shows("Implements: RFC-6", opened.Add(20*time.Second))
		h.binds("what it named last before it was freed")
		h.shows("Implements: RFC-6\nReworded.", unlinked.Add(time.Minute))
		h.binds("what it named then and names still")

		h.shows("Implements: RFC-5", unlinked.Add(2*time.Minute))
		h.binds("what it names afterwards", 5)
		h.shows("Implements: RFC-7", unlinked.Add(time.Second))
		h.binds("what it named afterwards, heard late", 5, 7)
	})
}
