package render

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	gmhtml "github.com/yuin/goldmark/renderer/html"
	"golang.org/x/net/html"
	"pgregory.net/rapid"

	"github.com/agora-rfc/agora/app/command"
)

// gfm renders as GitHub does, raw HTML included: what is alive in its output would be alive in a comment.
var gfm = goldmark.New(goldmark.WithExtensions(extension.GFM, extension.Footnote), goldmark.WithRendererOptions(gmhtml.WithUnsafe()))

func TestEscapeDisarms(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"plain prose stays as it is", "Weighted quorum, at last (v2)", "Weighted quorum, at last (v2)"},
		{"mention", "ask @maya", "ask @\u200bmaya"},
		{"team mention", "@acme/stewards", "@\u200bacme/stewards"},
		{"issue reference", "see #12 and acme/x#3", "see #\u200b12 and acme/x#\u200b3"},
		{"GH reference", "see GH-12", "see GH-\u200b12"},
		{"commit hash", "broken by 9f3c2abd", "broken by 9f3c2a\u200bbd"},
		{"address", "at https://evil.example/x", "at https:\u200b//evil.example/x"},
		{"address without protocol", "at www.evil.example", "at www\u200b.evil.example"},
		{"e-mail", "to a@b.example", "to a@\u200bb.example"},
		{"emoji short code", "a :tada: b", "a :\u200btada: b"},
		{"emphasis", "**a** _b_ ~~c~~", "**a** _b_ ~~c~~"},
		{"code", "`rm -rf`", "`rm -rf`"},
		{"image", "![x](http://evil.example/p.png)", "![x](http:\u200b//evil.example/p.png)"},
		{"HTML", "<img src=x onerror=y><!-- z", "<img src=x onerror=y><!-- z"},
		{"entity", "&lt;b&gt; &amp;", "&lt;b&gt; &amp;"},
		{"table cell", "a | b \\| c", "a | b \\| c"},
		{"footnote", "[^1]", "[^1]"},
		{"heading", "# big", "#\u200b big"},
		{"quote and alert", "> [!WARNING] x", "> [!WARNING] x"},
		{"list", "- a", "- a"},
		{"numbered list", "1. a", "1. a"},
		{"rule", "---", "---"},
		{"command", "/vote approve", "/vote approve"},
		{"lines", "a\r\n\r\n  b\tc", "a b c"},
		{"bidirectional and zero-width", "a\u202eb\u200bc\ufeffd\u2066e\x07", "abcde"},
		{"blank look-alikes", "a\u3164\u00a0\u2003b", "a b"},
		{"stacked marks", "a" + strings.Repeat("\u0301", 50), "a" + strings.Repeat("\u0301", 4)},
		{"broken UTF-8", "a\xff", "a\ufffd"},
		{"formula", "$x$", "\u200b$\u200bx\u200b$\u200b"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, place := range places {
				if got := shown(t, place, Escape(test.text, 0)); got != test.want {
					t.Errorf("%s: a reader sees %q, want %q", place, got, test.want)
				}
			}
		})
	}
}

func TestEscapeCutsBetweenCharacters(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text  string
		limit int
		want  string
	}{
		{"short", 5, "short"},
		{"longer", 5, "long…"},
		{"two words", 5, "two…"},
		{"ab🇩🇪🇫🇷", 5, "ab🇩🇪…"},
		{"ab🇩🇪🇫🇷", 4, "ab…"},
		{"e\u0301e\u0301e\u0301", 4, "e\u0301…"},
		{"👍🏽👍🏽", 3, "👍🏽…"},
		{"a", 1, "a"},
		{"ab", 1, "…"},
	}
	for _, test := range tests {
		if got := Plain(test.text, test.limit); got != test.want {
			t.Errorf("Plain(%q, %d) = %q, want %q", test.text, test.limit, got, test.want)
		}
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	for login, want := range map[string]string{"maya": "maya", "@maya": "maya", "": "ghost", "agora[bot]": "agora[bot]", "kim_acme": "kim_acme"} {
		if got := shown(t, "%s\n", Login(login)); got != want {
			t.Errorf("Login(%q) is shown as %q, want %q", login, got, want)
		}
	}
}

func TestCodeSpan(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`/vote reject "why"`: `/vote reject "why"`,
		"a `b` ``c``":        "a `b` ``c``",
		"`":                  "`",
		"off|digest|each":    "off|digest|each",
		"<b>@maya</b>":       "<b>@maya</b>",
		"a\nb":               "a b",
	} {
		for _, place := range markdownPlaces {
			if got := shownCode(t, place, CodeSpan(text)); got != want {
				t.Errorf("%s: CodeSpan(%q) is shown as %q, want %q", place, text, got, want)
			}
		}
	}
	if got := CodeSpan(" \u200b"); got != "" {
		t.Errorf("nothing as code is %q, want nothing", got)
	}
}

// places are where comments of ours show text of people: Markdown, and HTML.
var places = append([]string{
	"<details><summary>%s</summary>\n\nx\n\n</details>\n",
}, markdownPlaces...)

var markdownPlaces = []string{
	"%s\n",
	"said %s today\n",
	"- %s\n",
	"### %s\n",
	"before\n%s\n",
	"| a | b |\n|---|---|\n| %s | 1 |\n",
	"[%s](https://ours.example)\n",
	"<b>%s</b>\n",
}

// mention, reference and short code as GitHub finds them in rendered text outside code.
var alive = regexp.MustCompile(`(?i)@[a-z0-9]|#[0-9]|\bGH-[0-9]|:[a-z0-9_+-]+:|\b[0-9a-f]{7,40}\b|https?://|www\.[a-z0-9]`)

// shown renders a place with an escaped text in it, fails when something of the text came alive, and returns what a
// reader sees of it.
func shown(t tester, place, escaped string) string {
	t.Helper()
	// The marks are letters to Markdown, so a place without them is tried as well: the start of a line matters.
	for _, source := range []string{fmt.Sprintf(place, escaped), fmt.Sprintf(place, "x"+escaped+"x")} {
		mustBeDead(t, place, source)
	}
	text := textOf(t, fmt.Sprintf(place, begin+escaped+end))
	_, text, found := strings.Cut(text, begin)
	text, _, closed := strings.Cut(text, end)
	if !found || !closed {
		t.Fatalf("%q: the escaped text %q broke the place: %q", place, escaped, text)
	}
	return text
}

// tester is what a test, a fuzz target and a rapid property have in common.
type tester interface {
	Helper()
	Fatalf(string, ...any)
}

// The marks between which the tests look for a text.
const begin, end = "⟦", "⟧"

// shownCode is shown for a code span, which has marks of its own at both ends.
func shownCode(t tester, place, code string) string {
	t.Helper()
	mustBeDead(t, place, fmt.Sprintf(place, code))
	text := textOf(t, fmt.Sprintf(place, begin+" "+code+" "+end))
	_, text, _ = strings.Cut(text, begin+" ")
	text, _, found := strings.Cut(text, " "+end)
	if !found {
		t.Fatalf("%q: the code %q broke the place", place, code)
	}
	return text
}

func mustBeDead(t tester, place, source string) {
	t.Helper()
	want := elementsOf(t, fmt.Sprintf(place, "x"))
	got := elementsOf(t, source)
	got, want = strings.ReplaceAll(got, "code ", ""), strings.ReplaceAll(want, "code ", "")
	if got != want {
		t.Fatalf("%q: elements %q, want %q", source, got, want)
	}
	if invocations, _ := command.Parse(source); len(invocations) > 0 {
		t.Fatalf("%q: a command fires: %v", source, invocations)
	}
	if found := alive.FindString(liveTextOf(t, source)); found != "" {
		t.Fatalf("%q: %q is alive", source, found)
	}
}

func tree(t tester, source string) *html.Node {
	var out bytes.Buffer
	if err := gfm.Convert([]byte(source), &out); err != nil {
		t.Fatalf("rendering %q: %v", source, err)
	}
	root, err := html.Parse(&out)
	if err != nil {
		t.Fatalf("reading the rendering of %q: %v", source, err)
	}
	return root
}

func elementsOf(t tester, source string) string {
	var names strings.Builder
	for node := range tree(t, source).Descendants() {
		switch node.Type {
		case html.ElementNode:
			names.WriteString(node.Data + " ")
		case html.CommentNode:
			names.WriteString("comment ")
		}
	}
	return names.String()
}

func textOf(t tester, source string) string {
	var text strings.Builder
	for node := range tree(t, source).Descendants() {
		if node.Type == html.TextNode {
			text.WriteString(node.Data)
		}
	}
	return text.String()
}

// liveTextOf is the text that GitHub searches for mentions and references: not in code, not in links.
func liveTextOf(t tester, source string) string {
	var text strings.Builder
	for node := range tree(t, source).Descendants() {
		if node.Type != html.TextNode {
			continue
		}
		dead := false
		for parent := range node.Ancestors() {
			dead = dead || parent.Data == "code" || parent.Data == "a" && strings.HasPrefix(source, "[")
		}
		if !dead {
			text.WriteString(node.Data)
		}
	}
	return text.String()
}

// hostile are pieces that mean something to Markdown, HTML or GitHub.
var hostile = []string{"@maya", "@", "#12", "GH-1", "acme/x#1", "https://", "http:", "//", "www.", "a.example", "a@b.example", "mailto:", "<", ">", "</a>",
	"<!--", "-->", "<b>", "&", "&lt;", "&#64;", "&commat;", ";", "`", "``", "~~~", "```", "*", "**", "_", "~~", "[", "](", "]", "!", "![", ")", "(", "[^1]", "[^1]:",
	"|", "\\", "\\|", "---", "===", "- ", "+ ", "1. ", "1) ", "> ", "[!NOTE]", "# ", "/vote approve", "/", ":tada:", ":", "$", "$$", "\n", "\r", "\n\n", "    ", "\t",
	"\u200b", "\u202e", "\u2028", "\u0301", "\x00", "\xff", "9f3c2ab", "deadbeefdeadbeef", "a", "B", "7", " ", "é", "👩‍💻", "🇩🇪", "{", "}", "=", "%", "'", "\""}

func TestEscapeNeverComesAlive(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(hostile), 0, 12).Draw(t, "pieces"), "")
		checkEscape(t, text, rapid.IntRange(0, 30).Draw(t, "limit"))
	})
}

func FuzzEscape(f *testing.F) {
	for _, text := range hostile {
		f.Add(text, 0)
	}
	f.Add("![x](https://a.example) @maya <b>&commat;</b> `c` | #1", 20)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		if len(text) > 2_000 {
			return
		}
		checkEscape(t, text, limit)
	})
}

func checkEscape(t tester, text string, limit int) {
	t.Helper()
	plain, escaped, code := Plain(text, limit), Escape(text, limit), CodeSpan(text)
	if limit > 0 && utf8.RuneCountInString(plain) > limit {
		t.Fatalf("Plain(%q, %d) = %q has more characters", text, limit, plain)
	}
	for _, made := range []string{plain, escaped, code} {
		if !utf8.ValidString(made) || strings.IndexFunc(made, func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf) }) >= 0 {
			t.Fatalf("%q becomes %q, with characters that are not seen", text, made)
		}
	}
	if plain == "" || strings.ContainsAny(text, begin+end) {
		return // nothing to show, or the marks of this test
	}
	for _, place := range places {
		if got := strings.ReplaceAll(shown(t, place, escaped), "\u200b", ""); got != plain {
			t.Fatalf("%q: %q is shown as %q, want %q", place, text, got, plain)
		}
	}
	if code == "" {
		return
	}
	for _, place := range markdownPlaces {
		if got := strings.ReplaceAll(shownCode(t, place, code), "\u200b", ""); got != visible(text) {
			t.Fatalf("%q: %q is shown as code as %q", place, text, got)
		}
	}
}

func TestEscapeTimeIsBounded(t *testing.T) {
	t.Parallel()
	for _, piece := range hostile {
		if got := Escape(strings.Repeat(piece, 200_000/len(piece)), 100); utf8.RuneCountInString(got) > 100*20 {
			t.Errorf("%q repeated is escaped to %d characters", piece, utf8.RuneCountInString(got))
		}
	}
}

func BenchmarkEscapeTitle(b *testing.B) {
	for b.Loop() {
		Escape("Weighted quorum for @acme/stewards, see https://example.org/x#12 | 9f3c2abd", 100)
	}
}
