package command

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fired lists what a comment fires, as "noun verb".
func fired(t *testing.T, body string) []string {
	t.Helper()
	invocations, problem := Parse(body)
	if problem != nil {
		t.Fatalf("%.80q is refused: %v", body, problem)
	}
	var names []string
	for _, invocation := range invocations {
		names = append(names, invocation.Noun+" "+invocation.Verb)
	}
	return names
}

func TestCommandsFireInVisiblePlainText(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"alone":                       "/vote approve",
		"any case":                    "/Vote APPROVE",
		"after text":                  "I like it.\n/vote approve",
		"after a hard line break":     "I like it.  \n/vote approve\nthanks",
		"before a hard line break":    "/vote approve\\\nthanks",
		"in a paragraph of its own":   "I like it.\n\n/vote approve\n\nthanks",
		"with Windows line ends":      "I like it.\r\n/vote approve\r\n",
		"with old line ends":          "I like it.\r/vote approve\r",
		"after a quote and a blank":   "> why not?\n\n/vote approve",
		"after a closed fence":        "```\ncode\n```\n/vote approve",
		"after a list and a blank":    "- a\n- b\n\n/vote approve",
		"right below a list":          "- a\n- b\n/vote approve",
		"right below a list of tasks": "1. [x] read\n   - and again\n/vote approve",
		"after a heading":             "# Review\n/vote approve",
		"above a line of dashes":      "/vote approve\n---\nSee the notes.",
		"above a mail's signature":    "/vote approve\n-- \nKim, Acme Ltd.",
		"above a line of equal signs": "Fine with me.\n/vote approve\n===",
		"after a rule":                "---\n/vote approve",
		"after an HTML comment":       "<!-- template: say <details> -->\n\n/vote approve",
		"after well nested HTML":      "<details><summary>log</summary>\n\nx\n\n</details>\n\n/vote approve",
		"in plain HTML":               "<div align=\"center\">\n\n/vote approve\n\n</div>",
		"after what is no HTML":       "a List<string> b\n\n/vote approve",
		"after an anchor of no link":  "<a name=\"x\"/>\n\n/vote approve",
		"several blanks":              "/vote \t approve",
		"beside a table":              "| a | b |\n|---|---|\n| 1 | 2 |\n\n/vote approve",
		"before an HTML comment":      "/vote approve <!-- hm -->",
		"after a link definition":     "[a]: https://a.example\n/vote approve",
		"after an unfinished bracket": "[a\n/vote approve",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff([]string{"vote approve"}, fired(t, body)); diff != "" {
				t.Errorf("%q fires (-want +got):\n%s", body, diff)
			}
		})
	}
}

func TestCommandsDoNotFireElsewhere(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"not at the start of a line":    "I say /vote approve",
		"after a blank":                 " /vote approve",
		"after a blank on a later line": "x\n  /vote approve",
		"fence":                         "```\n/vote approve\n```",
		"fence never closed":            "```\n/vote approve",
		"tilde fence":                   "~~~\n/vote approve\n~~~",
		"indented code":                 "    /vote approve",
		"tab":                           "\t/vote approve",
		"inline code":                   "`/vote approve`",
		"inline code over lines":        "`a\n/vote approve\nb`",
		"quote":                         "> /vote approve",
		"lazily continued quote":        "> said\n/vote approve",
		"quote in a list, continued":    "- > said\n/vote approve",
		"indented below a list":         "- said\n  /vote approve",
		"list":                          "- /vote approve",
		"numbered list":                 "1. /vote approve",
		"task":                          "- [ ] /vote approve",
		"footnote":                      "[^1]: said\n/vote approve\n\nx[^1]",
		"heading":                       "# /vote approve",
		"underlined heading in a quote": "> x\n>\n> /vote approve\n> ---",
		"underlined heading in a list":  "- x\n\n  /vote approve\n  ---",
		"table header":                  "/vote approve | x\n--- | ---\n1 | 2",
		"table row":                     "a | b\n--- | ---\n/vote approve | 2",
		"table row without bars":        "a | b\n--- | ---\n/vote approve",
		"HTML comment":                  "<!-- \n/vote approve\n-->",
		"HTML comment with blanks":      "<!-- \n\n/vote approve\n\n-->",
		"inline HTML comment":           "x <!-- \n/vote approve\n--> y",
		"HTML block":                    "<div>\n/vote approve\n</div>",
		"attribute of HTML":             "x <b title='\n/vote approve\n'>y</b>",
		"attribute over a blank line":   "<div title='\n\n/vote approve\n\n'>",
		"processing instruction":        "<?x\n\n/vote approve\n?>",
		"preformatted":                  "<pre>\n/vote approve\n\n/vote approve\n</pre>",
		"folded away":                   "<details>\n\n/vote approve\n\n</details>",
		"quoted by HTML":                "<blockquote>\n\n/vote approve\n\n</blockquote>",
		"struck out by HTML":            "<del>x\n/vote approve\n</del>",
		"linked by HTML":                "<a href=\"#\">x\n/vote approve\n</a>",
		"badly nested HTML":             "<code><details></code></details>\n\n/vote approve",
		"script":                        "<script>\n\n/vote approve\n</script>",
		"link text":                     "[x\n/vote approve](https://a.example)",
		"link text alone":               "[/vote approve](https://a.example)",
		"image text":                    "![x\n/vote approve](https://a.example)",
		"link title":                    "[x](https://a.example \"\n/vote approve\n\")",
		"link definition":               "[x]:\n/vote\n'approve'\n\n[x]",
		"strong":                        "**x\n/vote approve**",
		"struck out":                    "~~x\n/vote approve~~",
		"entity for the slash":          "&#47;vote approve",
		"escaped slash":                 "\\/vote approve",
		"full-width slash":              "／vote approve",
		"Cyrillic o in the noun":        "/v\u043ete approve",
		"Cyrillic a in the verb":        "/vote \u0430pprove",
		"full-width letters":            "/ｖｏｔｅ approve",
		"dotless i in the noun":         "/l\u0131st approve",
		"Kelvin sign in the noun":       "/\u212aey approve",
		"zero-width space first":        "\u200b/vote approve",
		"byte order mark first":         "\ufeff/vote approve",
		"zero-width space in the noun":  "/vo\u200bte approve",
		"zero-width joiner in the verb": "/vote ap\u200dprove",
		"zero-width after the verb":     "/vote approve\u200b",
		"soft hyphen in the verb":       "/vote ap\u00adprove",
		"right-to-left override":        "/vote \u202eevorppa",
		"no-break space":                "/vote\u00a0approve",
		"HTML inside the noun":          "/vo<!-- -->te approve",
		"HTML inside the verb":          "/vote <b>approve</b>",
		"NUL":                           "/vote app\x00rove",
		"path":                          "/usr/bin approve",
		"two slashes":                   "//vote approve",
		"slash alone":                   "/ vote approve",
		"noun with a colon":             "/vote: approve",
		"broken UTF-8 in the verb":      "/vote \xffapprove",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := fired(t, body); got != nil {
				t.Errorf("%q fires %q", body, got)
			}
		})
	}
}

func TestArguments(t *testing.T) {
	t.Parallel()
	word := func(value string) Argument { return Argument{Value: value, source: value} }
	quoted := func(value, source string) Argument { return Argument{Value: value, Quoted: true, source: source} }
	tests := []struct {
		line string
		want []Argument
	}{
		{`/a b`, nil},
		{`/a b @who acme/skill RFC-12 #412 4.5`, []Argument{word("@who"), word("acme/skill"), word("RFC-12"), word("#412"), word("4.5")}},
		{`/a b "two words" x`, []Argument{quoted("two words", `"two words"`), word("x")}},
		{`/a b “two words” x`, []Argument{quoted("two words", `“two words”`), word("x")}},
		{`/a b „two words“`, []Argument{quoted("two words", `„two words“`)}},
		{`/a b "mixed”`, []Argument{quoted("mixed", `"mixed”`)}},
		{`/a b “mixed"`, []Argument{quoted("mixed", `“mixed"`)}},
		{`/a b "a “curly” word"`, []Argument{quoted("a “curly” word", `"a “curly” word"`)}},
		{`/a b "say \"no\" \\ \n"`, []Argument{quoted(`say "no" \ \n`, `"say \"no\" \\ \n"`)}},
		{`/a b ""`, []Argument{quoted("", `""`)}},
		{`/a b don't 5" it's`, []Argument{word("don't"), word(`5"`), word("it's")}},
		{`/a b by=RFC-12`, []Argument{{Key: "by", Value: "RFC-12", source: "by=RFC-12"}}},
		{`/a b By="x y" z`, []Argument{{Key: "by", Value: "x y", Quoted: true, source: `By="x y"`}, word("z")}},
		{`/a b min_payout=250USD url=https://x/?a=b`, []Argument{
			{Key: "min_payout", Value: "250USD", source: "min_payout=250USD"},
			{Key: "url", Value: "https://x/?a=b", source: "url=https://x/?a=b"}}},
		{`/a b =x 1=2 a==`, []Argument{word("=x"), word("1=2"), {Key: "a", Value: "=", source: "a=="}}},
		{"/a b x\u200by \u202ez", []Argument{word("xy"), word("z")}},
		{"/a b x <!-- hidden --> y", []Argument{word("x"), word("y")}},
	}
	for _, test := range tests {
		invocations, _ := Parse(test.line)
		if len(invocations) != 1 {
			t.Errorf("%q fires %d commands", test.line, len(invocations))
			continue
		}
		if diff := cmp.Diff(test.want, invocations[0].Args, cmp.AllowUnexported(Argument{})); diff != "" || invocations[0].fault != "" {
			t.Errorf("%q (-want +got):\n%s%s", test.line, diff, invocations[0].fault)
		}
	}
}

func TestLinesAndRaw(t *testing.T) {
	t.Parallel()
	invocations, _ := Parse("hello\n\n/VOTE  Yes \"so  it is\"  \n```\n/vote no\n```\r\n/rfc status <!-- x -->\n")
	want := []string{`3 /vote yes "so  it is"`, "7 /rfc status"}
	var got []string
	for _, invocation := range invocations {
		got = append(got, fmt.Sprintf("%d %s", invocation.Line, invocation.Raw))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines and raw texts (-want +got):\n%s", diff)
	}
}

func TestHostileCommentsAreRefusedWhole(t *testing.T) {
	t.Parallel()
	const vote = "/vote approve\n\n"
	for name, test := range map[string]struct{ body, want string }{
		"100,000 characters":      {vote + strings.Repeat("a", 100_000), TooLong},
		"100,000 wide characters": {vote + strings.Repeat("語", 100_000), TooLong},
		"deep quotes":             {vote + strings.Repeat(">", 60_000), TooComplex},
		"deep lists":              {vote + strings.Repeat("1. ", 20_000), TooComplex},
		"lists under blank lines": {vote + strings.Repeat("- ", 5_000) + "a" + strings.Repeat("\n", 50_000), TooComplex},
		"deep footnotes":          {vote + strings.Repeat("[^a]: ", 10_000), TooComplex},
		"a table of millions":     {vote + strings.Repeat("|a", 5_000) + "\n" + strings.Repeat("|-", 5_000) + "\n" + strings.Repeat("a\n", 15_000), TooComplex},
		"marks of emphasis":       {vote + strings.Repeat("_*a", 20_000), TooComplex},
		"strikes":                 {vote + strings.Repeat("~a ", 20_000), TooComplex},
		"links in links":          {vote + strings.Repeat("[a](", 15_000), TooComplex},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			invocations, problem := Parse(test.body)
			if problem == nil || problem.Code != test.want || len(invocations) > 0 {
				t.Errorf("got %d commands and %v, want only %s", len(invocations), problem, test.want)
			}
		})
	}
}

func TestMuchHonestEmphasisIsRead(t *testing.T) {
	t.Parallel()
	invocations, problem := Parse("/vote approve\n\n" + strings.Repeat("**Yes** and _no_, `a*b*c`, snake_case. ", 700))
	if problem != nil || len(invocations) != 1 {
		t.Errorf("got %d commands and %v", len(invocations), problem)
	}
}

func TestHostileCommentsAreReadInBoundedTime(t *testing.T) {
	t.Parallel()
	for _, piece := range []string{"/vote approve\n", "/a b 'x ", `/a b "x" `, "/a b “x\" ", "/a b x=\"", "[", "![", "[]", "*a ", "*a_ ", "_*a", "**a*", "_a__ ", "~~a ", "`a``", "<", "<a ",
		"<b>", "<!--", "x <!--", "<?", "<![CDATA[", "<a b='", "\\", "&a", "```\n\n", "[a]: b\n", "[a\n", "a\n", "\n", "\t", "> a\n", "<div>\n\n", "<details>\n\n",
		"</details>\n\n", "<del>", "a|", "|-", "a\n-\n", "a\n=\n", "[^a]: x\n", "“", "a=", "é", "\xff", "\x00", "\r"} {
		body := "/vote approve\n\n" + strings.Repeat(piece, 65_000/len(piece))
		invocations, problem := Parse(body)
		if len(invocations) == 0 && problem == nil {
			t.Errorf("%q repeated: the command before it is lost", piece)
		}
		// The same at the end of one line, and read as the description of a pull request.
		Parse("/vote approve " + strings.Repeat(piece, 65_000/len(piece)))
		ImplementsRefs("Implements: " + strings.Repeat(piece, 65_000/len(piece)))
	}
}

func TestTenThousandCommandLines(t *testing.T) {
	t.Parallel()
	results := Default().Read(strings.Repeat("/a b\n", 3_000) + strings.Repeat("/rfc a\n", 7_000))
	if len(results) != MaxCommands+1 {
		t.Fatalf("%d results, want %d and one problem for the rest", len(results), MaxCommands)
	}
	if problem := results[MaxCommands].Problem; problem == nil || problem.Code != TooMany || problem.Invocation.Line != 3_011 {
		t.Errorf("the rest is answered with %+v", problem)
	}
}
