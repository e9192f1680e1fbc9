package main

import (
	"context"
	"html"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/ghsim"
	"github.com/agora-rfc/agora/app/rfc"
)

func (s *scene) configure(repo, rules string) {
	s.t.Helper()
	s.sim.As("maya").PutFile(repo, policyFile, rules)
	s.settle()
}

// configCheck is the newest check run agora/config at a pull request's head.
func (s *scene) configCheck(number int) (ghsim.CheckRun, bool) {
	for _, run := range s.sim.CheckRuns(s.head(number)) {
		if run.Name == "agora/config" {
			return run, true
		}
	}
	return ghsim.CheckRun{}, false
}

func TestTheRulesAreFrozenWithTheRound(t *testing.T) {
	t.Parallel()
	s := ruled(t, staging{}, "rfc: { types: { capability_proposal: { discussion: 1h, voting: 90m } } }\n")
	first := s.issue("kim", "Under the old rules", "Text.", "rfc")
	s.pass(time.Hour + time.Second)
	s.is(first, rfc.Voting)
	before := s.rfc(1)
	if got := before.Deadline.Sub(before.VotingOpenedAt); got != 90*time.Minute {
		t.Errorf("the round lasts %s, want 90 minutes", got)
	}
	s.configure(rfcs, "version: 1\nrfc: { types: { capability_proposal: { discussion: 1h, voting: 30m, quorum: { floor: 5 } } } }\n")
	second := s.issue("kim", "Under the new rules", "Text.", "rfc")
	s.done("maya", second, "/rfc vote")
	after, next := s.rfc(1), s.rfc(2)
	if !after.Deadline.Equal(before.Deadline) || after.PolicyVersion != before.PolicyVersion || after.Quorum.Heads.Need != 3 {
		t.Errorf("the open round changed: %+v", after)
	}
	if next.Deadline.Sub(next.VotingOpenedAt) != 30*time.Minute || next.PolicyVersion == before.PolicyVersion || next.Quorum.Heads.Need != 5 {
		t.Errorf("the new round is under the old rules: %+v", next)
	}
	s.react(first, 1, 1, "+1", "maya", "lee", "noor")
	s.over(2 * time.Hour)
	s.is(first, rfc.Accepted)
}

func TestABrokenConfigurationFailsItsCheckAndChangesNothing(t *testing.T) {
	t.Parallel()
	s := ruled(t, staging{}, "rfc: { types: { capability_proposal: { voting: 2d } } }\n")
	broken := s.pull("kim", ghsim.NewPullRequest{Title: "Break it", Files: map[string]string{policyFile: "version: 1\nrfc:\n  min_supporters: many\n"}})
	run, has := s.configCheck(broken)
	if !has || run.Conclusion != "failure" {
		t.Fatalf("the check of a broken configuration is %q", run.Conclusion)
	}
	s.contains(html.UnescapeString(run.Output.Summary), "line 3", "min_supporters")
	good := s.pull("kim", ghsim.NewPullRequest{Title: "Mend it", Files: map[string]string{policyFile: "version: 1\nrfc: { min_supporters: 1 }\n"}})
	if run, _ := s.configCheck(good); run.Conclusion != "success" {
		t.Errorf("the check of a good configuration is %q", run.Conclusion)
	}
	other := s.pull("kim", ghsim.NewPullRequest{Title: "Leave it alone"})
	if _, has := s.configCheck(other); has {
		t.Error("a pull request that leaves the configuration alone has its check")
	}
	number := s.issue("kim", "Under the last good rules", "Text.", "rfc")
	s.ok(s.sim.As("maya").Merge(rfcs, broken))
	s.done("maya", number, "/rfc vote")
	if r := s.rfc(1); r.Deadline.Sub(r.VotingOpenedAt) != 2*day {
		t.Errorf("the round lasts %s, want the 2 days of the last good rules", r.Deadline.Sub(r.VotingOpenedAt))
	}
	const lastGood = "this round follows the last good one"
	s.contains(html.UnescapeString(s.sticky(number, 1)), lastGood, "line 3")
	s.configure(rfcs, "version: 1\n")
	s.done("maya", number, `/rfc restart "the rules are mended"`)
	if sticky := s.sticky(number, 1); strings.Contains(sticky, lastGood) {
		t.Errorf("a round under the rules that stand says it is not:\n%s", sticky)
	}
}

// Where nobody has joined yet a vote opens, as RULES §2 says, and cannot pass: it says so,
// and what to do.
func TestAVoteOfAnEmptyElectorateSaysWhatToDo(t *testing.T) {
	t.Parallel()
	s, ctx, issue := planted(t, "nova")
	say := func(text string) {
		t.Helper()
		_, err := s.sim.As("nova").Comment(garden, issue.Number, text)
		must(t, err)
		settle(t, ctx, s)
	}
	say("/rfc vote")
	const warning = "so this vote cannot pass. Everybody who should vote says `/member join`; then a steward says `/rfc restart \"why\"`"
	for _, marker := range []string{"<!-- agora:rfc 1 -->", "<!-- agora:ballot 1/1 -->"} {
		if body := commentWith(t, s, garden, issue.Number, marker).Body; !strings.Contains(body, warning) {
			t.Errorf("%s does not say what to do:\n%s", marker, body)
		}
	}
	say("/member join")
	say(`/rfc restart "I had forgotten to join"`)
	say("/vote approve")
	if body := commentWith(t, s, garden, issue.Number, "<!-- agora:rfc 1 -->").Body; strings.Contains(body, warning) {
		t.Errorf("the warning stays:\n%s", body)
	}
	jump(t, ctx, s, 15*time.Minute+5*time.Second)
	jump(t, ctx, s, 5*time.Second)
	if decision := commentWith(t, s, garden, issue.Number, "<!-- agora:decision 1/2 -->").Body; !strings.Contains(decision, "✅ accepted") {
		t.Errorf("not accepted:\n%s", decision)
	}
}

// configChecks are the check runs agora/config on a commit.
func (s *scene) configChecks(sha string) (runs []ghsim.CheckRun) {
	for _, run := range s.sim.CheckRuns(sha) {
		if run.Name == "agora/config" {
			runs = append(runs, run)
		}
	}
	return runs
}

func TestAPushToTheDefaultBranchGetsTheCheckOfItsConfiguration(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	push := func(repo, path, content string) []ghsim.CheckRun {
		t.Helper()
		sha := s.sim.As("maya").PutFile(repo, path, content)
		s.settle()
		return s.configChecks(sha)
	}
	runs := push(rfcs, policyFile, "version: 1\nrfc:\n  min_supporters: many\n  \"@acme/everyone <b>\": 1\n")
	if len(runs) != 1 || runs[0].Conclusion != "failure" {
		t.Fatalf("a broken configuration was pushed; its checks: %+v", runs)
	}
	s.contains(html.UnescapeString(runs[0].Output.Summary), "line 3", "min_supporters")
	if strings.Contains(runs[0].Output.Summary, "@acme") || strings.Contains(runs[0].Output.Summary, "<b>") {
		t.Errorf("what the file says comes alive: %s", runs[0].Output.Summary)
	}
	if runs := push(rfcs, "README.md", "Nothing of Agora's."); len(runs) != 0 {
		t.Errorf("a push that leaves the configuration alone got %+v", runs)
	}
	runs = push(rfcs, policyFile, "version: 1\n")
	if len(runs) != 1 || runs[0].Conclusion != "success" {
		t.Errorf("a mended configuration was pushed; its checks: %+v", runs)
	}
	s.contains(runs[0].Output.Summary, "from now on")
	s.ok(s.sim.As("maya").RerequestCheckRun(rfcs, runs[0].ID))
	if again := s.configChecks(runs[0].HeadSHA); len(again) != 2 || again[1].Conclusion != "success" {
		t.Errorf("asked for again, the checks are %+v", again)
	}
	var repo app.Repository
	must(t, s.agora.store.RFC().View(s.ctx, func(ctx context.Context, tx rfc.Tx) (err error) {
		repo, err = tx.RepositoryByName(ctx, "acme", "rfcs")
		return err
	}))
	must(t, s.agora.rfcs.CheckConfig(s.ctx, rfc.Order{Ref: app.IssueRef{Repository: repo.ID}, SHA: runs[0].HeadSHA}))
	if again := s.configChecks(runs[0].HeadSHA); len(again) != 2 {
		t.Errorf("the check was made without need: there are %d", len(again))
	}
}

// In a repository that has rules, people find the label that makes an RFC.
func TestTheLabelsAreThereOnceTheRulesAre(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	names := func() (names []string) {
		for _, label := range s.sim.RepositoryLabels(rfcs) {
			names = append(names, label.Name)
		}
		return names
	}
	s.configure(rfcs, "version: [1\n")
	if slices.Contains(names(), "proposal") {
		t.Errorf("by broken rules there are %q", names())
	}
	s.configure(rfcs, "version: 1\nrfc: { label: proposal }\n")
	if got := names(); !slices.Contains(got, "proposal") || !slices.Contains(got, "rfc-type/standard") || slices.Contains(got, "rfc") {
		t.Errorf("the labels are %q", got)
	}
	s.sim.ResetCounters()
	s.configure(rfcs, "version: 1\nrfc: { label: proposal, min_supporters: 1 }\n")
	if counts, table := asked(s.stage); counts["POST /repos/{owner}/{repo}/labels"]+counts["GET /repos/{owner}/{repo}/labels"] > 0 {
		t.Errorf("they are made, or looked for, again:\n%s", table)
	}
}

func TestALockedOwnersConfigurationIsSaidInTheCheck(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	s.sim.AddRepository(ghsim.NewRepository{Owner: "acme", Name: ".github", Files: map[string]string{policyFile: "version: 1\nlocked: true\n"}})
	s.settle()
	for _, file := range []string{"version: 1\nrfc: { min_supporters: 1 }\n", "version: 1\nrfc: { no_such_key: 1 }\n"} {
		number := s.pull("kim", ghsim.NewPullRequest{Title: "Our own rules", Files: map[string]string{policyFile: file}})
		run, has := s.configCheck(number)
		if !has || run.Conclusion != "success" {
			t.Fatalf("the check of a file that is not read is %q", run.Conclusion)
		}
		s.contains(run.Output.Title, "locked", "not read")
		s.contains(run.Output.Summary, "locked: true")
		if strings.Contains(run.Output.Summary, "follows") {
			t.Errorf("the check promises what will never be: %s", run.Output.Summary)
		}
	}
}

// What only the owner's file may say is good there, proposed as well as pushed.
func TestTheOwnersConfigurationIsJudgedAsTheOwners(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	const owners = "acme/.github"
	s.sim.AddRepository(ghsim.NewRepository{Owner: "acme", Name: ".github", Collaborators: map[string]string{"maya": "admin"}})
	s.settle()
	for n, file := range []string{"version: 1\nlocked: true\n", "version: 1\nreputation: { spam_removed: no }\n"} {
		want := []string{"success", "failure"}[n]
		pull, err := s.sim.As("maya").OpenPullRequest(owners, ghsim.NewPullRequest{Title: "Rules for all", Files: map[string]string{policyFile: file}})
		s.ok(err)
		s.settle()
		pushed := s.sim.As("maya").PutFile(owners, policyFile, file)
		s.settle()
		for _, sha := range []string{pull.Head.SHA, pushed} {
			runs := s.configChecks(sha)
			if len(runs) != 1 || runs[0].Conclusion != want {
				t.Fatalf("%q: the checks are %+v, want one: %s", file, runs, want)
			}
			if strings.Contains(runs[0].Output.Summary, "belongs into") {
				t.Errorf("the owner's file is told to go where it is: %s", runs[0].Output.Summary)
			}
		}
	}
}

// A repository that cannot be read does not keep the owner's file from the others.
func TestTheOwnersFileReachesTheOthersWhereOneRepositoryCannotBeRead(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	for _, name := range []string{"proposals", ".github"} {
		s.sim.AddRepository(ghsim.NewRepository{Owner: "acme", Name: name, Collaborators: map[string]string{"kim": "write"}})
	}
	s.settle()
	s.sim.Fault(ghsim.Fault{Method: "GET", PathPattern: "/repos/acme/rfcs/contents/**", Status: 503})
	s.configure("acme/.github", "version: 1\nrfc: { label: proposal }\n")
	i, err := s.sim.As("kim").OpenIssue("acme/proposals", "By the new rules", "Text.", "proposal")
	s.ok(err)
	s.isIn("acme/proposals", i.Number, rfc.Open)
	s.sim.ClearFaults()
	s.pass(20 * time.Minute)
	s.is(s.issue("kim", "By the new rules, read at last", "Text.", "proposal"), rfc.Open)
}

func TestNoRoundOpensWhileGitHubDoesNotAnswer(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	number := s.issue("kim", "GitHub is down", "Text.", "rfc")
	s.sim.Fault(ghsim.Fault{Method: "GET", PathPattern: "/repos/acme/rfcs/contents/**", Status: 503})
	s.over(14 * day)
	s.is(number, rfc.Open)
	s.sim.ClearFaults()
	s.pass(20 * time.Minute)
	s.pass(20 * time.Minute)
	s.is(number, rfc.Voting)
	if r := s.rfc(1); r.Deadline.Sub(r.VotingOpenedAt) != 7*day {
		t.Errorf("a round that opened late lasts %s, want its whole period", r.Deadline.Sub(r.VotingOpenedAt))
	}
}

func TestStewardsNamedByLoginAndByTeam(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	s.sim.AddTeam(ghsim.NewTeam{Organization: "acme", Slug: "stewards", Members: []string{"lee"}})
	s.configure(rfcs, "version: 1\nstewards: [\"@acme/stewards\", \"zoe\"]\n")
	byTeam := s.issue("kim", "By the team", "Text.", "rfc")
	byLogin := s.issue("kim", "By login", "Text.", "rfc")
	s.refused("noor", byTeam, "/rfc vote", "acme")
	s.done("lee", byTeam, "/rfc vote")
	s.done("zoe", byLogin, "/rfc vote")
	// Permission is asked for each time and never remembered.
	s.ok(s.sim.As("maya").RemoveFromTeam("acme", "stewards", "lee"))
	s.refused("lee", byTeam, `/rfc extend 1d "holidays"`, "only a steward")
}

func TestSettingsOfARepository(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	s.sim.AddTeam(ghsim.NewTeam{Organization: "acme", Slug: "everyone", Members: []string{"lee"}})
	s.configure(rfcs, `version: 1
rfc:
  label: proposal
  types:
    capability_proposal: { discussion: 90s, voting: 15m, quorum: { floor: 1, root: 0, weight: 1% }, approval: ">1/2" }
  electorate: { auto_register: false }
  min_supporters: 1
  close_on_decision: false
announce: { mention: ["@acme/everyone"] }
`)
	if other := s.issue("kim", "With the default label", "Text.", "rfc"); strings.Contains(strings.Join(s.sim.Labels(rfcs, other), " "), "rfc/") {
		t.Error("the default label still makes an RFC")
	}
	number := s.issue("kim", "With the configured label", "Text.", "proposal")
	s.is(number, rfc.Open)
	s.say("rob", number, "I take no part.")
	if reply := s.say("maya", number, "/member show @rob"); strings.Contains(s.replyTo(rfcs, number, reply), "joined") {
		t.Error("a comment registered its author though that is off")
	}
	s.pass(90*time.Second + time.Second)
	s.is(number, rfc.Voting)
	s.contains(s.ballot(number, 1, 1).Body, "@acme/everyone")
	s.done("lee", number, "/vote approve")
	s.over(30 * time.Minute)
	s.is(number, rfc.Accepted)
	if !s.isOpen(number) {
		t.Error("the issue was closed though that is off")
	}
}

func TestSupportersOtherThanTheAuthor(t *testing.T) {
	t.Parallel()
	s := ruled(t, staging{}, "rfc: { types: { capability_proposal: { quorum: { floor: 1, root: 0, weight: 1% } } } }\n")
	number := s.issue("maya", "Alone", "Text.", "rfc")
	s.done("maya", number, "/rfc vote")
	s.react(number, 1, 1, "+1", "maya", "lee")
	s.over(7 * day)
	s.is(number, rfc.Postponed)
	s.contains(s.decision(number, 1, 1), "1 approval besides the author missing")
}

func TestTheOwnersLockedFileRulesEveryRepository(t *testing.T) {
	t.Parallel()
	s := newScene(t, staging{})
	s.sim.AddRepository(ghsim.NewRepository{Owner: "acme", Name: ".github"})
	s.configure("acme/.github", "version: 1\nlocked: true\nrfc: { types: { capability_proposal: { voting: 3d } } }\n")
	s.configure(rfcs, "version: 1\nrfc: { types: { capability_proposal: { voting: 1h } } }\n")
	number := s.issue("kim", "Locked", "Text.", "rfc")
	s.done("maya", number, "/rfc vote")
	if r := s.rfc(1); r.Deadline.Sub(r.VotingOpenedAt) != 3*day {
		t.Errorf("the round lasts %s, want the 3 days of the owner's locked file", r.Deadline.Sub(r.VotingOpenedAt))
	}
	s.configure("acme/.github", "version: 1\nrfc: { types: { capability_proposal: { voting: 3d } } }\n")
	s.done("maya", number, `/rfc restart "under the repository's own rules"`)
	if r := s.rfc(1); r.Deadline.Sub(r.VotingOpenedAt) != time.Hour {
		t.Errorf("the round lasts %s, want the hour of the repository's file", r.Deadline.Sub(r.VotingOpenedAt))
	}
}
