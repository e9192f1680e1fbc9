package config_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agora-rfc/agora/config"
)

const hour = config.Duration(time.Hour)

// parse reads a policy file over the defaults, and fails the test when it is refused.
func parse(t *testing.T, file string) config.Policy {
	t.Helper()
	policy, err := config.ParsePolicy([]byte(file), config.DefaultPolicy())
	if err != nil {
		t.Fatalf("ParsePolicy: %v", err)
	}
	return policy
}

// problemsOf reads a policy file that must be refused.
func problemsOf(t *testing.T, file string) *config.Problems {
	t.Helper()
	_, err := config.ParsePolicy([]byte(file), config.DefaultPolicy())
	var problems *config.Problems
	if !errors.As(err, &problems) {
		t.Fatalf("ParsePolicy(%.80q) = %v, want *config.Problems", file, err)
	}
	return problems
}

// documented is the example of the documentation; it says what the defaults are.
const documented = `version: 1
rfc:
  label: rfc
  types:
    standard: { discussion: 14d, voting: 10d, quorum: { floor: 5, root: 1.5, weight: 20% }, approval: 2/3 }
  electorate: { min_reputation: 0, min_membership: 7d, min_account_age: 30d, auto_register: true }
  min_supporters: 2
  late_window: 48h
  near_tie: { points: 2%, extension: 72h }
  max_extension: 7d
  early_close: false
  close_on_decision: true        # issues only
  merge_on_accept: none          # merge | squash | rebase
stewards: ["@acme/stewards", "maya"]
announce: { mention: ["@acme/everyone"] }
`

func TestDocumentedExampleIsTheDefaultsAndItsNames(t *testing.T) {
	t.Parallel()
	want := config.DefaultPolicy()
	want.Stewards = []config.Steward{{Organisation: "acme", Team: "stewards"}, {Login: "maya"}}
	want.Announce.Mention = []config.Steward{{Organisation: "acme", Team: "everyone"}}
	for name, file := range map[string]string{
		"as written":      documented,
		"Windows lines":   strings.ReplaceAll(documented, "\n", "\r\n"),
		"byte order mark": "\ufeff" + documented,
		"explicit start":  "---\n" + documented,
	} {
		got := parse(t, file)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestPartialOverrideKeepsTheRestOfAType(t *testing.T) {
	t.Parallel()
	got := parse(t, "version: 1\nrfc: {types: {capability-proposal: {voting: 90s}, roadmap: {quorum: {weight: 1/3}}}}\n")
	want := config.DefaultPolicy()
	capability := want.Types[config.CapabilityProposal]
	capability.Voting = config.Duration(90 * time.Second)
	want.Types[config.CapabilityProposal] = capability
	roadmap := want.Types[config.Roadmap]
	roadmap.Quorum.Weight = config.MustFraction(1, 3)
	want.Types[config.Roadmap] = roadmap
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEveryNumberCanBeOverridden(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("testdata", "everything.yml"))
	if err != nil {
		t.Fatal(err)
	}
	got := parse(t, string(data))
	if !got.Locked || got.Label != "proposal" || got.DefaultType != config.Roadmap || got.MergeOnAccept != config.MergeSquash {
		t.Errorf("scalars were not read: %+v", got)
	}
	if got.LateWindow != 0 || got.NearTie.Extension != 0 || got.MaxExtension != 0 || got.Electorate.MinMembership != 0 || got.Electorate.MinAccountAge != 0 {
		t.Errorf("0 should turn periods off: %+v", got)
	}
	if want := (config.Digest{Repository: "acme/rfcs", Day: 28}); got.Digest != want {
		t.Errorf("Digest = %v, want %v", got.Digest, want)
	}
	if want := (config.Concerns{MinReason: 40, PerMember: 3, ClosedShare: config.MustFraction(1, 3), Lapse: 3 * config.Day}); got.Concerns != want {
		t.Errorf("Concerns = %v, want %v", got.Concerns, want)
	}
	if want := (config.Organisation{Warn: config.MustFraction(1, 10), Confirm: config.MustFraction(1, 5), ConfirmWithin: 24 * hour}); got.Organisation != want {
		t.Errorf("Organisation = %v, want %v", got.Organisation, want)
	}
	reputation := got.Reputation
	if reputation.Points[config.RFCAccepted] != 50 || reputation.Points[config.RFCImplemented] != 30 || reputation.Curve != 500 {
		t.Errorf("Reputation = %+v", reputation)
	}
	if diff := cmp.Diff([]config.Burst{{Count: 3, Within: hour}}, reputation.Signals.Bursts); diff != "" {
		t.Errorf("Bursts (-want +got):\n%s", diff)
	}
	if untouched := config.DefaultPolicy(); untouched.Reputation.Points[config.RFCAccepted] != 60 {
		t.Error("reading a file changed the defaults")
	}
}

func TestBrokenFilesSayLineKeyAndReason(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, file string
		line       int
		key, says  string
	}{
		{"unknown key", "version: 1\nrfc:\n  votng: 1\n", 3, "rfc.votng", "unknown key"},
		{"unknown type", "version: 1\nrfc:\n  types:\n    standart: {voting: 1d}\n", 4, "rfc.types.standart", "capability_proposal"},
		{"duplicate key", "version: 1\nrfc:\n  label: a\n  label: b\n", 4, "rfc.label", "twice"},
		{"type in two spellings", "version: 1\nrfc:\n  types:\n    policy-change: {voting: 1d}\n    policy_change: {voting: 2d}\n", 4, "rfc.types.policy_change", "twice"},
		{"no version", "rfc: {label: x}\n", 1, "version", "version: 1"},
		{"empty", "", 1, "version", "version: 1"},
		{"only a comment", "# nothing\n", 1, "version", "version: 1"},
		{"version 2", "version: 2\n", 1, "version", "must be 1"},
		{"version as text", "version: '1'\n", 1, "version", "must be 1"},
		{"no unit", "version: 1\nrfc: {late_window: 48}\n", 2, "rfc.late_window", "48h"},
		{"negative", "version: 1\nrfc: {late_window: -48h}\n", 2, "rfc.late_window", "not a duration"},
		{"zero voting", "version: 1\nrfc: {types: {roadmap: {voting: 0s}}}\n", 2, "rfc.types.roadmap.voting", "longer than 0"},
		{"eleven years", "version: 1\nrfc: {late_window: 4015d}\n", 2, "rfc.late_window", "ten years"},
		{"overflow", "version: 1\nrfc: {late_window: 99999999999999999w}\n", 2, "rfc.late_window", "ten years"},
		{"units out of order", "version: 1\nrfc: {late_window: 1h2d}\n", 2, "rfc.late_window", "not a duration"},
		{"quorum over 100%", "version: 1\nrfc: {types: {roadmap: {quorum: {weight: 101%}}}}\n", 2, "rfc.types.roadmap.quorum.weight", "at most 100 %"},
		{"division by zero", "version: 1\nrfc: {types: {roadmap: {quorum: {weight: 1/0}}}}\n", 2, "rfc.types.roadmap.quorum.weight", "not a fraction"},
		{"approval of nothing", "version: 1\nrfc: {types: {roadmap: {approval: 0}}}\n", 2, "rfc.types.roadmap.approval", "more than 0"},
		{"approval out of reach", "version: 1\nrfc: {types: {roadmap: {approval: \">100%\"}}}\n", 2, "rfc.types.roadmap.approval", "never be reached"},
		{"approval with >=", "version: 1\nrfc: {types: {roadmap: {approval: \">=2/3\"}}}\n", 2, "rfc.types.roadmap.approval", "at least"},
		{"unquoted >", "version: 1\nrfc:\n  types:\n    roadmap:\n      approval: >1/2\n", 5, "", `">1/2"`},
		{"unquoted @", "version: 1\nstewards:\n- @acme/stewards\n", 3, "", `"@acme/stewards"`},
		{"reputation over 100", "version: 1\nrfc: {electorate: {min_reputation: 101}}\n", 2, "rfc.electorate.min_reputation", "0 to 100"},
		{"half a supporter", "version: 1\nrfc: {min_supporters: 1.5}\n", 2, "rfc.min_supporters", "whole number"},
		{"yes is not true", "version: 1\nrfc: {early_close: yes}\n", 2, "rfc.early_close", "true or false"},
		{"list for a mapping", "version: 1\nrfc: [1]\n", 2, "rfc", "a list"},
		{"mapping for a list", "version: 1\nstewards: {a: b}\n", 2, "stewards", "must be a list"},
		{"nothing for a value", "version: 1\nrfc:\n  label:\n", 3, "rfc.label", "nothing"},
		{"list at the top", "- version: 1\n", 1, "", "a list"},
		{"bad steward", "version: 1\nstewards: [\"a b\"]\n", 2, "stewards[0]", "names neither"},
		{"Agora's label", "version: 1\nrfc: {label: rfc/voting}\n", 2, "rfc.label", "Agora's own"},
		{"bad merge", "version: 1\nrfc: {merge_on_accept: force}\n", 2, "rfc.merge_on_accept", "none, merge, squash or rebase"},
		{"bad repository", "version: 1\ndigest: {repository: acme, day: 1}\n", 2, "digest.repository", "acme/rfcs"},
		{"day 31", "version: 1\ndigest: {repository: acme/rfcs, day: 31}\n", 2, "digest.day", "1 to 28"},
		{"two documents", "version: 1\n---\nversion: 1\n", 3, "", "second YAML document"},
		{"anchor", "version: 1\nrfc: &a {label: x}\n", 2, "", "anchors"},
		{"alias", "version: 1\nrfc: *a\n", 2, "", "anchors"},
		{"merge key", "version: 1\nrfc:\n  <<: {label: x}\n", 3, "", "merge keys"},
		{"tag", "version: 1\nrfc: !!binary aaaa\n", 2, "", "tags"},
		{"tab", "version: 1\nrfc:\n\tlabel: x\n", 3, "", "not valid YAML"},
		{"unclosed", "version: 1\nrfc: {label: x\n", 2, "", "not valid YAML"},
		{"not UTF-8", "version: 1\nrfc: {label: \xff}\n", 0, "", "UTF-8"},
		{"NUL", "version: 1\x00\n", 0, "", "UTF-8"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			problems := problemsOf(t, test.file)
			got := problems.List[0]
			if got.Line != test.line || got.Key != test.key || !strings.Contains(got.Message, test.says) {
				t.Errorf("got %+v\nwant line %d, key %q, a message with %q", got, test.line, test.key, test.says)
			}
			if strings.Count(problems.Error(), "\n") != len(problems.List)-1 {
				t.Errorf("not one line a problem:\n%s", problems.Error())
			}
		})
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	t.Parallel()
	problems := problemsOf(t, `rfc:
  label: [1]
  types: {roadmap: {voting: x, approval: 7}, nonsense: 1}
  late_window: soon
stewards: ["?", "maya", "!"]
`)
	want := []string{"version", "rfc.label", "rfc.types.roadmap.voting", "rfc.types.roadmap.approval", "rfc.types.nonsense", "rfc.late_window", "stewards[0]", "stewards[2]"}
	var got []string
	for _, problem := range problems.List {
		got = append(got, problem.Key)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("keys (-want +got):\n%s\n%v", diff, problems)
	}
	if text := problems.Error(); !strings.Contains(text, `line 4: rfc.late_window: "soon" is not a duration`) {
		t.Errorf("Error() = %s", text)
	}
}

func TestHostileFilesAreRefusedCheaply(t *testing.T) {
	t.Parallel()
	var keys strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&keys, "k%d: 1\n", i)
	}
	for name, test := range map[string]struct{ file, says string }{
		"too big":        {"version: 1\n#" + strings.Repeat("x", 64<<10), "larger than 64 KiB"},
		"deep lists":     {"a: " + strings.Repeat("[", 1_000), "nested"},
		"deep mappings":  {strings.Repeat("{a: ", 16_000), "too many"},
		"deep dashes":    {strings.Repeat("- ", 32_000), "too many"},
		"question marks": {strings.Repeat("? ", 1_000), `"?"`},
		"anchors":        {strings.Repeat("&a ", 1_000), "anchors"},
		"documents":      {strings.Repeat("---\na\n", 1_000), "second"},
		"long scalar":    {"version: " + strings.Repeat("1", 60_000), "must be 1"},
		"long key":       {strings.Repeat("k", 60_000) + ": 1", "unknown key"},
		"terminal codes": {"\"\\e[2J\": 1", `\x1b`},
		"many problems":  {keys.String(), "unknown key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			problems := problemsOf(t, test.file)
			text := problems.Error()
			if !strings.Contains(text, test.says) {
				t.Errorf("problems do not say %q:\n%.500s", test.says, text)
			}
			if len(text) > 20_000 || strings.Contains(text, "\x1b") {
				t.Errorf("the report is not fit to be shown: %d bytes", len(text))
			}
		})
	}
}

func TestRepositoryOverridesOwnerOverridesDefaults(t *testing.T) {
	t.Parallel()
	owner := []byte("version: 1\nrfc: {label: proposal, late_window: 1h, types: {roadmap: {voting: 3d}}}\nstewards: [maya]\nreputation: {curve: 300}\n")
	repository := []byte("version: 1\nrfc: {late_window: 2h, types: {roadmap: {discussion: 1d}}}\n")
	got, err := config.ResolvePolicy(owner, repository)
	if err != nil {
		t.Fatal(err)
	}
	want := config.DefaultPolicy()
	want.Label, want.LateWindow, want.Reputation.Curve = "proposal", 2*hour, 300
	want.Stewards = []config.Steward{{Login: "maya"}}
	roadmap := want.Types[config.Roadmap]
	roadmap.Voting, roadmap.Discussion = 3*config.Day, config.Day
	want.Types[config.Roadmap] = roadmap
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got, err := config.ResolvePolicy(nil, nil); err != nil || !cmp.Equal(got, config.DefaultPolicy()) {
		t.Errorf("without files: %v, %v; want the defaults", got, err)
	}
}

func TestLockedOwnerIsNotOverridden(t *testing.T) {
	t.Parallel()
	got, err := config.ResolvePolicy([]byte("version: 1\nlocked: true\nrfc: {label: a}\n"), []byte("version: 1\nrfc: {label: b}\nstewards: [mallory]\n"))
	if err != nil || got.Label != "a" || len(got.Stewards) != 0 || !got.Locked {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestRepositoryMayNotChangeTheCommunity(t *testing.T) {
	t.Parallel()
	_, err := config.ResolvePolicy(nil, []byte("version: 1\nlocked: true\nreputation: {curve: 1}\n"))
	var problems *config.Problems
	if !errors.As(err, &problems) || len(problems.List) != 2 || problems.File != config.RepositoryFile {
		t.Fatalf("err = %v, want two problems of the repository's file", err)
	}
}

func TestBrokenFileIsNamed(t *testing.T) {
	t.Parallel()
	_, err := config.ResolvePolicy([]byte("version: 3\n"), []byte("version: 1\n"))
	if err == nil || !strings.Contains(err.Error(), config.OwnerFile+": line 1: version") {
		t.Errorf("err = %v", err)
	}
	if _, err := config.ResolvePolicy(nil, []byte{}); err == nil {
		t.Error("an empty file is a broken one")
	}
}

func FuzzParsePolicy(f *testing.F) {
	f.Add([]byte(documented))
	f.Fuzz(func(t *testing.T, data []byte) {
		policy, err := config.ParsePolicy(data, config.DefaultPolicy())
		if err != nil {
			var problems *config.Problems
			if !errors.As(err, &problems) || len(problems.List) == 0 {
				t.Fatalf("an error without problems: %v", err)
			}
			return
		}
		roundTrip(t, policy)
		for _, rules := range policy.Types {
			if rules.Discussion <= 0 || rules.Voting <= 0 || rules.Approval.CmpShare(1, 1) < 0 {
				t.Fatalf("accepted rules that cannot be played: %+v", rules)
			}
		}
	})
}

func TestWhatIsWantedIsSaidPlainly(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"version: 1\nrfc: { near_tie: { points: 2 } }\n":                                 "line 2: rfc.near_tie.points: must be at most 100 %, but 2 is 200 %: write it like 2% or 1/50",
		"version: 1\nrfc: { types: { roadmap: { quorum: { root: 2000 } } } }\n":          "line 2: rfc.types.roadmap.quorum.root: must be at most 1000, and is 2000",
		"version: 1\nrfc: { min_supporters: 1.5 }\n":                                     "line 2: rfc.min_supporters: must be a whole number from 0 to 1000, not 1.5",
		"version: 1\nrfc: { min_supporters: many }\n":                                    "line 2: rfc.min_supporters: must be a whole number from 0 to 1000, not text",
		"version: 1\n" + strings.Repeat("# a comment of some length\n", 2<<20/27) + "\n": "the file is larger than 64 KiB, which is as large as it may be",
	} {
		if _, err := config.ParsePolicy([]byte(file), config.DefaultPolicy()); err == nil || err.Error() != want {
			t.Errorf("%.60q: %v, want %q", file, err, want)
		}
	}
}
