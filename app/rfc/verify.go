package rfc

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/config"
)

// Verification is what Verify read and what it found.
type Verification struct {
	RFCs, Rounds, Decisions, Ballots int
	// Differences are the places where what is stored contradicts the trail or a
	// recount, those of one RFC together; none when all is as it was decided.
	Differences []Difference
}

// Difference is one such place.
type Difference struct {
	RFC   *RFC
	Round int // 0 for the RFC as a whole
	What  string
}

// String names the place and says what is wrong there, on one line.
func (d Difference) String() string {
	place := fmt.Sprintf("%s (%s)", d.RFC.Name(), d.RFC.URL)
	if d.Round > 0 {
		place += fmt.Sprintf(", round %d", d.Round)
	}
	return place + ": " + d.What
}

// Verify recounts every decision from what is stored, and compares states, rounds,
// electorates, ballots, rules and results with what the audit trail says of them.
// Each RFC is read in one consistent look, so it may run beside a working server.
// The trail itself, the chain of its hashes, is verified by the store.
func Verify(ctx context.Context, store Store) (Verification, error) {
	var found Verification
	var all []*RFC
	var known policies
	err := store.View(ctx, func(ctx context.Context, tx Tx) (err error) {
		if all, err = tx.RFCs(ctx, Filter{}); err != nil {
			return err
		}
		known, err = loadPolicies(ctx, tx, all)
		return err
	})
	if err != nil {
		return found, err
	}
	slices.SortFunc(all, func(a, b *RFC) int { return cmp.Compare(a.ID, b.ID) })
	for _, r := range all {
		var v verifier
		err := store.View(ctx, func(ctx context.Context, tx Tx) error {
			v = verifier{policies: known}
			return v.verify(ctx, tx, r.ID)
		})
		if err != nil {
			return found, fmt.Errorf("verifying %s (%s): %w", r.Name(), r.URL, err)
		}
		found.RFCs++
		found.Rounds += v.Rounds
		found.Decisions += v.Decisions
		found.Ballots += v.Ballots
		found.Differences = append(found.Differences, v.Differences...)
	}
	return found, nil
}

// policies are all policies there ever were, by version.
type policies map[string]config.Policy

// loadPolicies reads them from the trails of every community, because a repository
// may have moved from one to another.
func loadPolicies(ctx context.Context, tx Tx, all []*RFC) (policies, error) {
	installations, err := tx.Installations(ctx)
	if err != nil {
		return nil, err
	}
	accounts := map[int64]bool{}
	for _, installation := range installations {
		accounts[installation.Account.ID] = true
	}
	for _, r := range all {
		accounts[r.Community] = true
	}
	found := policies{}
	for account := range accounts {
		if err := found.load(ctx, tx, account); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (p policies) load(ctx context.Context, tx Tx, account int64) error {
	const atOnce = 1000
	for after := int64(0); ; {
		entries, err := tx.Audit(ctx, account, "", after, atOnce)
		if err != nil {
			return err
		}
		for _, e := range entries {
			after = e.Seq
			var policy config.Policy
			if e.Kind == "policy" && json.Unmarshal(e.Inputs, &policy) == nil {
				p[e.To] = policy
			}
		}
		if len(entries) < atOnce {
			return nil
		}
	}
}

// verifier verifies one RFC.
type verifier struct {
	Verification
	policies policies

	r      *RFC
	trail  []audit.Entry
	rounds []*Round
}

func (v *verifier) differs(round int, format string, args ...any) {
	v.Differences = append(v.Differences, Difference{RFC: v.r, Round: round, What: fmt.Sprintf(format, args...)})
}

func (v *verifier) verify(ctx context.Context, tx Tx, id int64) (err error) {
	if v.r, err = tx.RFC(ctx, id); err != nil {
		return err
	}
	if v.trail, err = tx.Audit(ctx, v.r.Community, v.r.Subject(), 0, 0); err != nil {
		return err
	}
	if v.rounds, err = tx.Rounds(ctx, id); err != nil {
		return err
	}
	v.states()
	opened := len(v.entries("round-opened", nil))
	for number := 1; number <= max(v.r.Round, len(v.rounds), opened); number++ {
		i := slices.IndexFunc(v.rounds, func(r *Round) bool { return r.Number == number })
		if i < 0 {
			v.differs(number, "the round is missing")
			continue
		}
		record, err := loadRecord(ctx, tx, v.r, v.rounds[i], v.rounds[i].ClosedAt)
		if err != nil {
			return err
		}
		v.round(record)
	}
	return nil
}

// states follows the moves of the trail to the state the RFC is in.
func (v *verifier) states() {
	state := unregistered
	for _, e := range v.trail {
		switch e.Kind {
		case "state":
			if State(e.From) != state {
				v.differs(0, "entry %d of the trail leaves the state %q, but it was %q", e.Seq, e.From, state)
			}
			state = State(e.To)
		case "numbered":
			if e.To != v.r.Name() {
				v.differs(0, "it was numbered %s by entry %d of the trail", e.To, e.Seq)
			}
		}
	}
	if state != v.r.State {
		v.differs(0, "it is %q, but by the trail it is %q", v.r.State, state)
	}
}

func (v *verifier) round(record Record) {
	v.Rounds++
	v.Ballots += len(record.Acts)
	v.opening(record)
	v.ballots(record)
	decisions := v.decisions(record.Round.Number)
	switch outcome := record.Round.Outcome; {
	case !record.Round.Closed(), outcome == OutcomeRestarted, outcome == OutcomeAbandoned:
		if len(decisions) > 0 {
			v.differs(record.Round.Number, "entry %d of the trail decides it, but it is not decided", decisions[0].seq)
		}
	case len(decisions) != 1:
		v.differs(record.Round.Number, "it is decided, and %d entries of the trail say so", len(decisions))
	default:
		v.Decisions++
		v.decision(record, decisions[0])
	}
}

// opening compares the frozen electorate and rules with the entry that froze them.
func (v *verifier) opening(record Record) {
	round := record.Round
	var opening struct {
		Deadline        time.Time
		Heads, Eligible int
		Weight          int64
		Type            config.Type
		Electorate      string
	}
	entries := v.entries("round-opened", func(e audit.Entry) bool { return e.To == fmt.Sprint(round.Number) })
	if len(entries) != 1 {
		v.differs(round.Number, "%d entries of the trail open it", len(entries))
		return
	}
	entry := entries[0]
	if err := json.Unmarshal(entry.Inputs, &opening); err != nil {
		v.differs(round.Number, "entry %d of the trail, which opens it, cannot be read", entry.Seq)
		return
	}
	if digestVoters(record.Voters) != opening.Electorate {
		v.differs(round.Number, "its electorate is not the one that was frozen (entry %d of the trail)", entry.Seq)
	}
	heads, weight := 0, int64(0)
	for _, voter := range record.Voters {
		if voter.Weight != int64(community.Weight(voter.Reputation)) {
			v.differs(round.Number, "voter %d weighs %s with a reputation of %d", voter.ID, FormatWeight(voter.Weight), voter.Reputation)
		}
		if voter.Regular {
			heads++
			weight += voter.Weight
		}
	}
	for _, frozen := range []struct {
		what             string
		is, was, counted any
	}{
		{"N", round.Heads, opening.Heads, heads},
		{"W", round.Weight, opening.Weight, weight},
		{"the size of the electorate", round.Eligible, opening.Eligible, len(record.Voters)},
		{"the type", round.Type, opening.Type, opening.Type},
		{"the planned deadline", round.Planned.UTC(), opening.Deadline.UTC(), opening.Deadline.UTC()},
		{"the version of the rules", round.PolicyVersion, entry.PolicyVersion, entry.PolicyVersion},
	} {
		if frozen.is != frozen.was || frozen.is != frozen.counted {
			v.differs(round.Number, "%s is %v, but was frozen as %v and counts %v (entry %d of the trail)",
				frozen.what, frozen.is, frozen.was, frozen.counted, entry.Seq)
		}
	}
	if policy, known := v.policies[round.PolicyVersion]; !known {
		v.differs(round.Number, "the trail has no rules of version %s", round.PolicyVersion)
	} else if !sameJSON(policy, round.Policy) {
		v.differs(round.Number, "its rules are not those of version %s", round.PolicyVersion)
	}
}

// ballots compares the acts of voting with the trail, both ways.
func (v *verifier) ballots(record Record) {
	number := record.Round.Number
	stored := map[string]int{}
	for _, a := range record.Acts {
		stored[nameAct(a.Voter.ID, a.Choice, a.Channel, a.Source, a.Concern, a.At)]++
	}
	for _, e := range v.entries("ballot", nil) {
		var act struct {
			Round, Concern int
			Source         int64
			At             time.Time
		}
		if err := json.Unmarshal(e.Inputs, &act); err != nil {
			v.differs(number, "entry %d of the trail, a ballot, cannot be read", e.Seq)
		} else if act.Round == number {
			stored[nameAct(e.Actor, Choice(e.To), Channel(e.Reason), act.Source, act.Concern, act.At)]--
		}
	}
	for _, name := range slices.Sorted(maps.Keys(stored)) {
		switch n := stored[name]; {
		case n > 0:
			v.differs(number, "the trail does not know of %s", name)
		case n < 0:
			v.differs(number, "by the trail there was %s", name)
		}
	}
}

func nameAct(voter int64, choice Choice, channel Channel, source int64, concern int, at time.Time) string {
	name := fmt.Sprintf("a ballot of %d by %s %d at %s: %s", voter, channel, source,
		at.UTC().Truncate(time.Microsecond).Format("2006-01-02T15:04:05.999999Z"), choice)
	if concern > 0 {
		name += fmt.Sprintf(", with concern %d", concern)
	}
	return name
}

// decision is an entry of the trail that ends a round by its ballots.
type decision struct {
	seq int64
	to  State

	Round        int       `json:"round"`
	Outcome      Outcome   `json:"outcome"`
	Deadline     time.Time `json:"deadline"`
	Tally        Tally     `json:"tally"`
	Verdict      Verdict   `json:"verdict"`
	Ballots      string    `json:"ballots"`
	ConcernsOpen int       `json:"concerns_open"`
	Text         Text      `json:"text"`
}

// decisions are those of one round.
func (v *verifier) decisions(round int) (list []decision) {
	for _, e := range v.entries("state", func(e audit.Entry) bool { return len(e.Inputs) > 0 }) {
		d := decision{seq: e.Seq, to: State(e.To)}
		if err := json.Unmarshal(e.Inputs, &d); err == nil && d.Round == round {
			list = append(list, d)
		}
	}
	return list
}

// decision recounts a round and compares.
func (v *verifier) decision(record Record, d decision) {
	round, result := record.Round, Recount(record)
	for _, c := range []struct {
		what               string
		recounted, decided any
	}{
		{"the tally", result.Tally, d.Tally},
		{"the deadline", result.Deadline.UTC(), d.Deadline.UTC()},
		{"the open concerns", result.OpenConcerns, d.ConcernsOpen},
		{"the verdict", result.Verdict.Outcome, d.Verdict.Outcome},
		{"the text voted on", round.Text, d.Text},
		{"the outcome", round.Outcome, d.Outcome},
		{"the final deadline", round.FinalDeadline.UTC(), d.Deadline.UTC()},
		{"the state it led to", State(d.Outcome), d.to},
	} {
		if c.recounted != c.decided {
			v.differs(round.Number, "%s is %v, but was %v when it was decided (entry %d of the trail)", c.what, c.recounted, c.decided, d.seq)
		}
	}
	if digestActs(result.Ballots) != d.Ballots {
		v.differs(round.Number, "its ballots are not those it was decided by (entry %d of the trail)", d.seq)
	}
	if !follows(round, result.Verdict.Outcome, d.Outcome) {
		v.differs(round.Number, "its ballots amount to %q, which cannot have been decided as %q (entry %d of the trail)", result.Verdict.Outcome, d.Outcome, d.seq)
	}
}

// follows reports whether a verdict may have been decided so: as it is, or
// postponed for want of confirmations, or sent back because the text changed
// (RULES §2 "Tally" 4, "Text").
func follows(round *Round, verdict, outcome Outcome) bool {
	switch outcome {
	case verdict:
		return true
	case OutcomePostponed:
		confirmed := round.ConfirmNeed > 0 && len(round.Confirmations) >= round.ConfirmNeed
		return (verdict == OutcomeAccepted || verdict == OutcomeRejected) && !round.ConfirmBy.IsZero() && !confirmed
	case OutcomeChangesRequested:
		return verdict == OutcomeAccepted && !round.TextChangedAt.IsZero()
	}
	return false
}

func (v *verifier) entries(kind string, also func(audit.Entry) bool) (list []audit.Entry) {
	for _, e := range v.trail {
		if e.Kind == kind && (also == nil || also(e)) {
			list = append(list, e)
		}
	}
	return list
}

// sameJSON compares what is kept as JSON, whatever a newer program adds to it.
func sameJSON(a, b any) bool {
	var trees [2]any
	for i, value := range []any{a, b} {
		if err := json.Unmarshal(audit.Inputs(value), &trees[i]); err != nil {
			return false
		}
	}
	return reflect.DeepEqual(trees[0], trees[1])
}
