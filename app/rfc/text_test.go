package rfc_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
)

// edits changes the text, or pushes to the pull request, at GitHub's instant, which has
// whole seconds. It gives the event, which has not come.
func (h *hall) edits(text string, at time.Time) rfc.Cause {
	before := h.issue
	h.issue.UpdatedAt = at.Truncate(time.Second)
	event := "edited"
	if before.Pull != nil {
		event, h.issue.Pull = "synchronize", &app.Pull{HeadSHA: commit(text)}
	} else {
		h.issue.Body = text
	}
	return rfc.Cause{Actor: human("kim"), Event: event, At: h.issue.UpdatedAt, Edit: rfc.EditOf(before, h.issue)}
}

// commit is a name of a commit for each text.
func commit(text string) string { return fmt.Sprintf("%x", text) }

// tells brings the event of an edit at an instant.
func (h *hall) tells(cause rfc.Cause, at time.Time) {
	h.t.Helper()
	if at.After(h.now) {
		h.now = at
	}
	h.must(h.service.Refresh(h.t.Context(), hallRepo, hallIssue.Number, cause))
}

// waits has what is due happen for so long, second by second.
func (h *hall) waits(d time.Duration) {
	h.t.Helper()
	for until := h.now.Add(d); h.now.Before(until); {
		h.now = h.now.Add(time.Second)
		h.due()
	}
}

// ofBoth plays a vote on an issue, and on a pull request, in both databases. All are for it.
func ofBoth(t *testing.T, do func(t *testing.T, h *hall, end time.Time)) {
	t.Helper()
	for name, pull := range map[string]*app.Pull{"issue": nil, "pull request": {HeadSHA: commit("As voted on.")}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				h := newHall(t, s)
				h.issue.Body, h.issue.Pull, h.issue.UpdatedAt = "As voted on.", pull, h.now
				do(t, h, h.votes("/vote approve", people...))
				h.isTrue(t.Name())
			})
		})
	}
}

// acceptedAsVotedOn expects that the RFC is accepted for the text of the vote, and is
// shown as changed since.
func (h *hall) acceptedAsVotedOn() {
	h.t.Helper()
	h.is("decided", rfc.Accepted, 1)
	r, round := h.loaded()
	if r.Bound != round.Text || !r.ChangedSince() {
		h.t.Errorf("accepted for %v, and voted on was %v; changed since: %t", r.Bound, round.Text, r.ChangedSince())
	}
}

// What an author does to the text once the vote is over voids no ballot: the RFC is
// accepted for the text that was voted on.
func TestAnEditAfterTheEndChangesNothingOfTheResult(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(h *hall, end time.Time){
		"heard before the last reading": func(h *hall, end time.Time) {
			h.tells(h.edits("Another one.", end.Add(300*time.Millisecond)), end.Add(600*time.Millisecond))
			h.looks(end, 3*time.Second)
		},
		"heard after the last reading": func(h *hall, end time.Time) {
			event := h.edits("Another one.", end.Add(1300*time.Millisecond))
			h.looks(end, 3*time.Second)
			h.is("unheard", rfc.Voting, 1)
			h.tells(event, end.Add(4*time.Second))
			h.waits(2 * time.Second)
		},
		"twice": func(h *hall, end time.Time) {
			first, second := h.edits("Another one.", end), h.edits("A third one.", end.Add(2*time.Second))
			h.tells(first, end.Add(2*time.Second))
			h.tells(second, end.Add(2*time.Second))
			h.looks(end, 3*time.Second)
		},
		"twice, heard in the wrong order": func(h *hall, end time.Time) {
			first, second := h.edits("Another one.", end), h.edits("A third one.", end.Add(2*time.Second))
			h.tells(second, end.Add(2*time.Second))
			h.looks(end, 3*time.Second)
			h.is("one is unheard", rfc.Voting, 1)
			h.tells(first, end.Add(time.Minute))
			h.waits(2 * time.Second)
		},
		"twice in one second, heard in the wrong order": func(h *hall, end time.Time) {
			first, second := h.edits("Another one.", end), h.edits("A third one.", end)
			h.tells(second, end.Add(time.Second))
			h.tells(first, end.Add(time.Second))
			h.looks(end, 3*time.Second)
		},
		"there, back and elsewhere in one second": func(h *hall, end time.Time) {
			for _, text := range []string{"Another one.", "As voted on.", "A third one."} {
				h.tells(h.edits(text, end), end.Add(time.Second))
			}
			h.looks(end, 3*time.Second)
		},
		"very often": func(h *hall, end time.Time) {
			for i := range 60 {
				h.tells(h.edits(fmt.Sprintf("Version %d.", i), end.Add(time.Duration(i)*30*time.Millisecond)), end.Add(time.Second))
			}
			h.looks(end, 3*time.Second)
			if _, round := h.loaded(); len(round.Late) > 20 {
				h.t.Errorf("%d edits are kept", len(round.Late))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ofBoth(t, func(_ *testing.T, h *hall, end time.Time) {
				do(h, end)
				h.acceptedAsVotedOn()
			})
		})
	}
}

// What was changed during the vote is voted on again, however late that is heard, and
// whatever is done to the text afterwards.
func TestAnEditBeforeTheEndStillRestarts(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(h *hall, end time.Time){
		"in the last second": func(h *hall, end time.Time) {
			h.tells(h.edits("Another one.", end.Add(-time.Millisecond)), end)
			h.looks(end, 3*time.Second)
		},
		"never heard": func(h *hall, end time.Time) { // nothing happened since: GitHub tells that it was before
			h.edits("Another one.", end.Add(-time.Second))
			h.looks(end, 3*time.Second)
		},
		"heard only after the end": func(h *hall, end time.Time) {
			event := h.edits("Another one.", end.Add(-time.Second))
			h.issue.UpdatedAt = end.Add(time.Second) // by a comment
			h.looks(end, 3*time.Second)
			h.is("unheard", rfc.Voting, 1)
			h.tells(event, end.Add(4*time.Second))
			h.waits(2 * time.Second)
		},
		"followed by one after it": func(h *hall, end time.Time) {
			first, second := h.edits("Another one.", end.Add(-time.Second)), h.edits("A third one.", end.Add(time.Second))
			h.tells(first, end.Add(time.Second))
			h.tells(second, end.Add(time.Second))
			h.looks(end, 3*time.Second)
		},
		"followed by one after it, which is heard first": func(h *hall, end time.Time) {
			first, second := h.edits("Another one.", end.Add(-time.Second)), h.edits("A third one.", end.Add(time.Second))
			h.tells(second, end.Add(time.Second))
			h.looks(end, 3*time.Second)
			h.is("one is unheard", rfc.Voting, 1)
			h.tells(first, end.Add(4*time.Second))
			h.waits(2 * time.Second)
		},
		"taken back after it": func(h *hall, end time.Time) {
			h.tells(h.edits("Another one.", end.Add(-time.Hour)), end.Add(-time.Hour))
			h.tells(h.edits("As voted on.", end.Add(time.Second)), end.Add(time.Second))
			h.tells(h.edits("A third one.", end.Add(time.Second)), end.Add(time.Second))
			h.looks(end, 3*time.Second)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ofBoth(t, func(_ *testing.T, h *hall, end time.Time) {
				do(h, end)
				h.is(name, rfc.Voting, 2)
			})
		})
	}
}

// An event that was lost is waited for some minutes, and not by asking all the time; then
// the text counts as changed during the vote.
func TestAnEditOfWhichNoEventTellsIsWaitedFor(t *testing.T) {
	t.Parallel()
	ofBoth(t, func(t *testing.T, h *hall, end time.Time) {
		h.edits("Another one.", end.Add(time.Second))
		h.looks(end, 3*time.Second)
		h.is("at once", rfc.Voting, 1)
		looked := 0
		for passed := time.Duration(0); passed < 15*time.Minute; passed += time.Second {
			h.now = end.Add(3*time.Second + passed)
			n, _ := h.due()
			looked += n
			if passed == 9*time.Minute {
				h.is("after nine minutes", rfc.Voting, 1)
			}
			if _, round := h.loaded(); round.Number > 1 {
				break
			}
		}
		h.is("after that", rfc.Voting, 2)
		if looked > 10 {
			t.Errorf("the clock was looked at %d times", looked)
		}
	})
}

// A vote that fails does so at once, and a change that a steward called editorial stays so.
func TestAnEditAfterTheEndOfOtherVotes(t *testing.T) {
	t.Parallel()
	t.Run("one that fails", func(t *testing.T) {
		t.Parallel()
		storetest.Each(t, func(t *testing.T, s *store.Store) {
			h := newHall(t, s)
			end := h.votes("/vote reject", people...)
			h.edits("Another one.", end.Add(time.Second))
			h.looks(end, 3*time.Second)
			h.is("rejected, and changed since", rfc.Rejected, 1)
			h.isTrue("rejected, and changed since")
		})
	})
	t.Run("one whose text was changed editorially", func(t *testing.T) {
		t.Parallel()
		ofBoth(t, func(t *testing.T, h *hall, end time.Time) {
			h.tells(h.edits("As voted on, without a typo.", end.Add(-time.Hour)), end.Add(-time.Hour))
			vouched := h.issue
			editorial := h.unheard("maya", `/rfc editorial "a typo"`, end.Add(-time.Minute))
			h.tells(h.edits("Smuggled in.", end.Add(time.Second)), end.Add(time.Second))
			h.heard(editorial) // only now
			h.looks(end, 3*time.Second)
			h.acceptedAsVotedOn()
			_, round := h.loaded()
			if smuggled := rfc.EditOf(vouched, h.issue); round.Text != smuggled.From {
				t.Errorf("the steward vouched for %v, and accepted is %v", smuggled.From, round.Text)
			}
		})
	})
}

// The end may move once edits were heard from after it: they came before the new one.
func TestAnEditAfterAnEndThatMovesIsBeforeTheNextOne(t *testing.T) {
	t.Parallel()
	ofBoth(t, func(_ *testing.T, h *hall, end time.Time) {
		extend := h.unheard("maya", `/rfc extend 1d "holidays"`, end.Add(-time.Hour))
		h.tells(h.edits("Another one.", end.Add(time.Second)), end.Add(time.Second))
		h.heard(extend)
		h.tells(h.edits("A third one.", end.Add(25*time.Hour)), end.Add(25*time.Hour))
		h.looks(end, 25*time.Hour)
		h.is("changed before the end that counts", rfc.Voting, 2)
	})
}

// What tells nothing of the text that was voted on, or is none of GitHub's, is not kept.
func TestEditsThatTellNothing(t *testing.T) {
	t.Parallel()
	head := func(sha string) app.Issue { return app.Issue{Pull: &app.Pull{HeadSHA: sha}} }
	for name, edit := range map[string]*rfc.Edit{
		"of a pull request's title": rfc.EditOf(app.Issue{Title: "A", Pull: head("a1").Pull}, app.Issue{Title: "B", Pull: head("a1").Pull}),
		"without what was before":   rfc.EditOf(head(""), head("a1")),
		"without what is":           rfc.EditOf(head("a1"), head("")),
		"too long to be a commit":   rfc.EditOf(head(strings.Repeat("a", 1<<20)), head("a1")),
	} {
		if edit != nil {
			t.Errorf("%s: kept as %v", name, edit)
		}
	}
}
