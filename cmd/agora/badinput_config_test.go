package main

import (
	"fmt"
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app/ghsim"
)

const policyFile = ".github/agora.yml"

// hostile are files that are no good configuration, with what the check says of
// each besides the line.
var hostile = map[string]struct{ file, reason string }{
	"broken":             {"version: 1\nrfc:\n  types:\n    standard: { voting: 10d, approval: [ }\n", ""},
	"not YAML":           {"\x7fELF\x02\x01\x01\x00\x00", ""},
	"no UTF-8":           {"version: 1\nrfc:\n  label: \"\xff\xfe\"\n", ""},
	"tabs":               {"version: 1\nrfc:\n\tlabel: rfc\n", ""},
	"unknown key":        {"version: 1\nrfc:\n  lable: rfc\n", "lable"},
	"unknown version":    {"version: 99\n", "version"},
	"key twice":          {"version: 1\nrfc:\n  label: a\n  label: b\n", ""},
	"a list":             {"- 1\n- 2\n", ""},
	"negative period":    {"version: 1\nrfc:\n  late_window: -48h\n", "late_window"},
	"endless period":     {"version: 1\nrfc:\n  types:\n    standard: { voting: 99999999999999999999d }\n", "voting"},
	"no fraction":        {"version: 1\nrfc:\n  types:\n    standard: { approval: 3/0 }\n", "approval"},
	"more than all":      {"version: 1\nrfc:\n  types:\n    standard: { approval: 400% }\n", "approval"},
	"numbers like 1e999": {"version: 1\nrfc:\n  min_supporters: 1e999\n", "min_supporters"},
	"laughs": {"version: 1\na: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\n" +
		"d: &d [*c,*c,*c,*c,*c,*c,*c,*c]\nrfc: { label: *d }\n", ""},
	"deep":              {"version: 1\nrfc: " + strings.Repeat("[", 5_000) + strings.Repeat("]", 5_000) + "\n", ""},
	"wide":              {"version: 1\nstewards: [" + strings.Repeat(`"maya",`, 20_000) + "\"kim\"]\n", ""},
	"huge":              {"version: 1\n# " + strings.Repeat("very long ", 200_000) + "\n", ""},
	"mention and HTML":  {"version: 1\n\"@acme/everyone <img src=x onerror=alert(1)> [x](http://evil.example)\": 1\n", ""},
	"two documents":     {"version: 1\n---\nversion: 1\nrfc:\n  min_supporters: 0\n", ""},
	"a tag":             {"version: !!python/object/apply:os.system [\"id\"]\n", ""},
	"steward of nobody": {"version: 1\nstewards: [\"@\", \"<script>\"]\n", ""},
}

// configCheck is the newest check agora/config on a commit.
func configCheck(s *stage, sha string) *ghsim.CheckRun {
	for _, c := range s.sim.CheckRuns(sha) {
		if c.Name == "agora/config" {
			return &c
		}
	}
	return nil
}

var line = regexp.MustCompile(`line \d+|larger than|not UTF-8`)

func TestAPullRequestThatBreaksTheConfigurationIsTold(t *testing.T) {
	t.Parallel()
	s, ctx := playQuietly(t, staging{})
	heads := map[string]string{}
	for name, bad := range hostile {
		pull, err := s.sim.As("lee").OpenPullRequest(rfcs, ghsim.NewPullRequest{Title: name, Files: map[string]string{policyFile: bad.file}})
		must(t, err)
		heads[name] = pull.Head.SHA
	}
	settle(t, ctx, s)
	for name, bad := range hostile {
		check := configCheck(s, heads[name])
		if check == nil {
			t.Errorf("%s: no check agora/config", name)
			continue
		}
		text := check.Output.Summary + check.Output.Text
		if check.Conclusion != "failure" || !line.MatchString(text) || !strings.Contains(html.UnescapeString(text), bad.reason) {
			t.Errorf("%s: %s, %q", name, check.Conclusion, text)
		}
		if len(text) > 60_000 || strings.Contains(text, "@acme/everyone") || strings.Contains(text, "<img") || strings.Contains(text, "<script") {
			t.Errorf("%s: the check shows %.3000q", name, text)
		}
	}
}

func TestAMendedConfigurationTurnsTheCheckGreen(t *testing.T) {
	t.Parallel()
	s, ctx := playQuietly(t, staging{})
	pull, err := s.sim.As("lee").OpenPullRequest(rfcs, ghsim.NewPullRequest{Title: "Rules", Files: map[string]string{policyFile: "version: 1\nrfc:\n  lable: rfc\n  min_supporters: <b>\n"}})
	must(t, err)
	settle(t, ctx, s)
	if check := configCheck(s, pull.Head.SHA); check == nil || check.Conclusion != "failure" || !strings.Contains(check.Output.Summary, "line 3") || strings.Count(check.Output.Summary, "\n- ") != 2 {
		t.Errorf("the check of the broken file: %+v", check)
	}
	sha := s.sim.As("lee").PushToPull(rfcs, pull.Number, map[string]string{policyFile: "version: 1\nrfc:\n  label: rfc\n"})
	settle(t, ctx, s)
	if check := configCheck(s, sha); check == nil || check.Conclusion != "success" {
		t.Errorf("the check of the mended file: %+v", check)
	}
}

// A repository whose first configuration is broken opens no round, and says why.
func TestNoRoundOpensWhereNoGoodConfigurationWasEverRead(t *testing.T) {
	t.Parallel()
	s, ctx := playQuietly(t, staging{})
	asked := map[string]ghsim.Comment{} // by repository, which is named after what is wrong
	for name, bad := range hostile {
		name = strings.ReplaceAll(name, " ", "-")
		s.sim.AddRepository(ghsim.NewRepository{Owner: "acme", Name: name, Files: map[string]string{policyFile: bad.file}})
		issue, err := s.sim.As("maya").OpenIssue("acme/"+name, "First", "", "rfc")
		must(t, err)
		asked[name], err = s.sim.As("maya").Comment("acme/"+name, issue.Number, "/rfc vote")
		must(t, err)
	}
	settle(t, ctx, s)
	for name, c := range asked {
		answer := commentWith(t, s, "acme/"+name, 1, fmt.Sprintf("<!-- agora:reply %d -->", c.ID)).Body
		if !strings.Contains(answer, "configuration") || !strings.Contains(answer, "broken") {
			t.Errorf("%s: answered %q", name, answer)
		}
	}
	jump(t, ctx, s, 15*24*time.Hour) // the discussion is over
	for name := range asked {
		if sticky := commentWith(t, s, "acme/"+name, 1, "<!-- agora:rfc").Body; !strings.Contains(sticky, "broken") {
			t.Errorf("%s: the sticky comment does not say why no round opens:\n%s", name, sticky)
		}
	}
	s.sim.As("maya").PutFile("acme/broken", policyFile, "version: 1\n")
	settle(t, ctx, s)
	jump(t, ctx, s, 2*time.Hour)
	commentWith(t, s, "acme/broken", 1, "<!-- agora:ballot")
}

// voteRules is the part of a round's rules that the ballot comment states.
func voteRules(t *testing.T, s *stage, number int) string {
	t.Helper()
	body := commentWith(t, s, rfcs, number, "<!-- agora:ballot 1/1 -->").Body
	return regexp.MustCompile(`Voting closes \*\*[^*]*\*\*`).FindString(body) + body[strings.Index(body, "The electorate"):]
}

// The rules of an open round are frozen: neither a good nor a broken file on the
// default branch, nor the voted pull request itself, changes them.
func TestAConfigurationChangeInsideTheVotedPullRequestChangesNoRuleOfIt(t *testing.T) {
	t.Parallel()
	const mine = "version: 1\nrfc:\n  min_supporters: 0\n  types:\n    capability_proposal: { discussion: 1s, voting: 1s, quorum: { floor: 1, root: 0, weight: 0% }, approval: 1% }\n"
	s, ctx := playQuietly(t, staging{})
	pull, err := s.sim.As("lee").OpenPullRequest(rfcs, ghsim.NewPullRequest{Title: "New rules", Files: map[string]string{policyFile: mine}})
	must(t, err)
	must(t, s.sim.As("maya").AddLabels(rfcs, pull.Number, "rfc"))
	settle(t, ctx, s)
	writes(t, ctx, s, "maya", pull.Number, "/rfc vote")
	before := voteRules(t, s, pull.Number)
	if !strings.Contains(before, "quorum is 3 voters") {
		t.Fatalf("the proposed rules rule already:\n%s", before)
	}
	s.sim.As("lee").PushToPull(rfcs, pull.Number, map[string]string{policyFile: mine + "  close_on_decision: false\n"})
	settle(t, ctx, s)
	_, err = s.sim.As("lee").Review(rfcs, pull.Number, ghsim.ReviewComment, "Now?")
	must(t, err)
	for _, file := range []string{mine, "version: 1\nrfc: [broken\n"} {
		s.sim.As("maya").PutFile(rfcs, policyFile, file)
		settle(t, ctx, s)
		jump(t, ctx, s, time.Hour)
		if after := voteRules(t, s, pull.Number); after != before {
			t.Errorf("the rules were\n%s\nand are\n%s", before, after)
		}
		if got := theRFC(t, ctx, s).State; got != "voting" {
			t.Errorf("the RFC is %s", got)
		}
	}
}

// A good file that turns bad on the default branch: the last good one keeps ruling,
// new rounds included.
func TestTheLastGoodConfigurationKeepsRuling(t *testing.T) {
	t.Parallel()
	s, ctx := playQuietly(t, staging{})
	s.sim.As("maya").PutFile(rfcs, policyFile, "version: 1\nrfc:\n  types:\n    capability_proposal: { voting: 3d }\n")
	settle(t, ctx, s)
	s.sim.As("maya").PutFile(rfcs, policyFile, hostile["laughs"].file)
	settle(t, ctx, s)
	number, _ := openVote(t, ctx, s)
	day := s.clock.now().Add(3 * 24 * time.Hour).Format("2006-01-02")
	if rules := voteRules(t, s, number); !strings.Contains(rules, day) {
		t.Errorf("want a deadline on %s:\n%s", day, rules)
	}
}

// GitHub's silence is no configuration: nothing opens by default rules.
func TestNoRoundOpensWhileTheConfigurationCannotBeRead(t *testing.T) {
	t.Parallel()
	s, ctx := playQuietly(t, staging{})
	number := openRFC(t, ctx, s)
	s.sim.Fault(ghsim.Fault{PathPattern: "/repos/acme/rfcs/contents/**", Status: 502})
	c := writes(t, ctx, s, "maya", number, "/rfc vote")
	if got := replyTo(t, s, number, c); !strings.Contains(got, "GitHub does not answer") {
		t.Errorf("reply %q", got)
	}
	jump(t, ctx, s, 15*24*time.Hour)
	if got := theRFC(t, ctx, s).State; got != "open" {
		t.Errorf("the RFC is %s", got)
	}
	s.sim.ClearFaults()
	jump(t, ctx, s, time.Hour)
	if got := theRFC(t, ctx, s).State; got != "voting" {
		t.Errorf("the RFC is %s once GitHub answers", got)
	}
}
