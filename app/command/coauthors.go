package command

import (
	"slices"
	"strings"
)

// CoAuthors returns the logins that a text names as its co-authors, without their @, in order, once each: in front
// matter (`co-authors: [maya, kim]`) and on visible lines such as "Co-authors: @maya, @kim". At most MaxRefs are read.
func CoAuthors(body string) []string {
	const keyword = "co-authors"
	if !strings.Contains(strings.ToLower(body), keyword+":") {
		return nil
	}
	lists := []string{strings.Trim(FrontMatter(body)[keyword], "[]")}
	lines, err := visibleLines(body)
	if err == nil {
		for _, line := range lines {
			if len(line.text) > len(keyword) && strings.EqualFold(line.text[:len(keyword)+1], keyword+":") {
				lists = append(lists, clean(line.text[len(keyword)+1:]))
			}
		}
	}
	var logins []string
	for _, list := range lists {
		for _, word := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' }) {
			login, err := parseMember(strings.Trim(word, `"'`))
			if err != nil || slices.ContainsFunc(logins, func(l string) bool { return strings.EqualFold(l, login.(string)) }) {
				continue
			}
			if logins = append(logins, login.(string)); len(logins) == MaxRefs {
				return logins
			}
		}
	}
	return logins
}

// Commands reports whether a comment holds commands and nothing else a reader sees.
func Commands(body string) bool {
	invocations, problem := Parse(body)
	if problem != nil || len(invocations) == 0 {
		return false
	}
	lines := 0
	for line := range strings.Lines(body) {
		if strings.TrimSpace(line) != "" {
			lines++
		}
	}
	return lines == len(invocations)
}
