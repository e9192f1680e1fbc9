package rfc_test

import (
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/config"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
)

// Each rule of the electorate, and its very edge.
func TestWhoMayVoteAndWhoCounts(t *testing.T) {
	t.Parallel()
	const days = 24 * time.Hour
	opens := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	before := func(d time.Duration) time.Time { return opens.Add(-d) }
	const nobody, voter, regular = "nobody", "a voter", "a regular"
	for name, tc := range map[string]struct {
		change func(m *community.Member)
		rules  func(e *config.Electorate)
		want   string
	}{
		"joined by taking part, long enough ago":  {want: voter},
		"joined by command":                       {change: func(m *community.Member) { m.JoinedBy = community.JoinedByCommand }, want: regular},
		"a member for a second less than 7 days":  {change: func(m *community.Member) { m.JoinedAt = before(7*days - time.Second) }, want: nobody},
		"of the first members, a moment ago":      {change: func(m *community.Member) { m.JoinedAt, m.Genesis = before(time.Second), true }, want: regular},
		"an account of exactly 30 days":           {change: func(m *community.Member) { m.AccountCreatedAt = before(30 * days) }, want: voter},
		"an account a second younger":             {change: func(m *community.Member) { m.AccountCreatedAt = before(30*days - time.Second) }, want: nobody},
		"a young account of the first members":    {change: func(m *community.Member) { m.AccountCreatedAt, m.Genesis = before(days), true }, want: nobody},
		"an account whose age is not known":       {change: func(m *community.Member) { m.AccountCreatedAt = time.Time{} }, want: nobody},
		"such an account where none is too young": {change: func(m *community.Member) { m.AccountCreatedAt = time.Time{} }, rules: func(e *config.Electorate) { e.MinAccountAge = 0 }, want: voter},
		"a ballot exactly 365 days ago":           {change: func(m *community.Member) { m.LastBallotAt = before(365 * days) }, want: regular},
		"a ballot a second earlier":               {change: func(m *community.Member) { m.LastBallotAt = before(365*days + time.Second) }, want: voter},
		"held":                                    {change: func(m *community.Member) { m.HeldAt = before(days) }, want: nobody},
		"blocked":                                 {change: func(m *community.Member) { m.Blocked = true }, want: nobody},
		"left":                                    {change: func(m *community.Member) { m.LeftAt = before(days) }, want: nobody},
		"as much reputation as the rules ask for": {rules: func(e *config.Electorate) { e.MinReputation = 12 }, want: voter},
		"less reputation than that":               {rules: func(e *config.Electorate) { e.MinReputation = 13 }, want: nobody},
	} {
		m := community.Member{JoinedBy: community.JoinedByTaking, JoinedAt: before(7 * days), AccountCreatedAt: before(90 * days)}
		rules := config.DefaultPolicy().Electorate
		if tc.change != nil {
			tc.change(&m)
		}
		if tc.rules != nil {
			tc.rules(&rules)
		}
		got := nobody
		switch may, counts := rfc.Eligible(m, 12, rules, opens); {
		case may && counts:
			got = regular
		case may:
			got = voter
		case counts:
			got = "counted without a vote"
		}
		if got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

// Who cast a ballot is a regular, also where that round was not decided.
func TestWhoCastABallotIsARegularOfTheNextRound(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		h := newHall(t, s)
		h.refresh()
		zoe := app.User{ID: 900, Login: "zoe", CreatedAt: hallRepo.CreatedAt}
		h.heard(app.Comment{ID: 5000, Author: zoe, Body: "A word.", CreatedAt: h.now, UpdatedAt: h.now})
		h.now = h.now.Add(8 * 24 * time.Hour)
		h.say("maya", "/rfc vote")
		_, first := h.loaded()
		h.now = h.now.Add(time.Minute)
		h.heard(app.Comment{ID: 5001, Author: zoe, Body: "/vote approve", CreatedAt: h.now, UpdatedAt: h.now})
		h.say("maya", `/rfc restart "again"`)
		if _, second := h.loaded(); first.Heads != 4 || first.Eligible != 5 || second.Heads != 5 {
			t.Errorf("of %d who may vote %d count, and then %d; want 5, 4 and 5", first.Eligible, first.Heads, second.Heads)
		}
	})
}
