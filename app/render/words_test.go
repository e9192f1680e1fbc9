package render_test

import (
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/render"
	"github.com/agora-rfc/agora/app/rfc"
)

func TestARejectionShowsTheQuorumItTurnedOn(t *testing.T) {
	t.Parallel()
	r := render.New()
	v := newStory().vote().cast(rfc.Approve, 1, 5).cast(rfc.Reject, 6, 14).decide().shown()
	const want = "**Quorum to reject** 14 of 12 voters ✅ · 46.52 of 30.10 weight ✅"
	for name, body := range map[string]string{
		"sticky": r.Sticky(v), "decision": r.Decision(v, v.Round, v.Result), "ballot": r.Ballot(v, v.Round, v.Result),
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the %s lacks %q:\n%s", name, want, body)
		}
	}
	v = newStory().vote().cast(rfc.Approve, 1, 12).decide().shown()
	if body := r.Ballot(v, v.Round, v.Result); !strings.Contains(body, "**Quorum** 12 of 12 voters ✅") {
		t.Errorf("the ballot of an accepted RFC lacks its quorum:\n%s", body)
	}
}

func TestADeadlineThatMovedIsSaidAfterTheDecisionToo(t *testing.T) {
	t.Parallel()
	r := render.New()
	s := newStory().vote().cast(rfc.Approve, 1, 12)
	round := s.record.Round
	last := &s.record.Acts[len(s.record.Acts)-1] // the one that reaches the quorum
	last.At = round.Planned.Add(-time.Hour)
	v := s.decide().shown()
	const want = "Voting was extended from 2026-10-12 18:00 UTC to **2026-10-14 17:00 UTC**: the outcome changed late."
	for name, body := range map[string]string{
		"sticky": r.Sticky(v), "decision": r.Decision(v, v.Round, v.Result), "ballot": r.Ballot(v, v.Round, v.Result),
	} {
		if strings.Count(body, want) != 1 {
			t.Errorf("the %s does not say %q once:\n%s", name, want, body)
		}
	}
	round.Outcome = rfc.OutcomeAbandoned
	if body := r.Ballot(v, round, v.Result); strings.Contains(body, "extended") {
		t.Errorf("a round without a decision has no deadline to speak of:\n%s", body)
	}
}

func TestAnOverruledConcernShowsTheReasonsOfTheStewards(t *testing.T) {
	t.Parallel()
	s := newStory().concern("Nobody has measured it.", "")
	c := &s.rfc.Concerns[0]
	c.State, c.Marked = rfc.ConcernOverruled, rfc.MarkFrivolous
	c.Overrules = []rfc.Overrule{{By: app.User{Login: "noor"}, Why: "measured in <b>March</b>"}, {By: app.User{Login: "lee"}, Why: "see section 4"}}
	body := render.New().Sticky(s.shown())
	for _, want := range []string{"overruled, frivolous", " — overruled by noor: measured in ", " — overruled by lee: see section 4\n"} {
		if !strings.Contains(body, want) {
			t.Errorf("lacks %q:\n%s", want, body)
		}
	}
	if strings.Contains(body, "<b>") {
		t.Error("a reason came alive")
	}
}

func TestTheCheckOfADraftWithoutANumber(t *testing.T) {
	t.Parallel()
	s := newStory().state(rfc.Draft, "")
	s.rfc.Number = 0
	title, summary := render.New().Check(s.shown())
	if title != "This draft RFC is not open yet" || !strings.HasPrefix(summary, "**Weighted quorum**: draft.\n\nIts author opens it for comment with `/rfc open`.\n") {
		t.Errorf("%q, %q", title, summary)
	}
}
