package command

import (
	"slices"
	"strings"
	"testing"
)

func TestCoAuthors(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"A proposal.\n\nCo-authors: @maya, kim, @Maya":                  "maya kim",
		"---\ntype: standard\nco-authors: [maya, \"kim-x\"]\n---\nText": "maya kim-x",
		"co-AUTHORS: @lee":                         "lee",
		"> Co-authors: @maya":                      "",
		"```\nCo-authors: @maya\n```":              "",
		"Written by us. Co-authors: @maya":         "",
		"Co-authors: nobody/here, <script>, @a b!": "a",
		"no such line":                             "",
	} {
		if got := strings.Join(CoAuthors(body), " "); got != want {
			t.Errorf("the co-authors of %q are %q, want %q", body, got, want)
		}
	}
	var many []string
	for range MaxRefs + 5 {
		many = append(many, strings.Repeat("a", len(many)+1))
	}
	if got := CoAuthors("Co-authors: " + strings.Join(many, ", ")); !slices.Equal(got, many[:MaxRefs]) {
		t.Errorf("of %d co-authors %d were read, want %d", len(many), len(got), MaxRefs)
	}
}

func TestOnlyCommands(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		"/vote approve":                         true,
		"/vote approve\n\n/concern resolve 1\n": true,
		"I agree.\n\n/vote approve":             false,
		"I agree.":                              false,
		"":                                      false,
	} {
		if got := Commands(body); got != want {
			t.Errorf("%q is commands alone: %t, want %t", body, got, want)
		}
	}
}
