package rfc

import (
	"strings"

	"github.com/agora-rfc/agora/app"
)

// Trigger is what moves an RFC from one state to another (RULES §2 "States").
type Trigger string

// The triggers of the lifecycle table.
const (
	TriggerLabelledDraft  Trigger = "labelled as a draft"
	TriggerLabelled       Trigger = "labelled"
	TriggerDraftCommand   Trigger = "/rfc draft"
	TriggerOpenCommand    Trigger = "/rfc open"
	TriggerReady          Trigger = "marked ready"
	TriggerDiscussionOver Trigger = "the discussion period is over"
	TriggerVoteCommand    Trigger = "/rfc vote"
	TriggerDeadline       Trigger = "the deadline"
	TriggerTextChanged    Trigger = "the author changed the text"
	TriggerRetry          Trigger = "the second vote after a postponement"
	TriggerImplemented    Trigger = "implemented"
	TriggerSuperseded     Trigger = "superseded"
	TriggerWithdrawn      Trigger = "/rfc withdraw"
	TriggerClosed         Trigger = "closed before a decision"
	TriggerUnlabelled     Trigger = "the label was taken away"
	TriggerReopenCommand  Trigger = "/rfc reopen"
	TriggerReopened       Trigger = "reopened by a steward"
	TriggerDeleted        Trigger = "deleted, or moved out of the community"
	TriggerMoved          Trigger = "its repository moved to another account"
)

// unregistered is the state before an RFC exists.
const unregistered State = ""

type move struct {
	from State
	by   Trigger
	to   State
}

// lifecycle is the whole table of RULES §2: only it moves an RFC. A draft is
// registered first and opens in the same breath when the label says so.
var lifecycle = func() map[move]bool {
	table := map[move]bool{}
	add := func(to State, by Trigger, from ...State) {
		for _, f := range from {
			table[move{f, by, to}] = true
		}
	}
	add(Draft, TriggerLabelledDraft, unregistered)
	add(Draft, TriggerDraftCommand, unregistered)
	add(Open, TriggerLabelled, unregistered, Draft)
	add(Open, TriggerOpenCommand, unregistered, Draft, ChangesRequested)
	add(Open, TriggerReady, Draft)
	add(Open, TriggerTextChanged, ChangesRequested)
	add(Voting, TriggerDiscussionOver, Open)
	add(Voting, TriggerVoteCommand, Open)
	add(Voting, TriggerRetry, Postponed)
	for _, decided := range []State{Accepted, Rejected, Postponed, ChangesRequested} {
		add(decided, TriggerDeadline, Voting)
	}
	add(Implemented, TriggerImplemented, Accepted)
	add(Superseded, TriggerSuperseded, Accepted, Implemented)
	for _, by := range []Trigger{TriggerWithdrawn, TriggerClosed, TriggerUnlabelled, TriggerDeleted, TriggerMoved} {
		add(Withdrawn, by, Draft, Open, Voting)
	}
	// A postponed RFC that waits for its second vote may be withdrawn by a steward.
	add(Withdrawn, TriggerWithdrawn, Postponed)
	add(Draft, TriggerReopenCommand, Rejected, Postponed, Withdrawn)
	add(Draft, TriggerReopened, Rejected, Postponed, Withdrawn)
	return table
}()

// Allowed reports whether the lifecycle table has the move.
func Allowed(from State, by Trigger, to State) bool { return lifecycle[move{from, by, to}] }

// mayMove refuses a move that the table does not have; the error reaches people, and
// says which states have it.
func (r *RFC) mayMove(to State, by Trigger) error {
	if Allowed(r.State, by, to) {
		return nil
	}
	var from []string
	for _, s := range States {
		if Allowed(s, by, to) {
			from = append(from, string(s))
		}
	}
	return app.Errorf(app.CodeConflict, "%s is %s; only an RFC that is %s can become %s", r.Name(), r.State, anyOf(from), to)
}

// anyOf joins words for people: "a, b or c".
func anyOf(words []string) string {
	if last := len(words) - 1; last > 0 {
		return strings.Join(words[:last], ", ") + " or " + words[last]
	}
	return strings.Join(words, "")
}

// moveTo changes the state when the table allows it.
func (r *RFC) moveTo(to State, by Trigger) error {
	if err := r.mayMove(to, by); err != nil {
		return err
	}
	r.State = to
	return nil
}
