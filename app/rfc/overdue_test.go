package rfc_test

import (
	"context"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
)

// unheard is a comment whose event has not come.
func (h *hall) unheard(login, text string, at time.Time) app.Comment {
	c := app.Comment{ID: int64(1001 + len(h.comments)), Author: human(login), Body: text, CreatedAt: at, UpdatedAt: at}
	h.comments = append(h.comments, c)
	return c
}

// heard brings a comment's event.
func (h *hall) heard(c app.Comment) {
	h.t.Helper()
	h.must(h.service.CommentWritten(h.t.Context(), rfc.CommentChange{Repo: hallRepo, Ref: hallIssue, Comment: c}))
}

// looks has the RFC's clock looked at, so long after an instant.
func (h *hall) looks(at time.Time, after time.Duration) {
	h.t.Helper()
	h.now = at.Add(after)
	h.must(h.service.Tick(h.t.Context(), hallIssue))
}

func (h *hall) loaded() (r *rfc.RFC, round *rfc.Round) {
	h.t.Helper()
	h.change(func(ctx context.Context, tx *store.Tx) (err error) {
		if r, err = tx.RFCByIssue(ctx, hallIssue); err != nil || r.Round == 0 {
			return err
		}
		round, err = tx.Round(ctx, r.ID, r.Round)
		return err
	})
	return r, round
}

// votes opens a vote, and gives its end.
func (h *hall) votes(choice string, voters ...string) (end time.Time) {
	h.t.Helper()
	h.refresh()
	h.say("maya", "/rfc vote")
	for _, who := range voters {
		h.say(who, choice)
	}
	_, round := h.loaded()
	return round.Planned
}

func (h *hall) is(what string, want rfc.State, rounds int) {
	h.t.Helper()
	if r, _ := h.loaded(); r.State != want || r.Round != rounds {
		h.t.Errorf("%s: the RFC is %s after %d rounds, want %s after %d", what, r.State, r.Round, want, rounds)
	}
}

func (h *hall) isTrue(what string) {
	h.t.Helper()
	for _, difference := range h.verify().Differences {
		h.t.Errorf("%s: %s", what, difference)
	}
}

// What is done after the end of a vote does not change its result, however late that
// comes, and what was done before it does.
func TestWhatIsDoneAfterTheEndOfAVoteWaitsForItsResult(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		vote string
		do   func(h *hall, end time.Time)
		want rfc.State
	}{
		"closed after the end":     {"approve", func(h *hall, end time.Time) { h.close(end.Add(time.Hour)) }, rfc.Accepted},
		"closed before the end":    {"approve", func(h *hall, end time.Time) { h.close(end.Add(-time.Hour)) }, rfc.Withdrawn},
		"withdrawn after the end":  {"reject", func(h *hall, end time.Time) { h.unheard("kim", "/rfc withdraw", end.Add(time.Hour)) }, rfc.Rejected},
		"withdrawn before the end": {"reject", func(h *hall, end time.Time) { h.unheard("kim", "/rfc withdraw", end.Add(-time.Hour)) }, rfc.Withdrawn},
		"restarted after the end":  {"approve", func(h *hall, end time.Time) { h.unheard("maya", `/rfc restart "again"`, end.Add(time.Hour)) }, rfc.Accepted},
		"unlabelled after the end": {"approve", func(h *hall, end time.Time) {
			h.now = end.Add(time.Second)
			h.issue.Labels = nil
			h.must(h.service.Refresh(h.t.Context(), hallRepo, 3, rfc.Cause{Actor: human("kim"), Event: "unlabeled", Label: "rfc", At: end.Add(time.Second)}))
			h.issue.Labels = []string{"rfc"}
		}, rfc.Accepted},
		"unlabelled after the end, unheard": {"approve", func(h *hall, end time.Time) {
			h.issue.Labels = nil
			h.events = []app.IssueEvent{{Event: "unlabeled", Label: "rfc", Actor: human("kim"), At: end.Add(time.Second)}}
		}, rfc.Accepted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				h := newHall(t, s)
				end := h.votes("/vote "+tc.vote, people...)
				tc.do(h, end)
				h.looks(end, 2*time.Hour)
				h.is(name, tc.want, 1)
				h.isTrue(name)
			})
		})
	}
}

func TestAChangeCalledEditorialAfterTheEndIsNot(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		h := newHall(t, s)
		end := h.votes("/vote approve", people...)
		h.issue.Body += " Changed."
		h.refresh()
		h.unheard("maya", `/rfc editorial "a typo"`, end.Add(time.Hour))
		h.looks(end, 2*time.Hour)
		h.is("called editorial after the end", rfc.Voting, 2)
	})
}

func (h *hall) close(at time.Time) {
	h.issue.Open, h.issue.ClosedBy, h.issue.ClosedAt = false, human("noor"), at
}

// A concern that is settled, raised or lapses once a round is decided is none of that
// round's, whenever that was said.
func TestWhatIsHeardAfterADecisionLeavesTheRoundAsItWas(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		h := newHall(t, s)
		h.config = "version: 1\n"
		end := h.votes("/vote approve", "maya", "kim", "noor")
		h.say("lee", `/vote request-changes "nobody measured what it costs"`)
		h.now = end.Add(-3 * 24 * time.Hour)
		h.say("kim", `/concern address 1 "there are figures now"`)
		// Of comments that were edited since, a reading does not take what they first said.
		resolved := h.unheard("lee", "/concern resolve 1", end.Add(-time.Hour))
		raised := h.unheard("noor", `/concern raise "nobody asked the users"`, end.Add(-time.Hour))
		for i := range h.comments[len(h.comments)-2:] {
			h.comments[len(h.comments)-1-i].UpdatedAt = end.Add(-50 * time.Minute)
		}
		h.looks(end, 3*time.Second)
		h.is("with an open concern", rfc.ChangesRequested, 1)
		h.config = "version: 1\nrfc: { concerns: { lapse: 1d } }\n"
		h.must(h.service.Community.PolicyPushed(t.Context(), hallRepo))
		h.say("kim", "/rfc open") // by these rules the concern lapsed before the end
		h.isTrue("a lapse by other rules")
		h.now = end.Add(20 * time.Minute)
		h.heard(raised)
		h.isTrue("a concern that was raised late")
		h.heard(resolved)
		h.isTrue("a concern that was resolved late")
	})
}

func TestAConcernResolvedBeforeADecisionAndHeardAfterItStaysOpenInTheRound(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		h := newHall(t, s)
		end := h.votes("/vote approve", "maya", "kim", "noor")
		h.say("lee", `/vote request-changes "nobody measured what it costs"`)
		resolved := h.unheard("lee", "/concern resolve 1", end.Add(-time.Hour))
		h.comments[len(h.comments)-1].UpdatedAt = end.Add(-50 * time.Minute)
		h.looks(end, 3*time.Second)
		h.now = end.Add(20 * time.Minute)
		h.heard(resolved)
		h.is("resolved in time, heard late", rfc.ChangesRequested, 1)
		h.isTrue("resolved in time, heard late")
	})
}

func TestAConcernResolvedBeforeADecisionIsResolvedInTheNextRoundOnly(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		h := newHall(t, s)
		end := h.votes("/vote approve", "maya", "kim", "noor")
		h.say("lee", `/concern raise "nobody measured what it costs at all"`)
		resolved := app.Comment{ID: 5001, Author: human("lee"), Body: "/concern resolve 1", CreatedAt: h.now.Add(time.Minute), UpdatedAt: h.now.Add(time.Minute)}
		h.looks(end, 3*time.Second)
		h.is("with an open concern", rfc.ChangesRequested, 1)
		h.say("kim", "/rfc open")
		h.say("maya", "/rfc vote")
		h.heard(resolved)
		h.isTrue("resolved before the first round's end, heard in the second")
		for _, who := range []string{"maya", "kim", "noor"} {
			h.say(who, "/vote approve")
		}
		_, round := h.loaded()
		h.looks(round.Planned, 3*time.Second)
		h.is("resolved in the second round", rfc.Accepted, 2)
		h.isTrue("resolved in the second round")
	})
}

// Two stewards overrule when the later of them says so, whoever is heard first.
func TestAConcernIsOverruledWhenTheLastOfThoseItTakesSaysSo(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		h := newHall(t, s)
		h.stewards = "noor"
		end := h.votes("/vote approve", "maya", "kim", "noor")
		h.say("lee", `/vote request-changes "nobody measured what it costs"`)
		h.unheard("maya", `/concern overrule 1 "answered"`, end.Add(-47*time.Hour))
		late := h.unheard("noor", `/concern overrule 1 "answered"`, end.Add(time.Second))
		h.now = end.Add(time.Second + time.Millisecond)
		h.heard(late)
		h.looks(end, 3*time.Second)
		h.is("the second word came after the end", rfc.ChangesRequested, 1)
	})
}

// Who is out of a round blocks nothing in it.
func TestAVoidedVoterRaisesNoConcern(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		h := newHall(t, s)
		end := h.votes("/vote approve", "maya", "kim", "noor")
		h.must(h.service.Void(t.Context(), rfc.Order{Ref: hallIssue, User: human("lee").ID, By: "held", At: h.now}))
		h.say("lee", `/vote request-changes "nobody measured what it costs"`)
		h.heard(h.unheard("lee", `/concern raise "and another one to be sure"`, h.now))
		h.looks(end, time.Minute)
		h.is("an objection by who is out", rfc.Accepted, 1)
	})
}

// An edit from before the decision, whose event comes after it, answers nothing that was
// asked for by it.
func TestAnEditFromBeforeTheDecisionDoesNotOpenAgain(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		h := newHall(t, s)
		end := h.votes("/vote approve", "maya", "kim", "noor")
		h.say("lee", `/vote request-changes "nobody measured what it costs"`)
		h.issue.Body += " Changed during the vote."
		h.looks(end, time.Minute)
		h.is("decided", rfc.ChangesRequested, 1)
		edited := func(at time.Time) {
			t.Helper()
			h.now = h.now.Add(time.Hour)
			h.must(h.service.Refresh(t.Context(), hallRepo, 3, rfc.Cause{Actor: human("kim"), Event: "edited", At: at}))
		}
		edited(end.Add(-time.Hour))
		h.is("an edit from before", rfc.ChangesRequested, 1)
		edited(end.Add(2 * time.Minute))
		h.is("an edit from after", rfc.Open, 1)
	})
}

// A vote that is held again because of its text is held by the rules and with the
// members as they are then.
func TestAVoteIsHeldAgainByTheRulesOfThen(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		h := newHall(t, s)
		h.config = "version: 1\n"
		end := h.votes("/vote approve", people...)
		h.issue.Body += " Changed."
		h.refresh()
		h.config = "version: 1\nrfc: { types: { capability_proposal: { voting: 3d } } }\n" // its push is lost
		h.looks(end, time.Minute)
		_, round := h.loaded()
		if round.Number != 2 || round.Period() != 3*24*time.Hour {
			t.Errorf("round %d takes %s, want round 2 and three days", round.Number, round.Period())
		}
	})
}

// due runs what the queue would run now of the RFC's clock and of commands set aside: it
// tells how often the clock was looked at, and how often commands were tried.
func (h *hall) due() (looked, tried int) {
	h.t.Helper()
	var changes []rfc.CommentChange
	h.change(func(ctx context.Context, tx *store.Tx) error {
		waiting, err := tx.Waiting(ctx, hallIssue.Lane(), rfc.CommentKind)
		if err != nil {
			return err
		}
		for _, kind := range []string{rfc.CommentKind, rfc.TickKind} {
			fired, err := tx.ExecContext(ctx, `DELETE FROM timers WHERE kind = $1 AND due_at <= $2`, kind, h.now.UnixMicro())
			if err != nil {
				return err
			}
			queued, err := tx.ExecContext(ctx, `DELETE FROM deliveries WHERE kind = $1`, kind)
			if err != nil {
				return err
			}
			n, _ := fired.RowsAffected()
			m, _ := queued.RowsAffected()
			if looked = int(n + m); kind == rfc.CommentKind {
				tried = looked
			}
		}
		for _, body := range waiting[:tried] { // there is one at most
			change, err := rfc.ReadCommentChange(body)
			if err != nil {
				return err
			}
			changes = append(changes, change)
		}
		return nil
	})
	for _, change := range changes {
		h.must(h.service.CommentWritten(h.t.Context(), change))
	}
	if looked = min(looked, 1); looked > 0 {
		h.must(h.service.Tick(h.t.Context(), hallIssue))
	}
	return looked, tried
}

// A command that was given in time, and of which GitHub does not say whether its author
// may give it, is waited for: patiently, and not for ever.
func TestTheResultWaitsForCommandsThatWereGivenInTime(t *testing.T) {
	t.Parallel()
	const speaks, never = 20 * time.Minute, 1000 * time.Hour
	for name, tc := range map[string]struct {
		after      time.Duration // GitHub answers again
		want       rfc.State
		wantRounds int
	}{
		"GitHub answers again": {speaks, rfc.Accepted, 1},
		"GitHub never does":    {never, rfc.Voting, 2}, // the change of the text was not called editorial
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				h := newHall(t, s)
				end := h.votes("/vote approve", people...)
				h.issue.Body += " A typo mended."
				h.refresh()
				h.silent = true
				h.now = end.Add(-time.Minute)
				h.heard(h.unheard("maya", `/rfc editorial "a typo"`, h.now))
				h.looks(end, 3*time.Second)
				h.is("while GitHub does not say who may", rfc.Voting, 1)
				looked, tried := 0, 0
				for passed := time.Duration(0); passed < 48*time.Hour; {
					step := time.Minute
					if passed < 10*time.Minute {
						step = time.Second
					}
					passed += step
					h.now = end.Add(3*time.Second + passed)
					h.silent = passed < tc.after
					a, b := h.due()
					looked, tried = looked+a, tried+b
					if _, round := h.loaded(); round.Closed() || round.Number > 1 {
						break
					}
				}
				h.is(name, tc.want, tc.wantRounds)
				if tried > 130 || looked > 1500 {
					t.Errorf("the clock was looked at %d times, and the command tried %d times", looked, tried)
				}
			})
		})
	}
}

// Whether a concern lapses follows from when its raiser spoke, not from when that was
// heard.
func TestALapseFollowsFromWhatWasSaidNotHeard(t *testing.T) {
	t.Parallel()
	const week = 7 * 24 * time.Hour
	// With an abstention of lee's the quorum is reached, with an objection it is not.
	for name, tc := range map[string]struct {
		do   func(h *hall, addressed, end time.Time)
		want rfc.State
	}{
		"a word in time that is heard after the lapse is due": {func(h *hall, addressed, _ time.Time) {
			word := h.unheard("lee", "I still see no figures.", addressed.Add(week-10*time.Minute))
			h.looks(addressed, week+3*time.Second)
			h.heard(word)
		}, rfc.Postponed},
		"a word in time, behind one of somebody else, at the end": {func(h *hall, addressed, _ time.Time) {
			h.unheard("noor", "A word.", addressed.Add(time.Hour))
			h.unheard("lee", "I still see no figures.", addressed.Add(6*24*time.Hour))
		}, rfc.Postponed},
		"a word too late that is heard first": {func(h *hall, addressed, _ time.Time) {
			word := h.unheard("lee", "Oh.", addressed.Add(week+time.Hour))
			h.now = addressed.Add(week + 2*time.Hour)
			h.heard(word)
		}, rfc.Accepted},
		"silence": {func(*hall, time.Time, time.Time) {}, rfc.Accepted},
		"a word too late, and one in time that is heard after it": {func(h *hall, addressed, _ time.Time) {
			h.unheard("lee", "I still see no figures.", addressed.Add(6*24*time.Hour))
			word := h.unheard("lee", "Oh.", addressed.Add(week+time.Hour))
			h.now = addressed.Add(week + 2*time.Hour)
			h.heard(word)
		}, rfc.Postponed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				h := newHall(t, s)
				h.issue.Labels = append(h.issue.Labels, "rfc-type/standard") // ten days
				end := h.votes("/vote approve", "maya", "kim", "noor")
				h.say("lee", `/vote request-changes "nobody measured what it costs"`)
				h.say("kim", `/concern address 1 "there are figures now"`)
				addressed := h.now
				tc.do(h, addressed, end)
				h.looks(end, time.Minute)
				h.is(name, tc.want, 1)
				h.isTrue(name)
			})
		})
	}
}
