package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app/ghsim"
)

// TestWhatIsNoCommandRunsNothing: what a reader does not see as the author's own
// plain words at the start of a line commands nothing, and Agora stays silent.
func TestWhatIsNoCommandRunsNothing(t *testing.T) {
	t.Parallel()
	s, ctx := playQuietly(t, staging{})
	number, _ := openVote(t, ctx, s)
	before := fromAgora(s, number)
	for name, text := range map[string]string{
		"a fence":                   "```\n/vote approve\n```",
		"a fence of tildes":         "~~~text\n/vote approve\n~~~",
		"a fence never closed":      "```\n/vote approve",
		"indented code":             "See:\n\n    /vote approve\n",
		"a tab of indentation":      "See:\n\n\t/vote approve\n",
		"inline code":               "`/vote approve`",
		"inline code over lines":    "`see\n/vote approve\n`",
		"a quote":                   "> /vote approve",
		"a quote that goes on":      "> quoted\n/vote approve",
		"a list":                    "- /vote approve",
		"a heading":                 "# /vote approve",
		"a table":                   "| a |\n|---|\n| /vote approve |",
		"an HTML comment":           "<!--\n/vote approve\n-->",
		"an HTML comment in a line": "<!-- x -->/vote approve",
		"an HTML comment unclosed":  "<!--\n\n/vote approve",
		"folded details":            "<details>\n\n/vote approve\n\n</details>",
		"pre-formatted HTML":        "<pre>\n\n/vote approve\n\n</pre>",
		"a link's text":             "[\n/vote approve\n](https://example.com)",
		"a link's text in a line":   "[/vote approve](https://example.com)",
		"an image's text":           "![\n/vote approve](https://example.com/a.png)",
		"a space before":            " /vote approve",
		"words before":              "Please /vote approve",
		"Cyrillic о":                "/vоte approve",
		"full-width slash":          "／vote approve",
		"division slash":            "∕vote approve",
		"full-width letters":        "/ｖｏｔｅ approve",
		"zero-width space before":   "\u200b/vote approve",
		"zero-width space inside":   "/vo\u200bte approve",
		"zero-width joiner inside":  "/vo\u200dte approve",
		"soft hyphen inside":        "/vo\u00adte approve",
		"right-to-left override":    "\u202e/vote approve",
		"byte-order mark":           "\ufeff/vote approve",
		"an entity":                 "&#47;vote approve",
		"an escape":                 "\\/vote approve",
		"struck out":                "~~no,\n/vote approve\nno~~",
		"a path":                    "/vote/approve",
		"an unknown noun":           "/lgtm",
		"another bot's command":     "/assign @kim",
		"a slash alone":             "/",
		"two slashes":               "//vote approve",
	} {
		c, err := s.sim.As("lee").Comment(rfcs, number, text)
		must(t, err)
		settle(t, ctx, s)
		if got := reactionsOf(s, c.ID); got != "" {
			t.Errorf("%s: Agora reacted with %s", name, got)
		}
	}
	if got := fromAgora(s, number); got != before {
		t.Errorf("Agora wrote %d comments", got-before)
	}
	if got := theRFC(t, ctx, s).Tally["approve"].Voters; got != 0 {
		t.Errorf("%d approve, want none", got)
	}
}

// A verb with a look-alike or invisible letter is not the verb; its noun is ours, so
// that the author hears of it.
func TestAVerbOfLookAlikesVotesNothing(t *testing.T) {
	t.Parallel()
	s, ctx := playQuietly(t, staging{})
	number, _ := openVote(t, ctx, s)
	for _, text := range []string{"/vote аpprove", "/vote app\u200brove", "/vote approve\u2060", "/vote ａｐｐｒｏｖｅ"} {
		writes(t, ctx, s, "lee", number, text)
	}
	if got := theRFC(t, ctx, s).Tally["approve"].Voters; got != 0 {
		t.Errorf("%d approve, want none", got)
	}
}

func TestACommandBetweenOtherWordsRuns(t *testing.T) {
	t.Parallel()
	s, ctx := playQuietly(t, staging{})
	number, _ := openVote(t, ctx, s)
	c := writes(t, ctx, s, "lee", number, "I read it twice.\r\n\r\n> /vote reject\r\n\r\n/VOTE Approve “good”\r\nThank you! 🙏")
	if got := reactionsOf(s, c.ID); got != "rocket" {
		t.Errorf("reactions %q, want rocket", got)
	}
	if got := theRFC(t, ctx, s).Tally; got["approve"].Voters != 1 || got["reject"].Voters != 0 {
		t.Errorf("tally %+v", got)
	}
}

func TestACommentOf100000CharactersIsRefusedWhole(t *testing.T) {
	t.Parallel()
	s, ctx := playQuietly(t, staging{})
	number, _ := openVote(t, ctx, s)
	writes(t, ctx, s, "lee", number, "/vote approve")
	// GitHub takes no such comment, so that only its event can be made up.
	c := writes(t, ctx, s, "noor", number, "words")
	long := commentEvent(t, s, number, c, "/vote reject\n"+strings.Repeat("long ", 20_000))
	if status := deliver(t, ctx, s, "issue_comment", "long", long); status != http.StatusOK {
		t.Fatalf("answered %d", status)
	}
	settle(t, ctx, s)
	if got := theRFC(t, ctx, s).Tally; got["reject"].Voters != 0 || got["approve"].Voters != 1 {
		t.Errorf("tally %+v", got)
	}
	if got := replyTo(t, s, number, c); !strings.Contains(got, "longer than GitHub allows") {
		t.Errorf("reply %q", got)
	}
}

func TestACommentOfGitHubsLargestSizeIsRead(t *testing.T) {
	t.Parallel()
	s, ctx := playQuietly(t, staging{})
	number, _ := openVote(t, ctx, s)
	c := writes(t, ctx, s, "lee", number, "/vote approve\n\n"+strings.Repeat("word ", 13_000))
	if got := reactionsOf(s, c.ID); got != "rocket" {
		t.Errorf("reactions %q, want rocket", got)
	}
}

func TestTenThousandCommandLinesRunTenAndAreAnsweredOnce(t *testing.T) {
	t.Parallel()
	s, ctx := playQuietly(t, staging{})
	number := openRFC(t, ctx, s)
	c := writes(t, ctx, s, "lee", number, strings.Repeat("/rfc\n", 10_000))
	text := replyTo(t, s, number, c)
	if !strings.Contains(text, "10") {
		t.Errorf("the reply does not name the limit: %.2000s", text)
	}
	if len(text) > 60_000 {
		t.Errorf("the reply has %d bytes", len(text))
	}
	if got := reactionsOf(s, c.ID); got != "confused" {
		t.Errorf("reactions %q, want confused", got)
	}
}

func TestMarkdownMadeToBeSlowIsRefused(t *testing.T) {
	t.Parallel()
	s, ctx := playQuietly(t, staging{})
	number, _ := openVote(t, ctx, s)
	for name, text := range map[string]string{
		"quotes":   strings.Repeat(">", 30_000) + "\n\n/vote approve",
		"lists":    strings.Repeat("- ", 20_000) + "x\n\n/vote approve",
		"brackets": strings.Repeat("[", 30_000) + "\n\n/vote approve",
		"links":    strings.Repeat("[a](", 12_000) + "\n\n/vote approve",
		"emphasis": strings.Repeat("*a_ ", 15_000) + "\n\n/vote approve",
		"table":    strings.Repeat("|", 2_000) + "\n" + strings.Repeat("|-", 2_000) + "\n" + strings.Repeat("|\n", 20_000) + "\n/vote approve",
		"elements": strings.Repeat("<a href=x>", 6_000) + "\n\n/vote approve",
	} {
		_, err := s.sim.As("lee").Comment(rfcs, number, text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	settle(t, ctx, s)
}

func TestSomebodyElsesEditRunsNothing(t *testing.T) {
	t.Parallel()
	s, ctx := playQuietly(t, staging{})
	number, _ := openVote(t, ctx, s)
	c := writes(t, ctx, s, "lee", number, "I am thinking about it.")
	jump(t, ctx, s, time.Minute)
	must(t, s.sim.As("maya").EditComment(rfcs, c.ID, "/vote reject\n/rfc withdraw"))
	settle(t, ctx, s)
	if got := reactionsOf(s, c.ID); got != "" {
		t.Errorf("reactions %q", got)
	}
	if got := theRFC(t, ctx, s); got.State != "voting" || got.Tally["reject"].Voters != 0 {
		t.Errorf("the RFC is %+v", got)
	}
	// Nor does a later reading of all comments take the words for their author's.
	must(t, s.sim.As("kim").EditBody(rfcs, number, "Let weights count, slightly."))
	settle(t, ctx, s)
	jump(t, ctx, s, 2*time.Hour)
	if got := theRFC(t, ctx, s).Tally["reject"].Voters; got != 0 {
		t.Errorf("%d reject after a re-reading", got)
	}
}

func TestADeletedCommentRunsNothingAndRetractsNothing(t *testing.T) {
	t.Parallel()
	s, ctx := playQuietly(t, staging{})
	number, _ := openVote(t, ctx, s)
	c := writes(t, ctx, s, "lee", number, "/vote approve")
	must(t, s.sim.As("lee").DeleteComment(rfcs, c.ID))
	settle(t, ctx, s)
	if got := theRFC(t, ctx, s).Tally["approve"].Voters; got != 1 {
		t.Errorf("%d approve, want 1", got)
	}
}

func TestACommentDeletedBeforeItsEventDoesNotVote(t *testing.T) {
	t.Parallel()
	s, ctx := playQuietly(t, staging{})
	number, _ := openVote(t, ctx, s)
	s.sim.HoldWebhooks()
	c, err := s.sim.As("lee").Comment(rfcs, number, "/vote approve")
	must(t, err)
	must(t, s.sim.As("lee").DeleteComment(rfcs, c.ID))
	s.sim.ReleaseWebhooks(ghsim.Release{Shuffle: true, Seed: 2, Twice: true})
	settle(t, ctx, s)
	jump(t, ctx, s, time.Minute)
	if got := theRFC(t, ctx, s).Tally["approve"].Voters; got != 0 {
		t.Errorf("%d approve by a comment that was deleted before its event came", got)
	}
}

// The answers of commands (docs/commands.md).

func TestADoneCommandGetsARocketAndARefusedOneAReply(t *testing.T) {
	t.Parallel()
	s, ctx := playQuietly(t, staging{})
	number, _ := openVote(t, ctx, s)
	done := writes(t, ctx, s, "lee", number, "/vote approve")
	if got := reactionsOf(s, done.ID); got != "rocket" {
		t.Errorf("a done command wears %q", got)
	}
	if got := replyTo(t, s, number, done); got != "" {
		t.Errorf("a done command was answered %q", got)
	}
	refused := writes(t, ctx, s, "zoe", number, "/rfc extend 3d \"more time\"")
	if got := reactionsOf(s, refused.ID); got != "confused" {
		t.Errorf("a refused command wears %q", got)
	}
	if got := replyTo(t, s, number, refused); !strings.Contains(got, "steward") || !strings.Contains(got, "maintain or admin") {
		t.Errorf("the refusal does not say who may: %q", got)
	}
	both := writes(t, ctx, s, "noor", number, "/vote abstain\n/vote abstainn")
	if got := reactionsOf(s, both.ID); !strings.Contains(got, "rocket") || !strings.Contains(got, "confused") {
		t.Errorf("one done and one refused wear %q", got)
	}
}

func TestAMistypedCommandIsToldWhatWasMeant(t *testing.T) {
	t.Parallel()
	s, ctx := playQuietly(t, staging{})
	number, _ := openVote(t, ctx, s)
	for text, want := range map[string]string{
		"/vote aprove":         "did you mean `/vote approve`?",
		"/vote":                "approve, reject, request-changes, abstain, retract",
		"/rfc extend soon":     "Usage: `/rfc extend",
		"/concern resolve one": "Usage: `/concern resolve",
		"/concern raise \"an unclosed quote of many words": "not closed",
	} {
		c := writes(t, ctx, s, "lee", number, text)
		if got := replyTo(t, s, number, c); !strings.Contains(got, want) {
			t.Errorf("%q was answered %q, want %q in it", text, got, want)
		}
		if got := reactionsOf(s, c.ID); got != "confused" {
			t.Errorf("%q wears %q", text, got)
		}
	}
}

func TestAnEditMendsOneReplyAndRunsOnlyWhatIsNew(t *testing.T) {
	t.Parallel()
	s, ctx := playQuietly(t, staging{})
	number, _ := openVote(t, ctx, s)
	c := writes(t, ctx, s, "lee", number, "/concern raise \"The quorum is far too low for this.\"\n/vote aprove")
	first := repliesTo(s, number, c)
	if len(first) != 1 {
		t.Fatalf("%d replies, want 1", len(first))
	}
	must(t, s.sim.As("lee").EditComment(rfcs, c.ID, "/concern raise \"The quorum is far too low for this.\"\n/vote apprve"))
	settle(t, ctx, s)
	must(t, s.sim.As("lee").EditComment(rfcs, c.ID, "/concern raise \"The quorum is far too low for this.\"\n/vote approve"))
	settle(t, ctx, s)
	if got := repliesTo(s, number, c); len(got) != 1 || got[0].ID != first[0].ID || strings.Contains(got[0].Body, "did you mean") {
		t.Errorf("replies after mending: %+v", got)
	}
	if got := reactionsOf(s, c.ID); got != "rocket" {
		t.Errorf("the mended comment wears %q", got)
	}
	if got := theRFC(t, ctx, s).Tally["approve"].Voters; got != 1 {
		t.Errorf("%d approve, want 1", got)
	}
	jump(t, ctx, s, 4*time.Hour) // longer than edits of the sticky comment are spaced
	sticky := commentWith(t, s, rfcs, number, "<!-- agora:rfc 1 -->").Body
	if !strings.Contains(sticky, "**Concerns** 1 open") {
		t.Errorf("the concern was raised more than once, or not at all:\n%s", sticky)
	}
}

func TestEditingATakenVoteChangesNothingAndSaysSoOnce(t *testing.T) {
	t.Parallel()
	s, ctx := playQuietly(t, staging{})
	number, _ := openVote(t, ctx, s)
	c := writes(t, ctx, s, "lee", number, "/vote approve")
	for _, text := range []string{"/vote reject", "/vote abstain", "never mind", "/vote reject"} {
		must(t, s.sim.As("lee").EditComment(rfcs, c.ID, text))
		settle(t, ctx, s)
	}
	if got := theRFC(t, ctx, s).Tally; got["approve"].Voters != 1 || got["reject"].Voters != 0 || got["abstain"].Voters != 0 {
		t.Errorf("tally %+v", got)
	}
	if got := replyTo(t, s, number, c); strings.Count(got, "changes nothing") != 1 {
		t.Errorf("reply %q", got)
	}
}

func TestBotsCommandNothing(t *testing.T) {
	t.Parallel()
	s, ctx := playQuietly(t, staging{})
	number, _ := openVote(t, ctx, s)
	s.sim.AddUser(ghsim.NewUser{Login: "helper[bot]", Bot: true})
	c := writes(t, ctx, s, "helper[bot]", number, "/vote approve\n/vote aprove")
	if got := reactionsOf(s, c.ID); got != "" || replyTo(t, s, number, c) != "" {
		t.Errorf("a bot was answered with %q", got)
	}
}
