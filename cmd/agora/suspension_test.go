package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app/ghsim"
)

// askedOf counts the App's requests but those about the App itself.
func askedOf(s *stage) (n int) {
	for _, r := range s.sim.Requests() {
		if r.By == "app" && !strings.HasPrefix(r.Route, "/app") {
			n += r.Count
		}
	}
	return n
}

// nothingParked checks that no entry was given up.
func nothingParked(t *testing.T, s *stage) {
	t.Helper()
	parked, err := s.agora.store.ListInbox(t.Context(), "parked", 10)
	must(t, err)
	for _, e := range parked {
		t.Errorf("parked in %s: %s %s", e.Lane, e.Kind, e.Error)
	}
}

func TestASuspendedInstallationIsLeftAloneAndResumes(t *testing.T) {
	t.Parallel()
	s, ctx := play(t, staging{})
	number, ballot := openVote(t, ctx, s)
	for _, who := range []string{"maya", "lee", "noor", "sam"} {
		react(t, s, who, ballot, "+1")
	}
	installation := s.sim.Deliveries()[0].InstallationID
	s.sim.SuspendInstallation(installation, true)
	settle(t, ctx, s)
	s.sim.ResetCounters()
	for range 22 {
		jump(t, ctx, s, time.Hour)
	}
	if n := askedOf(s); n > 0 {
		t.Errorf("%d requests to a suspended installation", n)
	}
	const days = 10 // past the deadline
	for range days * 6 {
		jump(t, ctx, s, 4*time.Hour)
	}
	// Now and then one look whether it still is, by whichever lanes come first.
	if n := askedOf(s); n > days*4*2 {
		t.Errorf("%d requests to a suspended installation in %d days", n, days)
	}
	nothingParked(t, s)
	s.sim.SuspendInstallation(installation, false)
	settle(t, ctx, s)
	jump(t, ctx, s, time.Minute)
	if labels := s.sim.Labels(rfcs, number); !slices.Contains(labels, "rfc/accepted") {
		t.Errorf("after it came back the issue wears %v", labels)
	}
}

func TestEffectsOnAnArchivedRepositoryWait(t *testing.T) {
	t.Parallel()
	s, ctx := play(t, staging{})
	number, ballot := openVote(t, ctx, s)
	for _, who := range []string{"maya", "lee", "noor", "sam"} {
		react(t, s, who, ballot, "+1")
	}
	jump(t, ctx, s, time.Hour)
	must(t, s.sim.As("maya").SetArchived(rfcs, true))
	settle(t, ctx, s)
	for range 30 {
		jump(t, ctx, s, 8*time.Hour) // past the deadline
	}
	nothingParked(t, s)
	if got := theRFC(t, ctx, s).State; got != "accepted" {
		t.Errorf("the RFC is %s", got)
	}
	refused := 0
	for _, r := range s.sim.Requests() {
		if r.Status == 403 {
			refused += r.Count
		}
	}
	if refused > 45 {
		t.Errorf("GitHub refused %d writes", refused)
	}
	must(t, s.sim.As("maya").SetArchived(rfcs, false))
	settle(t, ctx, s)
	if labels := s.sim.Labels(rfcs, number); !slices.Contains(labels, "rfc/accepted") {
		t.Errorf("after it was brought back the issue wears %v", labels)
	}
	var decisions []ghsim.Comment
	for _, c := range s.sim.Comments(rfcs, number) {
		if strings.Contains(c.Body, "<!-- agora:decision") {
			decisions = append(decisions, c)
		}
	}
	if len(decisions) != 1 {
		t.Errorf("%d decision comments", len(decisions))
	}
}
