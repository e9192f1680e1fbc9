package command

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRefs(t *testing.T) {
	t.Parallel()
	var many []string
	var first20 []int
	for i := 1; i <= 30; i++ {
		many = append(many, fmt.Sprintf("RFC-%d", i))
		if i <= MaxRefs {
			first20 = append(first20, i)
		}
	}
	tests := []struct {
		name, body string
		want       []int
	}{
		{"one", "Implements: RFC-7", []int{7}},
		{"any case", "implements:rfc-7", []int{7}},
		{"several", "Text.\nImplements: RFC-7, RFC-9 and RFC-7 & RFC-12.", []int{7, 9, 12}},
		{"several lines", "Implements: RFC-9\n\nImplements: RFC-7\r\n", []int{9, 7}},
		{"as links", "Implements: [RFC-7](https://a.example/7), [RFC-9]", []int{7, 9}},
		{"indented", "   Implements: RFC-7", []int{7}},
		{"as an item of a list", "* Implements: RFC-7\n- implements: RFC-9", []int{7, 9}},
		{"emphasised", "**Implements:** RFC-7\n\n__Implements__: RFC-9\n", []int{7, 9}},
		{"as code", "Implements: `RFC-7`, `RFC-9`", []int{7, 9}},
		{"indented as code", "    Implements: RFC-7", nil},
		{"only the list", "Implements: RFC-7 (but not RFC-9)", []int{7}},
		{"nothing named", "Implements: the plan of RFC-7", nil},
		{"not at the start", "This implements: RFC-7", nil},
		{"hidden", "<!-- \nImplements: RFC-7\n-->", nil},
		{"hidden in the line", "Implements: <!-- RFC-7 -->", nil},
		{"in a fence", "```\nImplements: RFC-7\n```", nil},
		{"quoted", "> Implements: RFC-7", nil},
		{"other word", "Supersedes: RFC-7", nil},
		{"no number", "Implements: RFC-0, RFC-x", nil},
		{"number with a tail", "Implements: RFC-7a", nil},
		{"number too large", "Implements: RFC-99999999999999999999", nil},
		{"many", "Implements: " + strings.Join(many, ", "), first20},
		{"made unreadable", "Implements: RFC-7\n\n" + strings.Repeat(">", 5_000), []int{7}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, ImplementsRefs(test.body)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if diff := cmp.Diff([]int{3}, SupersedesRefs("Supersedes: RFC-3\nImplements: RFC-4")); diff != "" {
		t.Errorf("superseded (-want +got):\n%s", diff)
	}
}

func TestFrontMatter(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		want       map[string]string
	}{
		{"simple", "---\ntype: standard\nTitle: \"A: b\"\n---\ntext", map[string]string{"type": "standard", "title": "A: b"}},
		{"Windows line ends", "---\r\ntype: roadmap\r\n---\r\n", map[string]string{"type": "roadmap"}},
		{"what is not simple is passed over", "---\na:\n  b: c\n- d: e\n# f: g\ntype: x\ntype: y\n---", map[string]string{"a": "", "type": "x"}},
		{"not first", "text\n---\ntype: standard\n---", nil},
		{"not closed", "---\ntype: standard\n", nil},
		{"closed too late", "---\n" + strings.Repeat("a: b\n", 60_000) + "---", nil},
		{"none", "", nil},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, FrontMatter(test.body)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestFormField(t *testing.T) {
	t.Parallel()
	form := "### Type\n\nstandard\n\n### Summary\n\nTwo\n\nparagraphs.\n\n```md\n### Motivation\n\nnot this\n```\n\n### Draft\n\n_No response_\n\n### Motivation ###\r\n\r\nBecause.\r\n\n### Type\n\nroadmap\n"
	for heading, want := range map[string]string{
		"Type":       "standard",
		"type":       "standard",
		"Summary":    "Two\n\nparagraphs.\n\n```md\n### Motivation\n\nnot this\n```",
		"Draft":      "",
		"Motivation": "Because.",
		"Missing":    "",
	} {
		if got := FormField(form, heading); got != want {
			t.Errorf("%s: %q, want %q", heading, got, want)
		}
	}
	for _, body := range []string{"<!--\n### Type\n\nstandard\n-->", "> ### Type\n> standard", "## Type\n\nstandard", "### Type", ""} {
		if got := FormField(body, "Type"); got != "" {
			t.Errorf("%q gives %q", body, got)
		}
	}
}
