package config_test

import (
	"encoding/json"
	"math"
	"math/big"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/agora-rfc/agora/config"
)

// TestTypeTable holds each number of the table of types, by name.
func TestTypeTable(t *testing.T) {
	t.Parallel()
	const day = config.Day
	policy := config.DefaultPolicy()
	for _, want := range []struct {
		of                 config.Type
		discussion, voting config.Duration
		floor              int
		root               string
		weight             string
		approval           string
	}{
		{config.Roadmap, 7 * day, 7 * day, 3, "1", "1/10", ">1/2"},
		{config.CapabilityProposal, 14 * day, 7 * day, 3, "1", "3/20", "3/5"},
		{config.Standard, 14 * day, 10 * day, 5, "3/2", "1/5", "2/3"},
		{config.PolicyChange, 14 * day, 14 * day, 5, "3/2", "1/5", "2/3"},
		{config.BreakingChange, 14 * day, 14 * day, 5, "2", "3/10", "3/4"},
	} {
		rules := policy.Types[want.of]
		t.Run(string(want.of), func(t *testing.T) {
			t.Parallel()
			for name, pair := range map[string][2]any{
				"discussion":    {rules.Discussion, want.discussion},
				"voting":        {rules.Voting, want.voting},
				"quorum floor":  {rules.Quorum.Floor, want.floor},
				"quorum root":   {rules.Quorum.Root.String(), want.root},
				"weight quorum": {rules.Quorum.Weight.String(), want.weight},
				"approval":      {rules.Approval.String(), want.approval},
			} {
				if pair[0] != pair[1] {
					t.Errorf("%s = %v, want %v", name, pair[0], pair[1])
				}
			}
		})
	}
	if len(policy.Types) != 5 || policy.DefaultType != config.CapabilityProposal {
		t.Errorf("%d types, default %s", len(policy.Types), policy.DefaultType)
	}
}

// TestOtherDefaults holds the numbers that RULES names outside its tables.
func TestOtherDefaults(t *testing.T) {
	t.Parallel()
	p := config.DefaultPolicy()
	for name, pair := range map[string][2]any{
		"min_membership":         {p.Electorate.MinMembership.String(), "7d"},
		"min_account_age":        {p.Electorate.MinAccountAge.String(), "30d"},
		"min_reputation":         {p.Electorate.MinReputation, 0},
		"auto_register":          {p.Electorate.AutoRegister, true},
		"regular window":         {p.Electorate.RegularWindow.String(), "365d"},
		"min_supporters":         {p.MinSupporters, 2},
		"late_window":            {p.LateWindow, 48 * hour},
		"late window share":      {p.LateWindowShare.String(), "1/4"},
		"near_tie points":        {p.NearTie.Points.Percent(), "2 %"},
		"near_tie extension":     {p.NearTie.Extension, 72 * hour},
		"max_extension":          {p.MaxExtension.String(), "7d"},
		"early_close":            {p.EarlyClose, false},
		"early close notice":     {p.EarlyCloseNotice, 24 * hour},
		"close_on_decision":      {p.CloseOnDecision, true},
		"merge_on_accept":        {p.MergeOnAccept, config.MergeNone},
		"author's half":          {p.AuthorShare.String(), "1/2"},
		"concern reason":         {p.Concerns.MinReason, 20},
		"concerns of a member":   {p.Concerns.PerMember, 2},
		"concerns' last quarter": {p.Concerns.ClosedShare.String(), "1/4"},
		"concern lapse":          {p.Concerns.Lapse.String(), "7d"},
		"postponed once":         {p.Postponed.Retries, 1},
		"postponed for":          {p.Postponed.After.String(), "7d"},
		"organisation shown":     {p.Organisation.Warn.Percent(), "25 %"},
		"organisation confirmed": {p.Organisation.Confirm.Percent(), "40 %"},
		"confirmed within":       {p.Organisation.ConfirmWithin, 72 * hour},
		"restarts for the text":  {p.TextRestarts, 2},
		"label":                  {p.Label, "rfc"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s = %v, want %v", name, pair[0], pair[1])
		}
	}
	for _, kind := range config.EntryKinds() {
		if _, ok := p.Reputation.Points[kind]; !ok || kind.Class() == config.ClassNone {
			t.Errorf("the kind %s has no points or no class", kind)
		}
	}
}

func TestHeadsQuorum(t *testing.T) {
	t.Parallel()
	types := config.DefaultPolicy().Types
	for _, test := range []struct {
		of      config.Type
		n, want int
	}{
		{config.Roadmap, 0, 0}, {config.Roadmap, 1, 1}, {config.Roadmap, 2, 2}, {config.Roadmap, 3, 3},
		{config.Roadmap, 9, 3}, {config.Roadmap, 10, 4}, {config.Roadmap, 16, 4}, {config.Roadmap, 17, 5},
		{config.Roadmap, 10_000, 100}, {config.Roadmap, 10_001, 101},
		{config.Standard, 4, 4}, {config.Standard, 11, 5}, {config.Standard, 12, 6}, {config.Standard, 16, 6}, {config.Standard, 100, 15}, {config.Standard, 101, 16},
		{config.BreakingChange, 9, 6}, {config.BreakingChange, 10, 7}, {config.BreakingChange, 25, 10}, {config.BreakingChange, 26, 11},
		{config.BreakingChange, -3, 0},
	} {
		if got := types[test.of].HeadsQuorum(test.n); got != test.want {
			t.Errorf("%s: HeadsQuorum(%d) = %d, want %d", test.of, test.n, got, test.want)
		}
	}
}

func TestHeadsQuorumIsTheLeastThatReachesTheRoot(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		root := config.MustFraction(rapid.Int64Range(0, 1_000_000_000).Draw(t, "num"), rapid.Int64Range(1, 1_000_000_000).Draw(t, "den"))
		n := rapid.IntRange(0, math.MaxInt32).Draw(t, "n")
		rules := config.TypeRules{Quorum: config.Quorum{Root: root}}
		got := rules.HeadsQuorum(n)
		target := new(big.Rat).Mul(root.Rat(), root.Rat())
		target.Mul(target, big.NewRat(int64(n), 1))
		square := func(k int) *big.Rat {
			return new(big.Rat).SetInt(new(big.Int).Mul(big.NewInt(int64(k)), big.NewInt(int64(k))))
		}
		if got != n && square(got).Cmp(target) < 0 {
			t.Fatalf("%d voters of %d are fewer than %s·√N", got, n, root)
		}
		if got > 0 && square(got-1).Cmp(target) >= 0 {
			t.Fatalf("%d voters of %d would do as well as %d for %s·√N", got-1, n, got, root)
		}
	})
}

func TestWeightQuorum(t *testing.T) {
	t.Parallel()
	roadmap := config.DefaultPolicy().Types[config.Roadmap]
	for _, test := range []struct {
		cast, total int64
		want        bool
	}{{99, 1000, false}, {100, 1000, true}, {100, 1001, false}, {0, 0, true}, {math.MaxInt64 / 10, math.MaxInt64, false}, {math.MaxInt64/10 + 1, math.MaxInt64, true}} {
		if got := roadmap.WeightQuorumMet(test.cast, test.total); got != test.want {
			t.Errorf("WeightQuorumMet(%d, %d) = %v", test.cast, test.total, got)
		}
	}
}

func TestNearTie(t *testing.T) {
	t.Parallel()
	tie, line := config.DefaultPolicy().NearTie, config.MustFraction(2, 3)
	for _, test := range []struct {
		part, whole int64
		want        bool
	}{{2, 3, true}, {6466, 10000, false}, {6467, 10000, true}, {6866, 10000, true}, {6867, 10000, false}, {97, 150, true}, {103, 150, true}, {0, 0, false}} {
		if got := tie.Contains(test.part, test.whole, line); got != test.want {
			t.Errorf("Contains(%d/%d) = %v, want %v", test.part, test.whole, got, test.want)
		}
	}
	if (config.NearTie{Points: tie.Points}).Contains(2, 3, line) {
		t.Error("an extension of 0 should turn it off")
	}
}

func TestPolicySurvivesJSON(t *testing.T) {
	t.Parallel()
	roundTrip(t, config.DefaultPolicy())
	data, err := os.ReadFile("testdata/everything.yml")
	if err != nil {
		t.Fatal(err)
	}
	roundTrip(t, parse(t, string(data)))
}

// roundTrip fails unless the policy comes back from JSON unchanged, version included.
func roundTrip(t *testing.T, policy config.Policy) {
	t.Helper()
	encoded, err := json.Marshal(policy)
	if err != nil {
		t.Fatal(err)
	}
	var decoded config.Policy
	if err := json.Unmarshal(encoded, &decoded); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(policy, decoded); diff != "" {
		t.Fatalf("the policy came back changed:\n%s", diff)
	}
	if policy.Version() != decoded.Version() {
		t.Fatal("the version came back changed")
	}
}

func TestVersionNamesThePolicy(t *testing.T) {
	t.Parallel()
	a, b := config.DefaultPolicy(), config.DefaultPolicy()
	if a.Version() != b.Version() || len(a.Version()) < 7 {
		t.Errorf("versions of equal policies: %s, %s", a.Version(), b.Version())
	}
	b.Reputation.Points[config.VoteCast]++
	if a.Version() == b.Version() {
		t.Error("a different policy has the same version")
	}
	spelled := parse(t, "version: 1\nrfc: {types: {roadmap: {discussion: 1w, approval: \">50%\"}}}\nstewards: []\n")
	if spelled.Version() != a.Version() {
		t.Error("the same rules in other words have another version")
	}
}

func TestTypeSpellings(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"capability_proposal", "capability-proposal", "Capability Proposal", " rfc-type/capability-proposal", "CAPABILITY_PROPOSAL"} {
		if got, err := config.ParseType(text); err != nil || got != config.CapabilityProposal {
			t.Errorf("ParseType(%q) = %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "rfc-type/", "capability", "capability__proposal"} {
		if got, err := config.ParseType(text); err == nil {
			t.Errorf("ParseType(%q) = %q, want an error", text, got)
		}
	}
	if got := config.BreakingChange.Label(); got != "rfc-type/breaking-change" {
		t.Errorf("Label() = %q", got)
	}
	if got := config.BreakingChange.Title(); got != "Breaking change" {
		t.Errorf("Title() = %q", got)
	}
}
