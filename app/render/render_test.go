package render_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/app/render"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/config"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".md")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got, rewrite with -update):\n%s", path, diff)
	}
}

// stories are one view for each state, and those with something to warn of.
func stories() map[string]rfc.View {
	passing := func() *story { return newStory().vote().cast(rfc.Approve, 1, 12) }
	draft := newStory().state(rfc.Draft, "reopened")
	blocked := newStory().concern("It does not say what happens to old votes.", "")
	blocked.rfc.OpenBlocked = "GitHub did not answer when .github/agora.yml was read"

	unruled := newStory()
	unruled.rfc.OpenBlocked, unruled.view.Unruled = "the configuration of this repository is broken", true

	warned := newStory().vote().ballots().cast(rfc.RequestChanges, 15, 16).cast(rfc.Approve, 99, 99)
	round := warned.record.Round
	round.TextChangedAt = round.OpenedAt.Add(time.Hour)
	round.EarlyCloseAt = round.Planned.Add(-24 * time.Hour)
	round.ConfirmBy = round.Planned.Add(72 * time.Hour)
	round.Extensions = []rfc.Extension{{By: app.User{ID: 2, Login: "noor"}, At: round.OpenedAt.Add(time.Hour), For: 3 * config.Day, Why: "holidays"}}
	warned.record.Affiliations = map[int64]string{1: "Umbrella", 2: "Umbrella", 3: "Umbrella", 4: "Umbrella"}

	extended := newStory().vote().cast(rfc.Approve, 1, 12)
	extended.record.Round.Extensions = warned.record.Round.Extensions

	issue := newStory().vote()
	issue.rfc.Kind = rfc.KindIssue
	issue.record.Round.Supersedes = []int{3, 5}

	nobody := newStory().vote().cast(rfc.Approve, 1, 1)
	nobody.record.Voters, nobody.record.Round.Heads, nobody.record.Round.Eligible, nobody.record.Round.Weight = nil, 0, 0, 0
	nobody.record.Round.PolicyBroken = "line 3: rfc.min_supporters: must be a whole number from 0 to 1000, not @everyone <b>text</b>"

	changed := passing().decide()
	changed.rfc.Text.Hash = "fedcba"
	again := newStory().vote().cast(rfc.Approve, 1, 3).decide()
	again.rfc.RetryAt = again.rfc.DecidedAt.AddDate(0, 0, 7)
	superseded := passing().decide().state(rfc.Superseded, "")
	superseded.rfc.SupersededBy = 12
	implemented := passing().decide().state(rfc.Implemented, "")
	implemented.rfc.ImplementedBy = "acme/rfcs#431"

	return map[string]rfc.View{
		"draft":             draft.shown(),
		"open":              newStory().shown(),
		"open-blocked":      blocked.shown(),
		"open-unruled":      unruled.shown(),
		"voting":            newStory().vote().ballots().concern("The quorum of small teams is out of reach.", "it is capped at N").shown(),
		"voting-passing":    passing().shown(),
		"voting-empty":      issue.shown(),
		"voting-warnings":   warned.shown(),
		"voting-nobody":     nobody.shown(),
		"voting-extended":   extended.shown(),
		"accepted":          passing().decide().shown(),
		"accepted-changed":  changed.shown(),
		"rejected":          newStory().vote().cast(rfc.Approve, 1, 5).cast(rfc.Reject, 6, 14).decide().shown(),
		"postponed":         newStory().vote().cast(rfc.Approve, 1, 3).decide().shown(),
		"postponed-again":   again.shown(),
		"changes-requested": passing().concern("The quorum of small teams is out of reach.", "").decide().shown(),
		"withdrawn":         newStory().state(rfc.Withdrawn, "not needed any more").shown(),
		"superseded":        superseded.shown(),
		"implemented":       implemented.shown(),
	}
}

func TestTheStickyEndsWithWhereTheTrailEnds(t *testing.T) {
	t.Parallel()
	v := newStory().shown()
	without := render.New().Sticky(v)
	v.Head = audit.Head{Seq: 41, Hash: strings.Repeat("3f", 32)}
	want := without + "\n" + rfc.TrailMark + "<sub>Audit trail sealed up to entry 41: <code>" + v.Head.Hash + "</code></sub>\n"
	if diff := cmp.Diff(want, render.New().Sticky(v)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A vote that closes early before its planned end was not extended, whatever a steward gave before.
func TestAnEarlyCloseEndsAnExtension(t *testing.T) {
	t.Parallel()
	v := stories()["voting-extended"]
	v.Round.EarlyCloseAt = v.Round.Planned.Add(-24 * time.Hour)
	v.Result.Deadline = v.Round.EarlyCloseAt
	if text := render.New().Sticky(v); strings.Contains(text, "was extended") || !strings.Contains(text, "closes early") {
		t.Error(text)
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	r := render.New()
	for name, v := range stories() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden(t, "sticky-"+name, r.Sticky(v))
			title, summary := r.Check(v)
			golden(t, "check-"+name, title+"\n\n"+summary)
			if v.Round == nil {
				return
			}
			golden(t, "ballot-"+name, r.Ballot(v, v.Round, v.Result))
			if v.Round.Closed() {
				golden(t, "decision-"+name, r.Decision(v, v.Round, v.Result))
			}
		})
	}
}

func TestStickyShowsTheExampleOfTheInterface(t *testing.T) {
	t.Parallel()
	body := render.New().Sticky(stories()["voting"])
	for _, want := range []string{
		"<!-- agora:rfc 7 -->\n## RFC-7 · Weighted quorum — voting\n",
		"**Would fail now**: quorum short by 1 voter, 1 open concern · closes **2026-10-12 18:00 UTC** · [why](https://agora.example/c/acme/rfcs/7)\n",
		"✅ Draft → ✅ Open → **🔵 Voting** → ⚪ Decision\n",
		"| 👍 Approve | 31.52 | `██████████████░░░░░░` 74 % | 9 |\n",
		"| 👎 Reject | 11.00 | `█████░░░░░░░░░░░░░░░` 26 % | 3 |\n",
		"| 👀 Abstain | 4.00 | counts for quorum only | 2 |\n",
		"**Quorum** 11 of 12 voters ❌ · 35.52 of 30.10 weight ✅ — **Approval** 74 % of at least 66.67 % ✅ — **Concerns** 1 open ❌ — **One person, one vote:** would fail too\n",
		"**kim**: `/concern resolve 1`",
		"<details><summary>Ballots (14)</summary>",
		"<details><summary>Rules, frozen at 9f3c2ab</summary>",
		"<details><summary>History</summary>",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the sticky comment lacks %q", want)
		}
	}
}

func TestARequestForChangesThatWasMetIsShownAsAnAbstention(t *testing.T) {
	t.Parallel()
	v := newStory().vote().cast(rfc.RequestChanges, 15, 15).shown()
	if body := render.New().Sticky(v); strings.Contains(body, "abstain, as") {
		t.Errorf("a request for changes that stands is shown as an abstention:\n%s", body)
	}
	v.Result.Ballots[0].CountsAs = rfc.Abstain
	if body := render.New().Sticky(v); !strings.Contains(body, "| ✅ 👀 abstain, as its concern was met |") {
		t.Errorf("nothing says what the ballot counts as:\n%s", body)
	}
}

func TestBodiesOnlyChangeWithWhatTheyShow(t *testing.T) {
	t.Parallel()
	r := render.New()
	before := newStory().vote().ballots()
	after := newStory().vote().ballots().cast(rfc.Abstain, 15, 15)
	later := before.shown()
	later.Now = later.Now.AddDate(1, 0, 0)
	if r.Sticky(before.shown()) != r.Sticky(later) {
		t.Error("the sticky comment changes though only time passed")
	}
	if r.Sticky(before.shown()) == r.Sticky(after.shown()) {
		t.Error("the sticky comment does not show a new vote")
	}
	one, two := newStory().vote().ballots().shown(), newStory().vote().cast(rfc.Approve, 1, 8).cast(rfc.Reject, 10, 12).shown()
	if diff := cmp.Diff(r.Ballot(one, one.Round, one.Result), r.Ballot(two, two.Round, two.Result)); diff != "" {
		t.Errorf("the ballot comment changes with votes:\n%s", diff)
	}
	title, summary := r.Check(one)
	titleTwo, summaryTwo := r.Check(two)
	if diff := cmp.Diff(title+summary, titleTwo+summaryTwo); diff != "" {
		t.Errorf("the check changes with votes though the verdict stays:\n%s", diff)
	}
}

func TestApprovalThatIsReachedNeverReadsAsMissed(t *testing.T) {
	t.Parallel()
	// Six of nine equal votes are exactly the two thirds that a standard needs.
	s := newStory().vote()
	for i := range s.record.Voters {
		s.record.Voters[i].Weight, s.record.Voters[i].Reputation = 100, 0
	}
	s.cast(rfc.Approve, 1, 6).cast(rfc.Reject, 7, 9)
	body := render.New().Sticky(s.shown())
	if want := "**Approval** 66.67 % of at least 66.67 % ✅"; !strings.Contains(body, want) {
		t.Errorf("want %q in:\n%s", want, body)
	}
}

func TestAnnouncementMentionsOnlyWhileVoting(t *testing.T) {
	t.Parallel()
	team, err := config.ParseSteward("@acme/everyone")
	if err != nil {
		t.Fatal(err)
	}
	s := newStory().vote().cast(rfc.Approve, 1, 12)
	s.record.Round.Policy.Announce.Mention = []config.Steward{team}
	r := render.New()
	v := s.shown()
	if body := r.Ballot(v, v.Round, v.Result); strings.Count(body, "@acme/everyone") != 1 {
		t.Errorf("the open ballot should mention the team once:\n%s", body)
	}
	if body := r.Sticky(v); strings.Contains(body, "@") {
		t.Error("the sticky comment mentions somebody")
	}
	v = s.decide().shown()
	if body := r.Ballot(v, v.Round, v.Result) + r.Decision(v, v.Round, v.Result); strings.Contains(body, "@") {
		t.Errorf("a closed ballot or a decision mentions somebody:\n%s", body)
	}
}

func TestReplyIsMarkedWithTheCommentItAnswers(t *testing.T) {
	t.Parallel()
	if got, want := render.New().Reply(991, "Done.\n\n\n"), "<!-- agora:reply 991 -->\nDone.\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLabelsAreWhatGitHubTakes(t *testing.T) {
	t.Parallel()
	labels := map[string]app.LabelSpec{}
	for _, l := range render.New().Labels() {
		labels[l.Name] = l
		if len(l.Name) > 50 || len(l.Color) != 6 || strings.Trim(l.Color, "0123456789abcdef") != "" || l.Description == "" || len(l.Description) > 100 {
			t.Errorf("GitHub does not take %+v", l)
		}
	}
	for _, name := range []string{
		"rfc", "rfc-type/roadmap", "rfc-type/capability-proposal", "rfc-type/standard", "rfc-type/policy-change", "rfc-type/breaking-change",
		"rfc/draft", "rfc/open-for-comment", "rfc/voting", "rfc/accepted", "rfc/rejected", "rfc/postponed", "rfc/changes-requested",
		"rfc/withdrawn", "rfc/superseded", "rfc/implemented",
	} {
		if _, ok := labels[name]; !ok {
			t.Errorf("no label %s", name)
		}
	}
	if len(labels) != 16 {
		t.Errorf("%d labels, want 16", len(labels))
	}
}

// Instants of the trail are shown as all others are.
func TestTheHistoryShowsInstantsAsTheyAreShownElsewhere(t *testing.T) {
	t.Parallel()
	s := newStory().vote()
	s.log("extended", "2026-10-12T18:00:00Z", "2026-10-15T18:00:00Z", "holidays", 1, opened)
	want := "extended: 2026-10-12 18:00 UTC → **2026-10-15 18:00 UTC** · maya · holidays"
	if body := render.New().Sticky(s.view); !strings.Contains(body, want) {
		t.Errorf("the history lacks %q:\n%s", want, body)
	}
}
