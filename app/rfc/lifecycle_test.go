package rfc

import (
	"testing"

	"github.com/agora-rfc/agora/app"
)

// theTable is RULES §2 "States" once more, written out row by row.
var theTable = []struct {
	from State
	by   Trigger
	to   State
}{
	// – → draft: the label on a draft pull request or a form that says draft; the command
	{"", TriggerLabelledDraft, Draft},
	{"", TriggerDraftCommand, Draft},
	// –, draft → open: the label on an issue or a ready pull request; the command; marked ready
	{"", TriggerLabelled, Open},
	{"", TriggerOpenCommand, Open},
	{Draft, TriggerLabelled, Open},
	{Draft, TriggerOpenCommand, Open},
	{Draft, TriggerReady, Open},
	// open → voting
	{Open, TriggerDiscussionOver, Voting},
	{Open, TriggerVoteCommand, Voting},
	// voting → the four decisions
	{Voting, TriggerDeadline, Accepted},
	{Voting, TriggerDeadline, Rejected},
	{Voting, TriggerDeadline, Postponed},
	{Voting, TriggerDeadline, ChangesRequested},
	// changes-requested → open
	{ChangesRequested, TriggerTextChanged, Open},
	{ChangesRequested, TriggerOpenCommand, Open},
	// postponed → voting; while it waits a steward may withdraw it
	{Postponed, TriggerRetry, Voting},
	{Postponed, TriggerWithdrawn, Withdrawn},
	// accepted → implemented; accepted, implemented → superseded
	{Accepted, TriggerImplemented, Implemented},
	{Accepted, TriggerSuperseded, Superseded},
	{Implemented, TriggerSuperseded, Superseded},
	// draft, open, voting → withdrawn: the command; closed or merged; the label taken away; gone from GitHub
	{Draft, TriggerWithdrawn, Withdrawn},
	{Open, TriggerWithdrawn, Withdrawn},
	{Voting, TriggerWithdrawn, Withdrawn},
	{Draft, TriggerClosed, Withdrawn},
	{Open, TriggerClosed, Withdrawn},
	{Voting, TriggerClosed, Withdrawn},
	{Draft, TriggerUnlabelled, Withdrawn},
	{Open, TriggerUnlabelled, Withdrawn},
	{Voting, TriggerUnlabelled, Withdrawn},
	{Draft, TriggerDeleted, Withdrawn},
	{Open, TriggerDeleted, Withdrawn},
	{Voting, TriggerDeleted, Withdrawn},
	{Draft, TriggerMoved, Withdrawn},
	{Open, TriggerMoved, Withdrawn},
	{Voting, TriggerMoved, Withdrawn},
	// rejected, postponed, withdrawn → draft
	{Rejected, TriggerReopenCommand, Draft},
	{Postponed, TriggerReopenCommand, Draft},
	{Withdrawn, TriggerReopenCommand, Draft},
	{Rejected, TriggerReopened, Draft},
	{Postponed, TriggerReopened, Draft},
	{Withdrawn, TriggerReopened, Draft},
}

var everyTrigger = []Trigger{
	TriggerLabelledDraft, TriggerLabelled, TriggerDraftCommand, TriggerOpenCommand, TriggerReady, TriggerDiscussionOver,
	TriggerVoteCommand, TriggerDeadline, TriggerTextChanged, TriggerRetry, TriggerImplemented, TriggerSuperseded,
	TriggerWithdrawn, TriggerClosed, TriggerUnlabelled, TriggerReopenCommand, TriggerReopened, TriggerDeleted, TriggerMoved,
}

func TestEveryMoveOfTheTableIsAllowed(t *testing.T) {
	t.Parallel()
	for _, m := range theTable {
		name := string(m.from)
		if name == "" {
			name = "unregistered"
		}
		t.Run(name+" to "+string(m.to)+" by "+string(m.by), func(t *testing.T) {
			t.Parallel()
			r := &RFC{Number: 7, State: m.from}
			if err := r.moveTo(m.to, m.by); err != nil {
				t.Fatal(err)
			}
			if r.State != m.to {
				t.Errorf("the RFC is %s", r.State)
			}
		})
	}
}

func TestEveryOtherMoveIsRefused(t *testing.T) {
	t.Parallel()
	table := map[move]bool{}
	for _, m := range theTable {
		table[move{m.from, m.by, m.to}] = true
	}
	states := append([]State{""}, States...)
	tried := 0
	for _, from := range states {
		for _, by := range everyTrigger {
			for _, to := range states {
				tried++
				if got := Allowed(from, by, to); got != table[move{from, by, to}] {
					t.Errorf("%q to %q by %q: allowed %v", from, to, by, got)
				}
				if table[move{from, by, to}] {
					continue
				}
				r := &RFC{Number: 7, State: from}
				if err := r.moveTo(to, by); app.CodeOf(err) != app.CodeConflict || r.State != from {
					t.Errorf("%q to %q by %q: error %v, the RFC is %q", from, to, by, err, r.State)
				}
			}
		}
	}
	if want := 11 * 19 * 11; tried != want {
		t.Errorf("%d combinations tried, want %d", tried, want)
	}
	for m := range lifecycle {
		if !table[m] {
			t.Errorf("the code knows a move that the rules do not: %+v", m)
		}
	}
}

func TestARefusedMoveSaysWhy(t *testing.T) {
	t.Parallel()
	for by, want := range map[move]string{
		{Accepted, TriggerVoteCommand, Voting}:      "RFC-7 is accepted; only an RFC that is open can become voting",
		{Voting, TriggerOpenCommand, Open}:          "RFC-7 is voting; only an RFC that is draft or changes-requested can become open",
		{Accepted, TriggerWithdrawn, Withdrawn}:     "RFC-7 is accepted; only an RFC that is draft, open, voting or postponed can become withdrawn",
		{Open, TriggerImplemented, Implemented}:     "RFC-7 is open; only an RFC that is accepted can become implemented",
		{Superseded, TriggerSuperseded, Superseded}: "RFC-7 is superseded; only an RFC that is accepted or implemented can become superseded",
	} {
		r := &RFC{Number: 7, State: by.from}
		if err := r.moveTo(by.to, by.by); err == nil || err.Error() != want {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
