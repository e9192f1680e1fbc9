package render

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/rivo/uniseg"
)

// Escape makes a person's text harmless inside a Markdown paragraph, list item, heading or table cell of ours, and keeps
// it readable where it is rendered: nothing in it becomes a mention, a link, a reference to an issue or commit, an image,
// HTML, an entity, an emoji short code, a formula, a table cell, a footnote, an alert, code, or a command.
// It is one line: line ends and other blanks become single spaces, control, bidirectional and zero-width characters go.
//
// The text shown has at most limit characters (runes), the … of a cut included, and is never cut inside what a reader
// sees as one character; a limit of 0 or less means none.
//
// Two means do it. What Markdown or HTML would read becomes a numeric entity, which is right in Markdown and in HTML
// alike. What GitHub looks for in the rendered text, where an entity is no hindrance (@name, #123, www.…, commit hashes),
// is broken by a zero-width space of ours.
func Escape(text string, limit int) string {
	return escape(Plain(text, limit))
}

// Plain is a person's text as Escape shows it, not escaped: on one line, without what a reader cannot see, and cut to
// limit characters. It is for places that are not Markdown, such as the title of a check.
func Plain(text string, limit int) string {
	return truncate(visible(text), limit)
}

// Login shows a GitHub login without mentioning anybody. An empty one is a deleted account, which GitHub calls ghost.
func Login(login string) string {
	const longest = 60 // 39 by GitHub's rules; companies that manage accounts add a short code, Apps add [bot]
	login = strings.TrimLeft(login, "@")
	if login == "" {
		return "ghost"
	}
	return Escape(login, longest)
}

// CodeSpan shows text as code, on one line, wherever Escape may stand. An empty text gives an empty string.
func CodeSpan(text string) string {
	text = visible(text)
	switch {
	case text == "":
		return ""
	case strings.ContainsRune(text, '|'), strings.Contains(text, "]:"):
		// In a table a bar ends the cell, even in a code span; escaped, it shows its backslash everywhere else.
		// In a link text "]:" would end the label of a reference definition.
		return "<code>" + escape(text) + "</code>"
	}
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}
	return fence + text + fence
}

// maxMarks is how many combining marks in a row are kept: no script needs more, and stacks of them cover other lines.
const maxMarks = 4

// visible reduces a text to what a reader sees of it, on one line.
func visible(text string) string {
	var out strings.Builder
	blank, marks := false, 0
	for _, r := range text {
		switch {
		case unicode.IsSpace(r), unicode.In(r, unicode.Z):
			blank, marks = true, 0
			continue
		case isInvisible(r):
			continue
		case unicode.In(r, unicode.M):
			if marks++; marks > maxMarks {
				continue
			}
		default:
			marks = 0
		}
		if blank && out.Len() > 0 {
			out.WriteByte(' ')
		}
		blank = false
		out.WriteRune(r) // bytes that are not UTF-8 arrive as U+FFFD
	}
	return out.String()
}

// isInvisible reports whether a character shows nothing, or changes how others are shown. The selectors between text and
// emoji presentation stay.
func isInvisible(r rune) bool {
	if r == '\uFE0E' || r == '\uFE0F' {
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// truncate cuts a text to limit runes, … included, between two characters as a reader sees them.
func truncate(text string, limit int) string {
	if limit <= 0 || len(text) <= limit {
		return text
	}
	end, runes := 0, 0
	state, rest := -1, text
	for rest != "" {
		var cluster string
		cluster, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if runes += len([]rune(cluster)); runes > limit {
			return strings.TrimRight(text[:end], " ") + "…"
		}
		if runes < limit {
			end += len(cluster)
		}
	}
	return text
}

// noBreak is a zero-width space, written so that it can be seen in the source.
const noBreak = "&#8203;"

var (
	// What GitHub or an autolink extension recognises by its letters. The first group is followed by a zero-width
	// space. References stand apart, since "GH-1" may also be the beginning of a protocol's name.
	recognised = []*regexp.Regexp{
		regexp.MustCompile(`(?i)(www)\.|([a-z][a-z0-9+.-]*:)//|(mailto:|xmpp:)|(:)[a-z0-9_+-]+:`),
		regexp.MustCompile(`(?i)\b((?:gh|ghsa|cve)-)[0-9a-z]`),
	}
	// The start of a numbered list.
	listNumber = regexp.MustCompile(`^[0-9]+[.)]`)
)

// escape writes a visible text so that only its letters are left to Markdown.
func escape(text string) string {
	breaks := breakPoints(text)
	number := len(listNumber.FindString(text)) - 1
	var out strings.Builder
	for i, r := range text {
		if breaks[i] {
			out.WriteString(noBreak)
		}
		switch {
		case r == '@' || r == '#':
			out.WriteString(entity(r) + noBreak)
		case r == '$':
			// A formula opens after a blank and closes before one.
			out.WriteString(noBreak + entity(r) + noBreak)
		case strings.ContainsRune("\\`*_[]<>&\"|~!", r), i == 0 && isPunctuation(r), i == number && number > 0:
			out.WriteString(entity(r))
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

// breakPoints returns the offsets that a zero-width space must stand before.
func breakPoints(text string) map[int]bool {
	breaks := make(map[int]bool)
	breakHashes(text, breaks)
	if !strings.ContainsAny(text, ":.-") {
		return breaks
	}
	for _, pattern := range recognised {
		breakMatches(text, pattern, breaks)
	}
	return breaks
}

// breakMatches breaks behind the first group of every match, and searches on from there.
func breakMatches(text string, pattern *regexp.Regexp, breaks map[int]bool) {
	for at := 0; at < len(text); {
		match := pattern.FindStringSubmatchIndex(text[at:])
		if match == nil {
			return
		}
		for group := 2; group < len(match); group += 2 {
			if match[group] >= 0 {
				breaks[at+match[group+1]] = true
				at += match[group+1]
				break
			}
		}
	}
}

// breakHashes breaks what may be a commit hash: 7 to 40 hexadecimal digits.
func breakHashes(text string, breaks map[int]bool) {
	const longest = 6 // digits in a row that are no hash yet
	run := 0
	for i := range len(text) {
		switch c := text[i] | 0x20; { // letters in lower case, digits as they are
		case (c < '0' || '9' < c) && (c < 'a' || 'f' < c):
			run = 0
		case run == longest:
			breaks[i] = true
			run = 1
		default:
			run++
		}
	}
}

func entity(r rune) string { return "&#" + strconv.Itoa(int(r)) + ";" }

func isPunctuation(r rune) bool {
	return r < unicode.MaxASCII && (unicode.IsPunct(r) || unicode.IsSymbol(r))
}
