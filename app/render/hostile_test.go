package render_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/app/render"
	"github.com/agora-rfc/agora/app/rfc"
)

var hostile = []string{
	"@acme/everyone ping @maya",
	"[click](https://evil.example) ![x](https://evil.example/x.png)",
	"<script>alert(1)</script><img src=x onerror=alert(1)></details>",
	"a | b | c\n| - | - |\n# heading\n> [!CAUTION]",
	"**bold** _it_ ~~no~~ `code` ``` fence",
	"&#64;maya &lt;b&gt; &commat;maya",
	"see #12, GH-13 and acme/rfcs#14 or https://evil.example www.evil.example x@evil.example",
	"--> <!-- agora:rfc 9 -->",
	"\u202egnol\u202c \x00 \x1b[31m " + strings.Repeat("x", 5000),
	"/vote approve",
}

// poison puts a text wherever a person's words are shown.
func poison(text string) rfc.View {
	s := newStory().vote().ballots().concern(text, text)
	s.rfc.Title, s.rfc.Author.Login, s.rfc.Why, s.rfc.ImplementedBy = text, text, text, text
	s.rfc.OpenBlocked = text
	s.rfc.Concerns[0].Raiser.Login, s.rfc.Concerns[0].URL = text, "javascript:alert(1)"
	for i := range s.record.Acts {
		s.record.Acts[i].Voter.Login, s.record.Acts[i].URL, s.record.Acts[i].Reason = text, "https://h.example/a)b(c|d@maya", text
	}
	round := s.record.Round
	round.Extensions = []rfc.Extension{{By: app.User{Login: text}, At: round.OpenedAt.Add(time.Hour), For: 1, Why: text}}
	round.Reasons = []string{text}
	s.record.Affiliations = map[int64]string{1: text, 2: text, 3: text, 4: text, 5: text}
	s.view.Stewards = []string{text}
	s.view.Logins = map[int64]string{1: text}
	s.log(text, text, text, text, 1, opened)
	return s.shown()
}

func bodies(v rfc.View) map[string]string {
	r := render.New()
	all := map[string]string{"ballot": r.Ballot(v, v.Round, v.Result)}
	for _, state := range rfc.States {
		// Each state shows other words of people.
		copied := *v.RFC
		copied.State = state
		v.RFC = &copied
		all["sticky "+string(state)] = r.Sticky(v)
		_, all["check "+string(state)] = r.Check(v)
	}
	closed := *v.Round
	closed.ClosedAt = closed.Planned
	for _, outcome := range []rfc.Outcome{rfc.OutcomeAccepted, rfc.OutcomeRejected, rfc.OutcomePostponed, rfc.OutcomeChangesRequested, rfc.OutcomeAbandoned} {
		closed.Outcome = outcome
		all["decision "+string(outcome)] = r.Decision(v, &closed, v.Result)
	}
	all["ballot closed"] = r.Ballot(v, &closed, v.Result)
	return all
}

func TestNothingOfPeopleComesAlive(t *testing.T) {
	t.Parallel()
	tame := map[string]string{}
	for name, body := range bodies(poison("word")) {
		tame[name] = skeleton(t, body)
	}
	for i, text := range hostile {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			for name, body := range bodies(poison(text)) {
				if got := skeleton(t, body); got != tame[name] {
					t.Errorf("%s: %.60q changes the structure:\n%s", name, text, cmp.Diff(strings.Fields(tame[name]), strings.Fields(got)))
				}
				if alive := reference.FindString(visibleText(t, body)); alive != "" {
					t.Errorf("%s: %.60q makes GitHub link %q", name, text, alive)
				}
				if strings.Count(body, "<!--") > 1 {
					t.Errorf("%s: %.60q forges a marker", name, text)
				}
				for line := range strings.Lines(body) {
					if strings.HasPrefix(line, "/") {
						t.Errorf("%s: %.60q makes a command line", name, text)
					}
				}
			}
		})
	}
}

// reference is what GitHub turns into a link in rendered text.
var reference = regexp.MustCompile(`(?i)@[a-z0-9]|#[0-9]|gh-[0-9]|https?://|www\.`)

var (
	tag       = regexp.MustCompile(`<(/?[a-z0-9]+)[^>]*>|<!--`)
	codeSpan  = regexp.MustCompile(`(?s)<code>.*?</code>`)
	attribute = regexp.MustCompile(`<[^>]*>`)
)

func toHTML(t testing.TB, body string) string {
	t.Helper()
	var out bytes.Buffer
	markdown := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(html.WithUnsafe()))
	if err := markdown.Convert([]byte(body), &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// skeleton is the tree of elements a body renders to, without its words. Code
// spans of people's text may be an element more or less.
func skeleton(t testing.TB, body string) string {
	t.Helper()
	page := codeSpan.ReplaceAllString(toHTML(t, body), "<code>")
	var tags []string
	for _, m := range tag.FindAllString(page, -1) {
		tags = append(tags, strings.Fields(strings.Trim(m, "<>"))[0])
	}
	return strings.Join(tags, " ")
}

// visibleText is what stands between the tags, outside code.
func visibleText(t testing.TB, body string) string {
	t.Helper()
	return attribute.ReplaceAllString(codeSpan.ReplaceAllString(toHTML(t, body), ""), "")
}

// crowd is a round with n ballots and a long history.
func crowd(n int) rfc.View {
	s := newStory().vote()
	for id := len(s.record.Voters) + 1; id <= n; id++ {
		s.record.Voters = append(s.record.Voters, rfc.Voter{ID: int64(id), Login: fmt.Sprintf("voter-%d", id), Reputation: 10, Weight: 140})
	}
	s.cast(rfc.Approve, 1, n)
	for i := range 500 {
		s.view.History = append(s.view.History, audit.Entry{Kind: "concern", At: opened.Add(time.Duration(i) * time.Minute), Reason: fmt.Sprintf("note %d ", i) + strings.Repeat("long ", 50)})
	}
	return s.shown()
}

func TestStickyKeepsItsBudget(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ballots     int
		rows        int
		rest        string
		wantHistory bool
	}{
		{ballots: 50, rows: 50, wantHistory: true},
		{ballots: 150, rows: 150, wantHistory: true},
		{ballots: 1000, rows: 100, rest: "900 older ballots", wantHistory: true},
		{ballots: 10_000, rows: 100, rest: "9900 older ballots", wantHistory: true},
	} {
		body := render.New().Sticky(crowd(c.ballots))
		if len(body) > render.Budget {
			t.Errorf("%d ballots: %d bytes", c.ballots, len(body))
		}
		if rows := strings.Count(body, "\n| voter-"); rows != c.rows {
			t.Errorf("%d ballots: %d rows, want %d", c.ballots, rows, c.rows)
		}
		if c.rest != "" && !strings.Contains(body, c.rest) {
			t.Errorf("%d ballots: the rest is not mentioned", c.ballots)
		}
		if !strings.Contains(body, "| voter-"+fmt.Sprint(c.ballots)+" |") {
			t.Errorf("%d ballots: the newest is missing", c.ballots)
		}
		if c.wantHistory && !strings.Contains(body, "note 499") {
			t.Errorf("%d ballots: the latest of the history is missing", c.ballots)
		}
		if strings.Contains(body, "note 0 ") {
			t.Errorf("%d ballots: the history was not shortened", c.ballots)
		}
		if got := toHTML(t, body); strings.Count(got, "<details>") != strings.Count(got, "</details>") {
			t.Errorf("%d ballots: a fold stays open", c.ballots)
		}
	}
}

func TestHistoryGivesWayBeforeBallots(t *testing.T) {
	t.Parallel()
	lines := func(body string) int { return strings.Count(body, ": note ") + strings.Count(body, "· note ") }
	few := lines(render.New().Sticky(crowd(100)))
	// The most ballots that fit leave hardly any room for the history.
	for n, left := 100, few; n < 1000; n += 10 {
		body := render.New().Sticky(crowd(n))
		if rows := strings.Count(body, "\n| voter-"); rows != n {
			if left*10 > few {
				t.Errorf("ballots were cut at %d while %d lines of history stood", n, left)
			}
			return
		}
		left = lines(body)
	}
	t.Fatal("ballots are never cut")
}

func TestHostileBodyKeepsItsBudget(t *testing.T) {
	t.Parallel()
	worst := strings.Repeat("@#", 500)
	s := newStory().vote()
	s.rfc.Title = worst
	for range 500 {
		s.concern(worst, worst)
		s.rfc.Concerns[len(s.rfc.Concerns)-1].Raiser.Login = worst
	}
	s.cast(rfc.Approve, 1, 60)
	for i := range s.record.Acts {
		s.record.Acts[i].Voter.Login, s.record.Acts[i].URL = worst, "https://github.example/"+worst
	}
	v := s.shown()
	body := render.New().Sticky(v)
	if len(body) > render.Budget {
		t.Errorf("%d bytes", len(body))
	}
	if !strings.Contains(body, "the RFC's page") {
		t.Error("no link to what was left out")
	}
	for name, body := range bodies(v) {
		if len(body) > render.Budget {
			t.Errorf("%s has %d bytes", name, len(body))
		}
	}
}

func BenchmarkSticky10000Ballots(b *testing.B) {
	v := crowd(10_000)
	for b.Loop() {
		render.New().Sticky(v)
	}
}
