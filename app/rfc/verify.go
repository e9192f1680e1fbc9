package rfc

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/config"
)

// Dossier is one RFC with everything its decisions follow from.
type Dossier struct {
	RFC    *RFC
	Rounds []Record // oldest first
}

// Dossiers is where a Dossier is read from.
type Dossiers interface {
	RFC(ctx context.Context, id int64) (*RFC, error)
	Rounds(ctx context.Context, rfc int64) ([]*Round, error)
	Electorate(ctx context.Context, rfc int64, round int) ([]Voter, error)
	Acts(ctx context.Context, rfc int64, round int) ([]Act, error)
}

// LoadDossier reads the dossier of one RFC by its id in the store.
func LoadDossier(ctx context.Context, tx Dossiers, id int64) (d Dossier, err error) {
	if d.RFC, err = tx.RFC(ctx, id); err != nil {
		return d, err
	}
	rounds, err := tx.Rounds(ctx, id)
	if err != nil {
		return d, err
	}
	for _, round := range rounds {
		record, err := loadRecord(ctx, tx, d.RFC, round, round.ClosedAt)
		if err != nil {
			return d, err
		}
		d.Rounds = append(d.Rounds, record)
	}
	return d, nil
}

// Verification is how much Verify recounted and what it found.
type Verification struct {
	Rounds, Decisions, Ballots int
	// Differences are the places where what is stored contradicts the trail or a
	// recount; none when all is as it was decided.
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

// Verify recounts every decision on one RFC, and compares its state, rounds,
// electorates, ballots, rules and results with what its audit trail, in the order
// of the chain, says of them. The trail itself is verified by audit.Chain.
func Verify(d Dossier, trail []audit.Entry, policies Policies) Verification {
	v := verifier{policies: policies, r: d.RFC, trail: trail, rounds: d.Rounds}
	v.verify()
	return v.Verification
}

// verifier verifies one RFC.
type verifier struct {
	Verification
	policies Policies

	r      *RFC
	trail  []audit.Entry
	rounds []Record
}

func (v *verifier) differs(round int, format string, args ...any) {
	v.Differences = append(v.Differences, Difference{RFC: v.r, Round: round, What: fmt.Sprintf(format, args...)})
}

func (v *verifier) verify() {
	v.states()
	v.bound()
	known := max(len(v.rounds), len(v.entries("round-opened", nil)))
	for number := 1; number <= known; number++ {
		i := slices.IndexFunc(v.rounds, func(r Record) bool { return r.Round.Number == number })
		if i < 0 {
			v.differs(number, "the round is missing")
			continue
		}
		v.round(v.rounds[i])
	}
	if v.r.Round > known {
		v.differs(v.r.Round, "the round is missing")
	}
}

// states follows the moves of the trail to the state the RFC is in.
func (v *verifier) states() {
	state := unregistered
	for _, e := range v.trail {
		switch e.Kind {
		case "state":
			if State(e.From) != state {
				v.differs(0, "%s of the trail leaves the state %q, but it was %q", e.Name(), e.From, state)
			}
			state = State(e.To)
		case "numbered":
			if e.To != v.r.Name() {
				v.differs(0, "it was numbered %s by %s of the trail", e.To, e.Name())
			}
		}
	}
	if state != v.r.State {
		v.differs(0, "it is %q, but by the trail it is %q", v.r.State, state)
	}
}

// bound compares the text that the acceptance holds for with the one that was voted on, or
// that a steward vouched for since (RULES §2 "Text"). A pull request's is its head commit.
func (v *verifier) bound() {
	if !v.r.accepted() {
		return
	}
	var text, entry string
	for _, e := range v.trail {
		var d decision
		switch {
		case e.Kind == "state" && State(e.To) == Accepted && json.Unmarshal(e.Inputs, &d) == nil:
			text, entry = d.Text.Hash, e.Name()
		case e.Kind == "editorial" && text != "":
			text, entry = e.To, e.Name()
		}
	}
	for _, is := range []string{v.r.Bound.Hash, cmp.Or(v.r.Bound.Head, text)} {
		if text != "" && is != text {
			v.differs(0, "it is accepted for the text %q, but by %s of the trail for %q", is, entry, text)
			return
		}
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
			v.differs(record.Round.Number, "%s of the trail decides it, but it is not decided", decisions[0].entry)
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
		v.differs(round.Number, "%s of the trail, which opens it, cannot be read", entry.Name())
		return
	}
	if digestVoters(record.Voters) != opening.Electorate {
		v.differs(round.Number, "its electorate is not the one that was frozen (%s of the trail)", entry.Name())
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
		{"W", FormatWeight(round.Weight), FormatWeight(opening.Weight), FormatWeight(weight)},
		{"the size of the electorate", round.Eligible, opening.Eligible, len(record.Voters)},
		{"the type", round.Type, opening.Type, opening.Type},
		{"the planned deadline", round.Planned.UTC(), opening.Deadline.UTC(), opening.Deadline.UTC()},
		{"the version of the rules", round.PolicyVersion, entry.PolicyVersion, entry.PolicyVersion},
	} {
		if frozen.is != frozen.was || frozen.is != frozen.counted {
			v.differs(round.Number, "%s is %s, but was frozen as %s and counts %s (%s of the trail)",
				frozen.what, inWords(frozen.is), inWords(frozen.was), inWords(frozen.counted), entry.Name())
		}
	}
	if what := v.policies.Verify(round.Policy, round.PolicyVersion); what != "" {
		v.differs(round.Number, "%s", what)
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
			v.differs(number, "%s of the trail, a ballot, cannot be read", e.Name())
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
	entry string // its name
	to    State

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
		d := decision{entry: e.Name(), to: State(e.To)}
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
			v.differs(round.Number, "%s is %s, but was %s when it was decided (%s of the trail)", c.what, inWords(c.recounted), inWords(c.decided), d.entry)
		}
	}
	if digestActs(result.Ballots) != d.Ballots {
		v.differs(round.Number, "its ballots are not those it was decided by (%s of the trail)", d.entry)
	}
	if !follows(round, result.Verdict.Outcome, d.Outcome) {
		v.differs(round.Number, "its ballots amount to %q, which cannot have been decided as %q (%s of the trail)", result.Verdict.Outcome, d.Outcome, d.entry)
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

// inWords writes what is compared as people read it, exactly.
func inWords(value any) string {
	switch x := value.(type) {
	case time.Time:
		return x.Format("2006-01-02 15:04:05.999999999 UTC")
	case Text:
		if x.Head != "" {
			return fmt.Sprintf("hash %q at commit %q", x.Hash, x.Head)
		}
		return fmt.Sprintf("hash %q", x.Hash)
	case Tally:
		count := func(c Count) string { return FormatWeight(c.Weight) + " by " + Plural(c.Voters, "voter") }
		return fmt.Sprintf("approve %s, reject %s, request changes %s, abstain %s, with %s by others than the author and %s",
			count(x.Approve), count(x.Reject), count(x.RequestChanges), count(x.Abstain),
			Plural(x.Supporters, "approval"), Plural(x.Advisory, "advisory vote"))
	}
	return fmt.Sprint(value)
}

func (v *verifier) entries(kind string, also func(audit.Entry) bool) (list []audit.Entry) {
	for _, e := range v.trail {
		if e.Kind == kind && (also == nil || also(e)) {
			list = append(list, e)
		}
	}
	return list
}
