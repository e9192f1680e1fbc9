package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app/ghsim"
	"github.com/agora-rfc/agora/store/storetest"
)

// nasty is a text made of everything that could come alive where it is shown.
const nasty = "@acme/everyone @maya [click](http://evil.example) <script>alert(1)</script> <img src=x onerror=alert(1)> " +
	"![i](http://evil.example/i.png) | a | b | `code` **bold** &lt;b&gt; &#64;kim #1 GH-1 acme/rfcs#1 www.evil.example " +
	"http://evil.example kim@evil.example :tada: $x$ <!-- agora:rfc 1 --> --> </details> /vote approve \u202etxt.exe"

// nastyTitle is as much of it as a title may have, with words added.
const nastyTitle = "@acme/everyone [click](http://evil.example) <script>alert(1)</script> <img src=x onerror=alert(1)> | `c` **bold** &lt; #1 www.evil.example --> </details>"

// codeSpan is usage of ours: people's backticks are escaped.
var codeSpan = regexp.MustCompile("`[^`\n]*`")

// alive finds in Markdown what GitHub would make a mention, a link, HTML, … of.
var alive = regexp.MustCompile(`(?i)(^|[^\p{L}\p{N}_` + "`" + `&#;\x{200b}])@[a-z]|<script|<img|\]\(http://evil|(^|[\s(])(https?://|www\.)evil|onerror=alert\(1\)>|\x{202e}|\*\*bold\*\*|<!-- agora:rfc 1 -->.+<!--`)

// TestTextsOfPeopleComeAliveNowhere: titles, reasons, names and labels made of
// Markdown, HTML, mentions and entities, in everything that Agora writes.
func TestTextsOfPeopleComeAliveNowhere(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s, ctx := playQuietly(t, staging{databaseURL: url})
		issue, err := s.sim.As("kim").OpenIssue(rfcs, nastyTitle, nasty+"\n\nSupersedes: RFC-<script>", "rfc")
		must(t, err)
		settle(t, ctx, s)
		number := issue.Number
		writes(t, ctx, s, "lee", number, "/concern raise \""+strings.ReplaceAll(nasty, `"`, "")+"\"")
		for _, text := range []string{
			"/vote <script>alert(1)</script>", "/vote @acme/everyone", "/rfc extend \"" + nasty + "\" 3d", "/member show @<img>", "/rfc list state=<b>",
			"/concern resolve @maya", "/vote approve \"@acme/everyone [x](http://evil.example) | `", "/member show @maya", "/rfc list", "/member inbox",
			"/agora help [click](http://evil.example)",
		} {
			writes(t, ctx, s, "lee", number, text)
		}
		writes(t, ctx, s, "kim", number, "/concern address 1 \""+nasty+"\"")
		writes(t, ctx, s, "lee", number, "/concern resolve 1")
		writes(t, ctx, s, "maya", number, "/rfc vote")
		ballot := commentWith(t, s, rfcs, number, "<!-- agora:ballot 1/1 -->")
		react(t, s, "maya", ballot, "+1")
		react(t, s, "sam", ballot, "+1")
		writes(t, ctx, s, "noor", number, "/vote approve \""+nasty+"\"")
		writes(t, ctx, s, "lee", number, "/vote request-changes \""+nasty+"\"")
		writes(t, ctx, s, "maya", number, "/rfc extend 1h \""+nasty+"\"")
		must(t, s.sim.As("kim").EditTitle(rfcs, number, nastyTitle+" again"))
		settle(t, ctx, s)
		jump(t, ctx, s, 4*time.Hour)
		writes(t, ctx, s, "maya", number, "/rfc editorial \""+nasty+"\"")
		writes(t, ctx, s, "maya", number, "/rfc status")
		jump(t, ctx, s, votingTime+2*time.Hour)
		jump(t, ctx, s, time.Hour)
		commentWith(t, s, rfcs, number, "<!-- agora:decision 1/1 -->")
		for _, c := range s.sim.Comments(rfcs, number) {
			if c.User == nil || c.User.Login != s.app.Login {
				continue
			}
			body := codeSpan.ReplaceAllString(c.Body, "")
			if found := alive.FindString(body); found != "" {
				t.Errorf("%q comes alive in:\n%s", found, c.Body)
			}
			if n := strings.Count(c.Body, "<!-- agora:rfc "); n > 1 || strings.Count(c.Body, "<!--") != strings.Count(c.Body, "<!-- agora:") {
				t.Errorf("comments of people, or a marker twice, in:\n%s", c.Body)
			}
			if strings.Count(c.Body, "<details>") != strings.Count(c.Body, "</details>") {
				t.Errorf("folded parts do not close in:\n%s", c.Body)
			}
		}
		servedTexts(t, ctx, s)
	})
}

// servedTexts checks the page and the API: the page shows the text and runs nothing
// of it, the API gives it as it is.
func servedTexts(t *testing.T, ctx context.Context, s *stage) {
	t.Helper()
	page := fetched(t, ctx, s, "/c/acme/rfcs/1")
	for _, live := range []string{"<script>alert", "<img src=x", "onerror=alert(1)>", `href="http://evil`} {
		if strings.Contains(page, live) {
			t.Errorf("the page has %q in it", live)
		}
	}
	if !strings.Contains(page, "&lt;script&gt;") {
		t.Error("the page does not show the title as it was written")
	}
	for _, path := range []string{"", "/ballots", "/audit"} {
		if body := fetched(t, ctx, s, "/api/v1/communities/acme/rfcs/1"+path); !json.Valid([]byte(body)) {
			t.Errorf("%s is no JSON: %s", path, body)
		}
	}
	if got := theRFC(t, ctx, s).Title; got != nastyTitle+" again" {
		t.Errorf("the API gives the title %q", got)
	}
}

// fetched reads one of Agora's pages.
func fetched(t *testing.T, ctx context.Context, s *stage, path string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	must(t, err)
	answer, err := http.DefaultClient.Do(r)
	must(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	must(t, err)
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("%s answered %s", path, answer.Status)
	}
	return string(body)
}

// Texts that databases dislike: NUL, broken UTF-8, lone surrogates, very long.
func TestTextsThatDatabasesDislikeAreStored(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s, ctx := playQuietly(t, staging{databaseURL: url})
		title := "a\x00b 👩‍👩‍👧‍👦 𝔘𝔫𝔦 \U0010ffff ' \" \\ %s $1"
		pull, err := s.sim.As("kim").OpenPullRequest(rfcs, ghsim.NewPullRequest{Title: title, Body: title, Files: map[string]string{"text.md": "x"}})
		must(t, err)
		must(t, s.sim.As("maya").AddLabels(rfcs, pull.Number, "rfc"))
		settle(t, ctx, s)
		writes(t, ctx, s, "maya", pull.Number, "/rfc vote")
		commentWith(t, s, rfcs, pull.Number, "<!-- agora:ballot 1/1 -->")
		_, err = s.sim.As("lee").Review(rfcs, pull.Number, ghsim.RequestChanges, "This needs\x00 far more thought than it was given. "+strings.Repeat("é", 60_000))
		must(t, err)
		settle(t, ctx, s)
		c := writes(t, ctx, s, "sam", pull.Number, "/vote approve \"a\x00b\"\n/vote a\x00b")
		body := strings.ReplaceAll(string(commentEvent(t, s, pull.Number, writes(t, ctx, s, "noor", pull.Number, "-"), "/vote reject \"SURROGATE\"")), "SURROGATE", `\ud800 \u0000 \udfff`)
		if status := deliver(t, ctx, s, "issue_comment", "surrogate", []byte(strings.Replace(body, "far", "f\xffr", 1))); status != http.StatusOK {
			t.Errorf("answered %d", status)
		}
		settle(t, ctx, s)
		if got := theRFC(t, ctx, s).Tally; got["approve"].Voters != 1 || got["request_changes"].Voters != 1 || got["reject"].Voters != 1 {
			t.Errorf("tally %+v", got)
		}
		if got := reactionsOf(s, c.ID); !strings.Contains(got, "rocket") {
			t.Errorf("the vote wears %q", got)
		}
		jump(t, ctx, s, 4*time.Hour)
		commentWith(t, s, rfcs, pull.Number, "<!-- agora:rfc 1 -->")
	})
}

// Names of accounts, branches and labels are text of people too.
func TestNamesOfPeopleComeAliveNowhere(t *testing.T) {
	t.Parallel()
	s, ctx := playQuietly(t, staging{})
	s.sim.AddUser(ghsim.NewUser{Login: "eve", Name: nasty})
	must(t, s.sim.As("maya").CreateLabel(rfcs, "rfc-type/<script>@maya|", "ff0000", "<script>@maya"))
	issue, err := s.sim.As("maya").OpenIssue(rfcs, "Names", "---\ntype: <script>\n---\n### Type\n\n@acme/everyone", "rfc", "rfc-type/<script>@maya|")
	must(t, err)
	settle(t, ctx, s)
	writes(t, ctx, s, "eve", issue.Number, "/member join")
	writes(t, ctx, s, "eve", issue.Number, "/member show @eve")
	writes(t, ctx, s, "maya", issue.Number, "/rfc vote")
	writes(t, ctx, s, "eve", issue.Number, "/vote approve")
	jump(t, ctx, s, 4*time.Hour)
	for _, c := range s.sim.Comments(rfcs, issue.Number) {
		if c.User != nil && c.User.Login == s.app.Login {
			if found := alive.FindString(codeSpan.ReplaceAllString(c.Body, "")); found != "" {
				t.Errorf("%q comes alive in:\n%s", found, c.Body)
			}
		}
	}
}
