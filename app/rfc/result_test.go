package rfc

import (
	"testing"
	"time"

	"github.com/agora-rfc/agora/config"
)

func TestTheResultWithEveryWeightOne(t *testing.T) {
	t.Parallel()
	b := newBallotBox(config.CapabilityProposal, 500, 500, 500, 100, 100)
	approve(b, hour, 1, 2, 3)
	b.comment(4, Reject, hour)
	b.comment(5, Reject, hour)
	b.comment(77, Reject, hour) // advisory, by whatever count
	r := b.recount()
	if r.Verdict.Outcome != OutcomeAccepted || !r.WouldPass() {
		t.Errorf("by weight it is %s", r.Verdict.Outcome)
	}
	if r.Unweighted.Outcome != OutcomeAccepted || r.Unweighted.QuorumWeight != 3 || r.Unweighted.QuorumWeightNeed != 1 {
		t.Errorf("by heads 3 of 5 are 60 %%: %+v", r.Unweighted)
	}

	b = newBallotBox(config.CapabilityProposal, 500, 500, 500, 500, 100, 100, 100)
	approve(b, hour, 1, 2, 3, 4)
	for voter := range int64(3) {
		b.comment(voter+5, Reject, hour)
	}
	if r := b.recount(); r.Verdict.Outcome != OutcomeAccepted || r.Unweighted.Outcome != OutcomeRejected {
		t.Errorf("by weight %s, by heads %s; want accepted and rejected", r.Verdict.Outcome, r.Unweighted.Outcome)
	}
}

func TestSharesOfOrganisations(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		weights      []int64
		of           map[int64]string
		organisation string
		weight       int64
		confirm      bool
	}{
		"no organisations":    {[]int64{100, 100, 100, 100}, nil, "", 0, false},
		"exactly 25 %":        {[]int64{25, 25, 25, 25}, map[int64]string{1: "acme"}, "", 0, false},
		"just more than 25 %": {[]int64{26, 25, 25, 24}, map[int64]string{1: "acme"}, "acme", 26, false},
		"exactly 40 %":        {[]int64{20, 20, 30, 30}, map[int64]string{1: "acme", 2: "acme"}, "acme", 40, false},
		"just more than 40 %": {[]int64{21, 20, 30, 29}, map[int64]string{1: "acme", 2: "acme"}, "acme", 41, true},
		"the larger of two":   {[]int64{30, 45, 15, 10}, map[int64]string{1: "acme", 2: "zeta"}, "zeta", 45, true},
		"two of one size":     {[]int64{30, 30, 20, 20}, map[int64]string{1: "zeta", 2: "acme"}, "acme", 30, false},
		"members without one": {[]int64{26, 25, 25, 24}, map[int64]string{1: ""}, "", 0, false},
		"who is not a voter":  {[]int64{25, 25, 25, 25}, map[int64]string{77: "acme"}, "", 0, false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBallotBox(config.Roadmap, append(tc.weights, 10_000)...)
			approve(b, hour, 1, 2)
			b.comment(3, Reject, hour)
			b.comment(4, Abstain, hour) // of the cast weight, too
			b.comment(77, Approve, hour)
			b.record.Affiliations = tc.of
			r := b.recount()
			if r.Organisation != tc.organisation || r.OrganisationShare.Weight != tc.weight || r.NeedsConfirmation != tc.confirm {
				t.Errorf("%q with %d, needs confirmation: %v", r.Organisation, r.OrganisationShare.Weight, r.NeedsConfirmation)
			}
		})
	}
}

func TestWhatDoesNotCountIsNotAnOrganisationsShare(t *testing.T) {
	t.Parallel()
	b := newBallotBox(config.Roadmap, equals(6)...)
	approve(b, hour, 1, 2, 3, 4, 5)
	b.retract(1, 2*hour)
	b.void(2, 2*hour)
	b.record.Affiliations = map[int64]string{1: "acme", 2: "acme", 3: "acme", 6: "acme"}
	r := b.recount()
	if r.OrganisationShare != (Count{100, 1}) || r.NeedsConfirmation {
		t.Errorf("share %+v of %+v", r.OrganisationShare, r.Tally.Cast())
	}
}

func TestCertain(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		voters int
		cast   func(*ballotBox)
		want   bool
	}{
		"nobody has voted":                      {9, func(*ballotBox) {}, false},
		"nobody can":                            {0, func(*ballotBox) {}, true},
		"accepted, and the others can turn it":  {9, func(b *ballotBox) { approve(b, hour, 1, 2, 3, 4) }, false},
		"accepted, and the others cannot":       {9, func(b *ballotBox) { approve(b, hour, 1, 2, 3, 4, 5) }, true},
		"accepted but for a concern":            {9, func(b *ballotBox) { approve(b, hour, 1, 2, 3, 4, 5, 6, 7, 8); b.object(9, hour) }, false},
		"rejected, and the others cannot":       {5, func(b *ballotBox) { b.comment(1, Reject, hour); b.comment(2, Reject, hour); b.comment(3, Reject, hour) }, true},
		"rejected, but concerns may yet be met": {5, func(b *ballotBox) { b.comment(1, Reject, hour); b.object(2, hour); b.object(3, hour) }, false},
		"everybody abstained": {3, func(b *ballotBox) {
			b.comment(1, Abstain, hour)
			b.comment(2, Abstain, hour)
			b.comment(3, Abstain, hour)
		}, true},
		"those in conflict may yet vote": {3, func(b *ballotBox) {
			approve(b, hour, 1)
			b.react(2, Approve, 5, hour)
			b.react(2, Reject, 6, hour)
			b.comment(3, Reject, hour)
		}, false},
		"those voided may not": {3, func(b *ballotBox) {
			b.comment(2, Reject, hour)
			b.comment(3, Reject, hour)
			b.void(1, hour)
		}, true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBallotBox(config.Roadmap, equals(tc.voters)...)
			tc.cast(b)
			if r := b.now(day).recount(); r.Certain != tc.want {
				t.Errorf("certain %v of %s by %+v", r.Certain, r.Verdict.Outcome, r.Tally)
			}
		})
	}
}

// What an export may say that no database holds.
func TestARecordThatNobodyWroteIsCountedAsItStands(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		make func(*ballotBox)
		want Tally
		// certain stands for those who have not voted: 3 voters are in the record.
		certain bool
	}{
		"a voter is listed twice: the last counts": {func(b *ballotBox) {
			b.record.Voters = append(b.record.Voters, Voter{ID: 1, Weight: 250})
			approve(b, hour, 1)
		}, Tally{Approve: Count{250, 1}, Supporters: 1}, false},
		"somebody outside is voided before they voted": {func(b *ballotBox) {
			b.void(50, hour)
			b.comment(50, Approve, 2*hour)
			b.comment(51, Approve, 2*hour)
		}, Tally{Advisory: 1}, false},
		"an open concern has no number": {func(b *ballotBox) {
			b.record.Concerns = append(b.record.Concerns, Concern{RaisedAt: opening.Add(hour), State: ConcernOpen})
			b.comment(1, Reject, hour)
			b.comment(2, Reject, hour)
			b.comment(3, RequestChanges, hour)
		}, Tally{Reject: Count{200, 2}, RequestChanges: Count{100, 1}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBallotBox(config.Roadmap, equals(3)...)
			tc.make(b)
			r := b.now(day).recount()
			if r.Tally != tc.want || r.Certain != tc.certain {
				t.Errorf("the tally is %+v, certain %v; want %+v, %v", r.Tally, r.Certain, tc.want, tc.certain)
			}
		})
	}
}

func BenchmarkRecount(b *testing.B) {
	for name, concerns := range map[string]int{"10000 ballots": 0, "10000 ballots and 5000 concerns": 5000} {
		b.Run(name, func(b *testing.B) {
			box := newBallotBox(config.Standard, equals(10_000)...)
			box.record.Affiliations = map[int64]string{1: "acme"}
			period := box.record.Round.Period()
			choices := []Choice{Approve, Approve, Reject, Abstain, RequestChanges}
			for i := range int64(10_000) {
				at := period * 3 / 4
				at = at / 10_000 * time.Duration(i*7919%10_000) // in no order
				if int(i) < concerns {
					box.object(i+1, at).end(ConcernResolved, at+hour)
				} else {
					box.comment(i+1, choices[i%5], at)
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				Recount(box.record)
			}
		})
	}
}
