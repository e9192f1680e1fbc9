package command

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// MaxRefs is how many RFCs a text may say it implements, or supersedes; further ones are not read.
const MaxRefs = 20

// refPattern is one RFC in such a list, bare, as a Markdown link or as code, and what parts it from the next.
var refPattern = regexp.MustCompile("^[\\s,&]*(?:and\\s+)?[\\[`]?(?i:RFC)-([1-9][0-9]{0,8})\\b[\\]`]?(?:\\([^()\\s]*\\))?")

// adorned is how people also begin such a line: indented, as an item of a list, with emphasis.
var adorned = regexp.MustCompile(`(?im)^ {0,3}(?:[-*+][ \t]+)?(?:\*\*|__|\*|_)?(implements|supersedes)(?::(?:\*\*|__|\*|_)|(?:\*\*|__|\*|_)?:)`)

// ImplementsRefs returns the RFCs that a text names on lines such as "Implements: RFC-7, RFC-9", in order, once each.
// Such a line is visible plain text and starts at the first column, but for what adorns it; case does not matter.
//
// A text whose Markdown is too complex to be read is taken line by line: what a pull request is bound to must not
// depend on making its description unreadable.
func ImplementsRefs(body string) []int { return refs(body, "implements:") }

// SupersedesRefs returns the RFCs that a text names on lines such as "Supersedes: RFC-3"; see ImplementsRefs.
func SupersedesRefs(body string) []int { return refs(body, "supersedes:") }

func refs(body, keyword string) []int {
	if !strings.Contains(strings.ToLower(body), strings.TrimSuffix(keyword, ":")) {
		return nil
	}
	body = adorned.ReplaceAllString(body, "$1:")
	lines, err := visibleLines(body)
	if err != nil {
		for line := range strings.Lines(body) {
			lines = append(lines, visibleLine{text: strings.TrimRight(line, "\r\n")})
		}
	}
	var numbers []int
	for _, line := range lines {
		if len(line.text) < len(keyword) || !strings.EqualFold(line.text[:len(keyword)], keyword) {
			continue
		}
		rest := clean(line.text[len(keyword):])
		for match := refPattern.FindStringSubmatch(rest); match != nil; match = refPattern.FindStringSubmatch(rest) {
			rest = rest[len(match[0]):]
			number, err := strconv.Atoi(match[1])
			if err != nil || slices.Contains(numbers, number) {
				continue
			}
			if numbers = append(numbers, number); len(numbers) == MaxRefs {
				return numbers
			}
		}
	}
	return numbers
}

// FrontMatter returns the simple "key: value" lines of a text's leading "---" block, keys in lower case. Anything that is
// not so simple (nesting, lists, a key twice) is passed over, and a block that is not closed within 50 lines is none.
func FrontMatter(body string) map[string]string {
	const maxLines, maxLine = 50, 1_000
	first, rest, _ := strings.Cut(strings.TrimPrefix(body, "\uFEFF"), "\n")
	if strings.TrimRight(first, " \t\r") != "---" {
		return nil
	}
	values := make(map[string]string)
	for range maxLines {
		line, after, more := strings.Cut(rest, "\n")
		if line = strings.TrimRight(line, " \t\r"); line == "---" {
			return values
		}
		key, value, isPair := strings.Cut(line, ":")
		key = strings.ToLower(key)
		if _, twice := values[key]; isPair && len(line) <= maxLine && isFrontMatterKey(key) && !twice {
			values[key] = strings.Trim(strings.TrimSpace(value), `"'`)
		}
		if rest = after; !more {
			break
		}
	}
	return nil
}

func isFrontMatterKey(key string) bool {
	return key != "" && strings.Trim(key, "abcdefghijklmnopqrstuvwxyz0123456789_-") == ""
}

// FormField returns what somebody filled in under a heading of an issue form ("### Type"), without surrounding blank
// lines. GitHub writes _No response_ for an empty field; that, and a heading that is not there, give "". The heading's
// case does not matter, and the first of several counts.
func FormField(body, heading string) string {
	document, source, err := parseMarkdown(body)
	if err != nil {
		return ""
	}
	start := -1
	end := len(source)
	for node := document.FirstChild(); node != nil; node = node.NextSibling() {
		title, isField := node.(*ast.Heading)
		if !isField || title.Level != 3 || title.Lines().Len() == 0 {
			continue
		}
		line := title.Lines().At(0)
		if start >= 0 {
			end = lineStart(source, line.Start)
			break
		}
		if strings.EqualFold(strings.TrimSpace(string(line.Value(source))), strings.TrimSpace(heading)) {
			start = lineEnd(source, line.Stop)
		}
	}
	if start < 0 {
		return ""
	}
	value := strings.TrimSpace(string(source[start:end]))
	if value == "_No response_" {
		return ""
	}
	return value
}

// lineStart returns where the line around an offset begins.
func lineStart(source []byte, offset int) int {
	return bytes.LastIndexByte(source[:offset], '\n') + 1
}

// lineEnd returns where the line around an offset ends.
func lineEnd(source []byte, offset int) int {
	if i := bytes.IndexByte(source[offset:], '\n'); i >= 0 {
		return offset + i
	}
	return len(source)
}
