package rfc_test

import (
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
)

const day = 24 * time.Hour

func (h *hall) concernIs(what string, number int, want rfc.ConcernState) {
	h.t.Helper()
	r, _ := h.loaded()
	if got := r.Concern(number).State; got != want {
		h.t.Errorf("%s: concern %d is %s, want %s", what, number, got, want)
	}
}

// A word that comes too late for one concern is in time for another one.
func TestALapsedConcernHidesNoWordFromAnother(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		h := newHall(t, s)
		h.refresh()
		h.say("lee", `/concern raise "nobody measured what it costs"`)
		h.say("lee", `/concern raise "nobody asked the users"`)
		h.say("kim", `/concern address 1 "there are figures now"`)
		addressed := h.now
		h.now = addressed.Add(4 * day)
		h.say("kim", `/concern address 2 "they were asked"`)
		// Once it is edited, a reading takes no word of it.
		h.now = addressed.Add(8 * day)
		word := h.unheard("lee", "I still see no figures.", h.now)
		h.comments[len(h.comments)-1].UpdatedAt = h.now.Add(time.Minute)
		h.heard(word)
		h.looks(addressed, 8*day+time.Minute)
		h.concernIs("a word after a week", 1, rfc.ConcernLapsed)
		h.looks(addressed, 12*day)
		h.concernIs("a word in time", 2, rfc.ConcernAddressed)
		h.looks(addressed, 15*day+time.Minute)
		h.concernIs("a week after the word", 2, rfc.ConcernLapsed)
	})
}

// The event of a review may be lost like that of a comment.
func TestAReviewIsReadBeforeAConcernLapses(t *testing.T) {
	t.Parallel()
	for name, votes := range map[string]bool{"in discussion": false, "while voting": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				h := newHall(t, s)
				h.issue.Pull = &app.Pull{HeadSHA: "4dd6de9cc1db61e2e71e6b9f3d3b6e21ee2e1f0c"}
				h.issue.Labels = append(h.issue.Labels, "rfc-type/policy-change") // 14 days each
				h.refresh()
				if votes {
					h.say("maya", "/rfc vote")
				}
				h.say("lee", `/concern raise "nobody measured what it costs"`)
				h.say("kim", `/concern address 1 "there are figures now"`)
				addressed := h.now
				h.reviews = []app.Review{{ID: 1, Author: human("lee"), State: app.ReviewCommented, Body: "No figures.", SubmittedAt: addressed.Add(6 * day)}}
				h.looks(addressed, 7*day+3*time.Second)
				h.concernIs("an unheard review in time", 1, rfc.ConcernAddressed)
				h.looks(addressed, 13*day+3*time.Second)
				h.concernIs("a week after the review", 1, rfc.ConcernLapsed)
			})
		})
	}
}

// The last reading of a vote reads them, too, before it judges by who was silent.
func TestAReviewIsReadBeforeAConcernLapsesAtTheEnd(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		h := newHall(t, s)
		h.issue.Pull = &app.Pull{HeadSHA: "4dd6de9cc1db61e2e71e6b9f3d3b6e21ee2e1f0c"}
		h.refresh()
		h.say("lee", `/concern raise "nobody measured what it costs"`)
		h.say("kim", `/concern address 1 "there are figures now"`)
		addressed := h.now
		end := h.votes("/vote approve", "maya", "noor", "kim")
		h.reviews = []app.Review{{ID: 1, Author: human("lee"), State: app.ReviewCommented, Body: "No figures.", SubmittedAt: addressed.Add(6 * day)}}
		h.looks(end, time.Minute) // when the concern would have lapsed, too
		h.is("with a concern whose raiser spoke", rfc.ChangesRequested, 1)
		h.concernIs("an unheard review in time", 1, rfc.ConcernAddressed)
	})
}
