package rfc

import (
	"slices"
	"testing"

	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/config"
)

// question asks a type's default rules of an electorate.
func question(kind config.Type, heads int, weight int64) Question {
	policy := config.DefaultPolicy()
	return Question{Rules: policy.RulesOf(kind), MinSupporters: policy.MinSupporters, Heads: heads, Weight: weight}
}

func TestPeriodsOfEachType(t *testing.T) {
	t.Parallel()
	for kind, want := range map[config.Type][2]config.Duration{
		config.Roadmap:            {7 * config.Day, 7 * config.Day},
		config.CapabilityProposal: {14 * config.Day, 7 * config.Day},
		config.Standard:           {14 * config.Day, 10 * config.Day},
		config.PolicyChange:       {14 * config.Day, 14 * config.Day},
		config.BreakingChange:     {14 * config.Day, 14 * config.Day},
	} {
		rules := question(kind, 1, 100).Rules
		if rules.Discussion != want[0] || rules.Voting != want[1] {
			t.Errorf("%s: %s / %s, want %s / %s", kind, rules.Discussion, rules.Voting, want[0], want[1])
		}
	}
}

func TestWeightIsOnePlusATwentyFifthOfReputation(t *testing.T) {
	t.Parallel()
	for r := range 101 {
		if weight := community.Weight(r); weight*25 != 100*(25+r) { // weight/100 = 1 + R/25
			t.Errorf("R %d weighs %d hundredths", r, weight)
		}
	}
	for r, want := range map[int]string{0: "1.00", 22: "1.88", 25: "2.00", 39: "2.56", 100: "5.00"} {
		if got := FormatWeight(int64(community.Weight(r))); got != want {
			t.Errorf("R %d weighs %s, want %s", r, got, want)
		}
	}
}

func TestHeadsQuorumOfEachType(t *testing.T) {
	t.Parallel()
	small := map[int]int{1: 1, 2: 2, 3: 3, 4: 3, 9: 3, 10: 4, 16: 4, 17: 5, 99: 10, 100: 10, 101: 11, 10_000: 100, 10_001: 101}
	middle := map[int]int{1: 1, 4: 4, 5: 5, 6: 5, 11: 5, 12: 6, 16: 6, 17: 7, 100: 15, 101: 16, 10_000: 150, 10_001: 151}
	large := map[int]int{1: 1, 4: 4, 5: 5, 6: 5, 7: 6, 9: 6, 10: 7, 100: 20, 101: 21, 10_000: 200, 10_001: 201}
	for kind, table := range map[config.Type]map[int]int{
		config.Roadmap: small, config.CapabilityProposal: small,
		config.Standard: middle, config.PolicyChange: middle,
		config.BreakingChange: large,
	} {
		for n, need := range table {
			q := question(kind, n, int64(100*n))
			enough := Judge(q, Tally{Abstain: Count{q.Weight, need}}, 0)
			if enough.QuorumHeadsNeed != need || !enough.QuorumToPass {
				t.Errorf("%s, N = %d: %d needed, reached %v with %d", kind, n, enough.QuorumHeadsNeed, enough.QuorumToPass, need)
			}
			if short := Judge(q, Tally{Abstain: Count{q.Weight, need - 1}}, 0); short.QuorumToPass || short.QuorumToReject {
				t.Errorf("%s, N = %d: quorum reached with %d", kind, n, need-1)
			}
		}
	}
}

func TestWeightQuorumOfEachType(t *testing.T) {
	t.Parallel()
	for kind, percent := range map[config.Type]int64{
		config.Roadmap: 10, config.CapabilityProposal: 15, config.Standard: 20, config.PolicyChange: 20, config.BreakingChange: 30,
	} {
		for _, total := range []int64{100, 9_999, 10_000, 10_001, 5_000_000_000_000_000} {
			q := question(kind, 9, total)
			need := (total*percent + 99) / 100
			enough := Judge(q, Tally{Abstain: Count{need, 9}}, 0)
			if !enough.QuorumToPass || enough.QuorumWeightNeed != need {
				t.Errorf("%s: %d of %d is no quorum; %d needed", kind, need, total, enough.QuorumWeightNeed)
			}
			if short := Judge(q, Tally{Abstain: Count{need - 1, 9}}, 0); short.QuorumToPass || short.QuorumToReject {
				t.Errorf("%s: %d of %d is a quorum", kind, need-1, total)
			}
		}
	}
}

func TestApprovalOfEachType(t *testing.T) {
	t.Parallel()
	tests := map[config.Type]struct {
		against    int64
		atLine     int64
		enoughThen bool // exactly at the line
	}{
		config.Roadmap:            {5000, 5000, false}, // more than 1/2
		config.CapabilityProposal: {4000, 6000, true},  // at least 3/5
		config.Standard:           {3000, 6000, true},  // at least 2/3
		config.PolicyChange:       {3000, 6000, true},  // at least 2/3
		config.BreakingChange:     {2500, 7500, true},  // at least 3/4
	}
	for kind, tc := range tests {
		q := question(kind, 9, 9000)
		outcome := func(f int64) (bool, Outcome) {
			v := Judge(q, Tally{Approve: Count{f, 6}, Reject: Count{tc.against, 3}, Supporters: 6}, 0)
			return v.Approval, v.Outcome
		}
		if ok, got := outcome(tc.atLine - 1); ok || got != OutcomeRejected {
			t.Errorf("%s: under the line: approval %v, %s", kind, ok, got)
		}
		if ok, _ := outcome(tc.atLine); ok != tc.enoughThen {
			t.Errorf("%s: exactly at the line: approval %v", kind, ok)
		}
		if ok, got := outcome(tc.atLine + 1); !ok || got != OutcomeAccepted {
			t.Errorf("%s: over the line: approval %v, %s", kind, ok, got)
		}
	}
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	of := func(heads int) Count { return Count{int64(100 * heads), heads} }
	tests := map[string]struct {
		heads    int // N, each of weight 1; capability_proposal: 3 of 9 heads, 15 %, at least 3/5
		tally    Tally
		concerns int
		want     Outcome
	}{
		"nobody in the electorate":              {0, Tally{Advisory: 9}, 0, OutcomePostponed},
		"nobody in it, and yet ballots":         {0, Tally{Approve: of(3), Supporters: 3}, 0, OutcomePostponed},
		"nobody in it, and ballots against":     {0, Tally{Reject: of(3)}, 0, OutcomePostponed},
		"nobody voted":                          {9, Tally{}, 0, OutcomePostponed},
		"everybody for it":                      {9, Tally{Approve: of(9), Supporters: 9}, 0, OutcomeAccepted},
		"everybody against":                     {9, Tally{Reject: of(9)}, 0, OutcomeRejected},
		"everybody wants changes":               {9, Tally{RequestChanges: of(9)}, 0, OutcomeRejected},
		"everybody abstains":                    {9, Tally{Abstain: of(9)}, 0, OutcomePostponed},
		"just the quorum":                       {9, Tally{Approve: of(3), Supporters: 3}, 0, OutcomeAccepted},
		"one short of the quorum":               {9, Tally{Approve: of(2), Supporters: 2}, 0, OutcomePostponed},
		"abstentions make up the quorum":        {9, Tally{Approve: of(2), Abstain: of(1), Supporters: 2}, 0, OutcomeAccepted},
		"ballots against do not help to pass":   {17, Tally{Approve: of(4), Reject: of(2), Supporters: 4}, 0, OutcomePostponed},
		"ballots against help to reject":        {17, Tally{Approve: of(2), Reject: of(3), Supporters: 2}, 0, OutcomeRejected},
		"one short of the quorum to reject":     {17, Tally{Approve: of(2), Reject: of(2), Supporters: 2}, 0, OutcomePostponed},
		"abstentions make the quorum to reject": {17, Tally{Abstain: of(4), Reject: of(1)}, 0, OutcomeRejected},
		"as many for as against":                {9, Tally{Approve: Count{900, 3}, Reject: of(3), Supporters: 3}, 0, OutcomeRejected},
		"one head more, by weight":              {9, Tally{Approve: Count{900, 4}, Reject: of(3), Supporters: 4}, 0, OutcomeAccepted},
		"fewer heads, however heavy":            {9, Tally{Approve: Count{1500, 3}, Reject: of(4), Supporters: 3}, 0, OutcomeRejected},
		"requests for changes count against":    {9, Tally{Approve: of(4), Reject: of(1), RequestChanges: of(2), Supporters: 4}, 0, OutcomeRejected},
		"an open concern":                       {9, Tally{Approve: of(9), Supporters: 9}, 1, OutcomeChangesRequested},
		"an open concern does not save":         {9, Tally{Reject: of(9)}, 1, OutcomeRejected},
		"an open concern without a quorum":      {9, Tally{Approve: of(2), Supporters: 2}, 1, OutcomePostponed},
		"weight quorum missing":                 {9, Tally{Approve: Count{134, 3}, Supporters: 3}, 0, OutcomePostponed},
		"weight quorum exactly":                 {9, Tally{Approve: Count{135, 3}, Supporters: 3}, 0, OutcomeAccepted},

		"the author's approval is no support":          {9, Tally{Approve: of(2), Abstain: of(5), Supporters: 1}, 0, OutcomePostponed},
		"two supporters besides the author":            {9, Tally{Approve: of(3), Supporters: 2}, 0, OutcomeAccepted},
		"too few supporters, somebody against":         {9, Tally{Approve: of(3), Reject: of(1), Supporters: 1}, 0, OutcomeRejected},
		"of two, one supporter is enough":              {2, Tally{Approve: of(2), Supporters: 1}, 0, OutcomeAccepted},
		"of two, the author is not":                    {2, Tally{Approve: of(1), Abstain: of(1)}, 0, OutcomePostponed},
		"one alone accepts for themselves":             {1, Tally{Approve: of(1)}, 0, OutcomeAccepted},
		"of three, two must be others than the author": {3, Tally{Approve: of(2), Abstain: of(1), Supporters: 1}, 0, OutcomePostponed},
		"a heads quorum larger than N means N":         {2, Tally{Approve: of(2), Supporters: 2}, 0, OutcomeAccepted},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := Judge(question(config.CapabilityProposal, tc.heads, int64(100*tc.heads)), tc.tally, tc.concerns)
			if v.Outcome != tc.want {
				t.Errorf("outcome %q, want %q; %+v", v.Outcome, tc.want, v)
			}
			if len(v.Reasons) == 0 && v.Outcome != OutcomeRejected {
				t.Error("no reason is given")
			}
		})
	}
}

func TestMinSupportersIsAtMostAllOthers(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ asked, heads, want int }{
		{2, 0, 0}, {2, 1, 0}, {2, 2, 1}, {2, 3, 2}, {2, 100, 2}, {0, 9, 0}, {5, 4, 3}, {5, 6, 5}, {5, 7, 5},
	} {
		q := question(config.Roadmap, tc.heads, int64(100*tc.heads))
		q.MinSupporters = tc.asked
		if got := Judge(q, Tally{}, 0).SupportersNeed; got != tc.want {
			t.Errorf("%d asked of N = %d: %d, want %d", tc.asked, tc.heads, got, tc.want)
		}
	}
}

func TestReasonsSayWhatStandsInTheWay(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		kind     config.Type
		heads    int
		tally    Tally
		concerns int
		want     []string
	}{
		"nobody": {config.Roadmap, 0, Tally{}, 0, []string{
			"nobody was in the electorate, so there is no quorum", "nobody voted for or against"}},
		"short of everything": {config.Standard, 100, Tally{Approve: Count{1234, 2}, Reject: Count{1234, 2}, Supporters: 1}, 2, []string{
			"quorum short by 13 voters", "quorum short by 7.66 weight", "approval of 50 % is under the line of 66.67 %",
			"not more people for it (2) than against (2)", "1 approval besides the author missing", "2 open concerns"}},
		"short by one": {config.Roadmap, 4, Tally{Approve: Count{200, 2}, Supporters: 2}, 1, []string{
			"quorum short by 1 voter", "1 open concern"}},
		"accepted": {config.Roadmap, 4, Tally{Approve: Count{300, 3}, Supporters: 3}, 0, []string{
			"quorum and approval reached, no concern open"}},
		"exactly at a strict line": {config.Roadmap, 9, Tally{Approve: Count{300, 3}, Reject: Count{300, 2}, Supporters: 3}, 0, []string{
			"approval of 50 % is under the line of more than 50 %"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := Judge(question(tc.kind, tc.heads, int64(100*tc.heads)), tc.tally, tc.concerns)
			if !slices.Equal(v.Reasons, tc.want) {
				t.Errorf("reasons\n%q, want\n%q", v.Reasons, tc.want)
			}
		})
	}
}
