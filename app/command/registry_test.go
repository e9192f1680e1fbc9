package command

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// resolve reads a comment that is one line.
func resolve(t *testing.T, line string) (Command, *Problem) {
	t.Helper()
	results := Default().Read(line)
	if len(results) != 1 {
		t.Fatalf("%q gives %d results, want 1", line, len(results))
	}
	return results[0].Command, results[0].Problem
}

// TestTheGrammarIsThePublishedOne holds the registry against the forms of commands that were published.
func TestTheGrammarIsThePublishedOne(t *testing.T) {
	t.Parallel()
	want := []string{
		"/agora help [noun]",
		"/agora version",
		"/rfc draft",
		"/rfc open",
		"/rfc vote",
		`/rfc extend 3d "why"`,
		`/rfc editorial "why"`,
		`/rfc restart "why"`,
		"/rfc confirm",
		`/rfc withdraw ["why"]`,
		"/rfc supersede by=RFC-12",
		"/rfc implement by=#412",
		`/rfc reopen "why"`,
		`/rfc unlink "why"`,
		"/rfc status",
		"/rfc list [state=voting]",
		`/vote approve ["reason"]`,
		`/vote reject ["reason"]`,
		`/vote request-changes ["reason"]`,
		`/vote abstain ["reason"]`,
		`/vote retract ["reason"]`,
		`/concern raise "text"`,
		`/concern address N "how"`,
		"/concern resolve N",
		`/concern overrule N "why"`,
		"/concern uphold N",
		"/concern frivolous N",
		"/member join",
		"/member leave",
		"/member show [@who]",
		"/member reputation [@who]",
		`/member endorse @who "for"`,
		`/member certify @who LEVEL ["notes"] score=82`,
		"/member role @who ROLE",
		`/member hold @who "why"`,
		`/member release @who "why"`,
		`/member penalise @who spam|abuse|fraud "why"`,
		`/member void ENTRY "why"`,
		"/member inbox [read]",
		"/member notify [email=off|digest|each] [mentions=off|on] [leaderboard=off|on]",
		"/community stats",
		"/community leaderboard [days=90]",
	}
	var got []string
	for _, definition := range Default().Definitions() {
		got = append(got, definition.Usage())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("usages (-want +got):\n%s", diff)
	}
}

func TestEveryExampleRunsAndEveryDefinitionIsExplained(t *testing.T) {
	t.Parallel()
	for _, definition := range Default().Definitions() {
		if definition.Summary == "" || definition.Who == "" || len(definition.Examples) == 0 || strings.HasSuffix(definition.Summary, ".") {
			t.Errorf("%s lacks a summary, who may use it, or an example", definition.Name())
		}
		for _, example := range definition.Examples {
			command, problem := resolve(t, example)
			if problem != nil {
				t.Errorf("the example %q: %v", example, problem)
			} else if command.Definition.Name() != definition.Name() {
				t.Errorf("the example %q runs %s", example, command.Definition.Name())
			}
		}
	}
}

func TestVoteAliases(t *testing.T) {
	t.Parallel()
	for verb, want := range map[string]string{"approve": "approve", "yes": "approve", "+1": "approve", "y": "approve", "reject": "reject", "no": "reject",
		"-1": "reject", "n": "reject", "request-changes": "request-changes", "changes": "request-changes", "abstain": "abstain", "a": "abstain", "YES": "approve"} {
		command, problem := resolve(t, "/vote "+verb)
		if problem != nil || !command.Is("vote", want) {
			t.Errorf("/vote %s is %v (%v), want %s", verb, command.Definition, problem, want)
		}
	}
}

func TestTypedArguments(t *testing.T) {
	t.Parallel()
	extend, _ := resolve(t, `/rfc extend 2w "holidays"`)
	if extend.Duration() != 14*24*time.Hour || extend.Text() != "holidays" {
		t.Errorf("extend: %v %q", extend.Duration(), extend.Text())
	}
	for word, want := range map[string]time.Duration{"90s": 90 * time.Second, "15m": 15 * time.Minute, "48H": 48 * time.Hour, "14d": 336 * time.Hour} {
		if command, problem := resolve(t, "/rfc extend "+word+" why not"); problem != nil || command.Duration() != want {
			t.Errorf("%s is %v (%v), want %v", word, command.Duration(), problem, want)
		}
	}
	if command, _ := resolve(t, "/rfc supersede by=rfc-12"); command.RFC() != 12 || command.Number() != 0 {
		t.Errorf("supersede by %d", command.RFC())
	}
	for line, want := range map[string]PullRef{"/rfc implement by=#412": {Number: 412}, "/rfc implement by=acme/web.site#7": {"acme", "web.site", 7}} {
		if command, problem := resolve(t, line); problem != nil || command.Pull() != want {
			t.Errorf("%s: %v (%v)", line, command.Pull(), problem)
		}
	}
	if command, _ := resolve(t, `/concern address #3 "see section 4"`); command.Number() != 3 || command.Text() != "see section 4" {
		t.Errorf("address: %d %q", command.Number(), command.Text())
	}
	for line, want := range map[string]string{"/member show": "", "/member show @Maya": "Maya", "/member show kim-x": "kim-x", "/member show @kim_acme": "kim_acme"} {
		if command, problem := resolve(t, line); problem != nil || command.Member() != want || command.Text() != "" {
			t.Errorf("%s: %q (%v)", line, command.Member(), problem)
		}
	}
	if state, given := accepted(resolve(t, "/rfc list state=Voting")).Option("state"); state != "voting" || !given {
		t.Errorf("state %q, %v", state, given)
	}
	if _, given := accepted(resolve(t, "/rfc list")).Option("state"); given {
		t.Error("a state is given where none is")
	}
	if noun := accepted(resolve(t, "/agora help vote")).Argument("noun"); noun != "vote" {
		t.Errorf("noun %q", noun)
	}
}

func accepted(command Command, _ *Problem) Command { return command }

func TestTextMayGoWithoutQuotes(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		`/vote reject`:                                 "",
		`/vote reject ""`:                              "",
		`/vote reject "too early"`:                     "too early",
		`/vote reject “too early”`:                     "too early",
		`/vote reject this is bad`:                     "this is bad",
		`/vote reject it's x=y and "quoted" don't`:     `it's x=y and "quoted" don't`,
		`/vote reject "no" means no`:                   `"no" means no`,
		`/vote reject early`:                           "early",
		`/vote reject x=y`:                             "x=y",
		`/concern address 1 see the new section`:       "see the new section",
		`/concern raise 1 is too few`:                  "1 is too few",
		`/rfc extend 3d a holiday on both last days`:   "a holiday on both last days",
		"/vote reject see `a <b>` and @maya, <b>x</b>": "see `a <b>` and @maya, x",
	} {
		if command, problem := resolve(t, line); problem != nil || command.Text() != want {
			t.Errorf("%s: text %q (%v), want %q", line, command.Text(), problem, want)
		}
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	tests := []struct{ line, code, suggestion, usage string }{
		{"/vote aprove", UnknownVerb, "/vote approve", `/vote approve ["reason"]`},
		{"/vote approve.", UnknownVerb, "/vote approve", `/vote approve ["reason"]`},
		{"/vote *reject*", UnknownVerb, "/vote reject", `/vote reject ["reason"]`},
		{"/vote yse", UnknownVerb, "/vote approve", `/vote approve ["reason"]`},
		{"/vote bananas", UnknownVerb, "", "/agora help vote"},
		{"/vote " + strings.Repeat("a", 60_000), UnknownVerb, "", "/agora help vote"},
		{"/vote", MissingVerb, "", "/agora help vote"},
		{"/rfc extned 3d x", UnknownVerb, "/rfc extend", `/rfc extend 3d "why"`},
		{"/rfc extend", MissingArgument, "", `/rfc extend 3d "why"`},
		{"/rfc extend 3d", MissingArgument, "", `/rfc extend 3d "why"`},
		{`/rfc extend 3d ""`, BadArgument, "", `/rfc extend 3d "why"`},
		{"/rfc extend soon because", BadArgument, "", `/rfc extend 3d "why"`},
		{"/rfc extend 0s because", BadArgument, "", `/rfc extend 3d "why"`},
		{"/rfc extend -3d because", BadArgument, "", `/rfc extend 3d "why"`},
		{"/rfc extend 99999999999999999999d because", BadArgument, "", `/rfc extend 3d "why"`},
		{`/vote reject "too early`, UnclosedQuote, "", `/vote reject ["reason"]`},
		{"/vote reject “two\nlines”", UnclosedQuote, "", `/vote reject ["reason"]`},
		{"/rfc supersede", MissingArgument, "", "/rfc supersede by=RFC-12"},
		{"/rfc supersede RFC-12", MissingArgument, "", "/rfc supersede by=RFC-12"},
		{"/rfc supersede by=next", BadArgument, "", "/rfc supersede by=RFC-12"},
		{"/rfc supersede by=RFC-0", BadArgument, "", "/rfc supersede by=RFC-12"},
		{"/rfc supersede by=RFC-1 by=RFC-2", UnexpectedArgument, "", "/rfc supersede by=RFC-12"},
		{"/rfc supersede bye=RFC-1", UnknownOption, "/rfc supersede by=…", "/rfc supersede by=RFC-12"},
		{"/rfc implement by=x#y", BadArgument, "", "/rfc implement by=#412"},
		{"/rfc list state=votin", BadArgument, "state=voting", "/rfc list [state=voting]"},
		{"/rfc status now", UnexpectedArgument, "", "/rfc status"},
		{"/concern resolve one", BadArgument, "", "/concern resolve N"},
		{"/concern resolve 99999999999999999999", BadArgument, "", "/concern resolve N"},
		{"/member show @acme/stewards", BadArgument, "", "/member show [@who]"},
	}
	for _, test := range tests {
		_, problem := resolve(t, test.line)
		if problem == nil {
			t.Errorf("%.60q is accepted", test.line)
			continue
		}
		got := []string{problem.Code, problem.Suggestion, problem.Usage}
		if diff := cmp.Diff([]string{test.code, test.suggestion, test.usage}, got); diff != "" {
			t.Errorf("%.60q (-want +got):\n%s", test.line, diff)
		}
		if problem.Reason == "" || len(problem.Reason) > 400 || problem.Invocation.Raw == "" {
			t.Errorf("%.60q: the reason is %.500q", test.line, problem.Reason)
		}
	}
}

func TestUnknownNounsGetSilence(t *testing.T) {
	t.Parallel()
	body := "/lgtm now\n/partner register \"x\n/remove hold\n/" + strings.Repeat("x", 5_000) + "\n"
	if results := Default().Read(strings.Repeat(body, 9)); len(results) != 0 {
		t.Errorf("results %v, want none", results)
	}
	if results := Default().Read(strings.Repeat(body, 9) + "/vote yes"); len(results) != 1 || results[0].Problem != nil {
		t.Errorf("results %v, want the vote alone: the lines of other bots do not count", results)
	}
}

func TestTenCommandsOfAComment(t *testing.T) {
	t.Parallel()
	ten := Default().Read(strings.Repeat("/rfc status\n", 10))
	if len(ten) != 10 || slices.ContainsFunc(ten, func(r Result) bool { return r.Problem != nil }) {
		t.Errorf("ten commands give %v", ten)
	}
	eleven := Default().Read(strings.Repeat("/rfc status\n", 20))
	if len(eleven) != 11 || eleven[10].Problem.Code != TooMany {
		t.Errorf("twenty commands give %d results", len(eleven))
	}
}

func TestContradicts(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		"/rfc status":                             false,
		"/vote yes":                               false,
		"/vote yes\n/vote approve \"so be it\"":   false,
		"/vote yes\n/vote no":                     true,
		"/vote yes\n\n/rfc status\n/vote abstain": true,
		"/vote yes\n/vote retract":                true,
		"/vote no\n/vote changes":                 true,
	} {
		var commands []Command
		for _, result := range Default().Read(body) {
			commands = append(commands, result.Command)
		}
		if got := Contradicts(commands); got != want {
			t.Errorf("Contradicts(%q) = %v, want %v", body, got, want)
		}
	}
}

func TestAddingANounIsData(t *testing.T) {
	t.Parallel()
	registry := Default()
	err := registry.Add(Definition{
		Noun: "skill", Verb: "rate", Who: "a member", Summary: "Rates a skill",
		Arguments: []Parameter{{Name: "skill", Form: "PARTNER/SKILL", Kind: Word}, {Name: "stars", Form: "4.5", Kind: Word}, {Name: "review", Form: `"review"`, Kind: Text, Optional: true}},
		Options:   []Parameter{{Name: "category", Form: "workflow", Kind: Choice("workflow", "enterprise"), Optional: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	results := registry.Read(`/skill rate acme/summarise 4.5 "good" category=workflow`)
	if len(results) != 1 || results[0].Problem != nil {
		t.Fatalf("results %+v", results)
	}
	command := results[0].Command
	category, _ := command.Option("category")
	if command.Argument("skill") != "acme/summarise" || command.Argument("stars") != "4.5" || command.Text() != "good" || category != "workflow" {
		t.Errorf("%q %q %q %q", command.Argument("skill"), command.Argument("stars"), command.Text(), category)
	}
	if !strings.Contains(registry.Help("skill"), "/skill rate PARTNER/SKILL") || !strings.Contains(registry.Docs(), "## /skill") {
		t.Error("help and documentation do not have the new noun")
	}
}

func TestRegistryRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	for name, definition := range map[string]Definition{
		"a verb that is taken":                   {Noun: "vote", Verb: "approve"},
		"an alias that is taken":                 {Noun: "vote", Verb: "maybe", Aliases: []string{"yes"}},
		"a noun in capitals":                     {Noun: "Vote", Verb: "maybe"},
		"a verb that is no word":                 {Noun: "vote", Verb: "may be"},
		"a required argument behind an optional": {Noun: "vote", Verb: "maybe", Arguments: []Parameter{optionalWhy, concern}},
	} {
		if err := Default().Add(definition); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	registry := Default()
	overview := registry.Help("")
	for _, noun := range []string{"`/agora`", "`/rfc`", "`/vote`", "`/concern`", "`/member`"} {
		if !strings.Contains(overview, noun) {
			t.Errorf("the overview does not have %s", noun)
		}
	}
	if got := registry.Help("<b>@maya</b>"); got != overview {
		t.Error("an unknown noun does not give the overview")
	}
	if registry.Help("/Vote") != registry.Help("vote") || !strings.Contains(registry.Help("vote"), "`yes`, `+1`, `y`") {
		t.Errorf("help for /vote: %s", registry.Help("vote"))
	}
	for _, noun := range []string{"", "agora", "rfc", "vote", "concern", "member"} {
		if got := fired(t, registry.Help(noun)); got != nil {
			t.Errorf("the help for %q fires %v", noun, got)
		}
	}
	if got := fired(t, registry.Docs()); got != nil {
		t.Errorf("the documentation fires %v", got)
	}
}

// A phone makes other quotes of those that are typed. Who quotes a verb is told so.
func TestAVerbInTypographicQuotesIsAnswered(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"/vote “approve”", "/vote „approve“", "/vote ‘approve’"} {
		invocations, problem := Parse(body)
		if problem != nil || len(invocations) != 1 {
			t.Fatalf("%s: %d commands, %v", body, len(invocations), problem)
		}
		_, problem = Default().Resolve(invocations[0])
		if problem == nil || problem.Suggestion != "/vote approve" {
			t.Errorf("%s: %+v, want it to be asked whether /vote approve is meant", body, problem)
		}
	}
}
