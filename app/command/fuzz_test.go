package command

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	gmhtml "github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
	"golang.org/x/net/html"
	"pgregory.net/rapid"
)

// gfm renders as GitHub does, with all of GitHub's extensions and with raw HTML. Headings and lists of Markdown are marked,
// which tells them from those of HTML.
var gfm = goldmark.New(goldmark.WithExtensions(extension.GFM, extension.Footnote), goldmark.WithRendererOptions(gmhtml.WithUnsafe()),
	goldmark.WithParserOptions(parser.WithASTTransformers(util.Prioritized(marked{}, 0))))

type marked struct{}

const mark = "data-markdown"

func (marked) Transform(document *ast.Document, _ text.Reader, _ parser.Context) {
	_ = ast.Walk(document, func(node ast.Node, _ bool) (ast.WalkStatus, error) {
		if node.Kind() == ast.KindHeading || node.Kind() == ast.KindList {
			node.SetAttributeString(mark, "")
		}
		return ast.WalkContinue, nil
	})
}

// disallowed are the tags that GitHub shows as text ("Disallowed Raw HTML" in its specification).
var disallowed = regexp.MustCompile(`(?i)<(/?(?:title|textarea|style|xmp|iframe|noembed|noframes|script|plaintext)[\s/>])`)

// quoting are the elements in which text is not plain text of the comment's author. The list is the test's own.
var quoting = regexp.MustCompile(`^(a|blockquote|code|del|details|dl|h[1-6]|kbd|ol|pre|q|s|samp|strike|summary|table|template|tt|ul|var|select|svg|math|em|strong|sup)$`)

// FuzzParse holds Parse against a rendering: whatever fires is a line of plain text that a reader of the comment sees.
func FuzzParse(f *testing.F) {
	for _, body := range []string{
		"/vote approve", "a\n/vote reject \"why\"\nb", "> /vote no\n\n/vote yes", "```\n/a b\n```\n/a b", "<!-- \n/a b\n-->\n/c d", "<details>\n\n/a b\n</details>\n\n/a b",
		"[a\n/a b](c)\n/a b", "a | b\n--|--\n/a b", "- x\n/a b\n\n/a b", "<a b='\n\n/a b\n\n'>\n\n/a b", "[^1]: x\n/a b\n\n/a b[^1]", "<code><b></code>\n\n/a b</b>", "*a\n/a b*\n/a b",
		"<table><p>\n\n/a b", "<pre>\n/a b\n\n</pre>\n/a b", "<svg>\n\n/a b", "`a\n/a b`", "[a]: b\n/a b", "/a b\\\n/c d", "/a b  \n/c d <b>x</b>", "\t/a b\r/a b", "<?a\n/a b", "&#47;a b", "/a b\n===",
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		if len(body) <= 4_000 {
			checkParse(t, body)
		}
	})
}

// TestNothingHiddenFires is FuzzParse over texts put together from what Markdown and HTML are made of.
func TestNothingHiddenFires(t *testing.T) {
	t.Parallel()
	pieces := []string{"/a b\n", "/a b\n", "/a b\n", "\n", "\n\n", "\n/a b", "> ", "- ", "1. ", "    ", "  ", "\t", "```\n", "~~~\n", "`", "``", "<!--", "-->", "<details>", "</details>",
		"<a href='x'>", "</a>", "<b>", "</b>", "<code>", "</code>", "<del>", "</del>", "<blockquote>", "</blockquote>", "<p>", "</p>", "<div>", "</div>", "<ul>", "<li>", "</ul>", "<table>",
		"<tr>", "<td>", "</td>", "</table>", "<pre>", "</pre>", "<svg>", "</svg>", "<select>", "</select>", "<script>", "</script>", "<title>", "<?", "?>", "<![CDATA[", "]]>", "<x y='", "'>", "\"", "<h1>",
		"</h1>", "[", "]", "](u)", "[x]: ", "[^1]: ", "[^1]", "![", "*", "**", "_", "~~", "|", "|-|-|\n", "---\n", "===\n", "# ", "\\", "&lt;", "x", " ", "é"}
	rapid.Check(t, func(t *rapid.T) {
		checkParse(t, strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 14).Draw(t, "pieces"), ""))
	})
}

// tester is what a test, a fuzz target and a rapid property have in common.
type tester interface {
	Helper()
	Fatalf(string, ...any)
}

func checkParse(t tester, body string) {
	t.Helper()
	invocations, _ := Parse(body)
	seen := make(map[string]int)
	if len(invocations) > 0 {
		seen = commandsSeen(t, body)
	}
	for _, invocation := range invocations {
		name := strings.TrimSpace("/" + invocation.Noun + " " + plainVerb(invocation.Verb))
		if seen[name]--; seen[name] < 0 {
			t.Fatalf("%q: %s on line %d fires, and is not seen", body, name, invocation.Line)
		}
		if command, problem := Default().Resolve(invocation); problem != nil && problem.Reason == "" || problem == nil && command.Definition == nil && Default().Knows(invocation.Noun) {
			t.Fatalf("%q is neither a command nor a problem", invocation.Raw)
		}
	}
	FrontMatter(body)
	for _, number := range append(ImplementsRefs(body), SupersedesRefs(body)...) {
		if !strings.Contains(body, fmt.Sprint(number)) {
			t.Fatalf("%q: nobody named RFC-%d", body, number)
		}
	}
	value, _, _ := strings.Cut(FormField(body, "Type"), "\n")
	plain := utf8.ValidString(body) && !strings.ContainsRune(body, 0)
	if plain && !strings.Contains(strings.ReplaceAll(body, "\r", "\n"), value) {
		t.Fatalf("%q: nobody wrote %q", body, value)
	}
}

// plainVerb is a verb as it is rendered, or "" when its characters may mean something to Markdown.
func plainVerb(verb string) string {
	if strings.Trim(verb, "abcdefghijklmnopqrstuvwxyz0123456789-+") != "" {
		return ""
	}
	return verb
}

// commandsSeen counts the visible plain lines of a rendered comment that start with a command, as "/noun verb" and,
// for verbs that Markdown may change, as "/noun".
func commandsSeen(t tester, body string) map[string]int {
	t.Helper()
	var out bytes.Buffer
	body = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\x00", "\uFFFD").Replace(strings.ToValidUTF8(body, "\uFFFD"))
	if err := gfm.Convert([]byte(body), &out); err != nil {
		t.Fatalf("rendering %q: %v", body, err)
	}
	root, err := html.Parse(strings.NewReader(disallowed.ReplaceAllString(out.String(), "&lt;$1")))
	if err != nil {
		t.Fatalf("reading the rendering of %q: %v", body, err)
	}
	seen := make(map[string]int)
	for node := range root.Descendants() {
		if node.Type != html.TextNode {
			continue
		}
		plain := true
		for parent := range node.Ancestors() {
			if slices.ContainsFunc(parent.Attr, func(a html.Attribute) bool { return a.Key == mark }) {
				continue // of a line that starts with a slash: the heading is underlined, the list is right above
			}
			isLink := slices.ContainsFunc(parent.Attr, func(a html.Attribute) bool { return a.Key == "href" })
			plain = plain && (!quoting.MatchString(parent.Data) || parent.Data == "a" && !isLink)
		}
		if !plain {
			continue
		}
		for _, line := range strings.Split(node.Data, "\n") {
			words := strings.Fields(strings.ToLower(line))
			if len(words) == 0 || !strings.HasPrefix(words[0], "/") {
				continue
			}
			seen[words[0]]++
			if len(words) > 1 {
				seen[words[0]+" "+words[1]]++
			}
		}
	}
	return seen
}
