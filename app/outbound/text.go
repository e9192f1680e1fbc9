package outbound

import (
	"strings"
	"unicode"
)

// line makes people's text fit for a header or a title: one line of at most
// limit characters, without any that control or are not seen. (What render has
// for this is for Markdown, and stands above this package.)
func line(text string, limit int) string {
	var out strings.Builder
	blank := false
	for _, r := range text { // bytes that are not UTF-8 arrive as U+FFFD
		switch {
		case unicode.IsSpace(r), unicode.In(r, unicode.Z):
			blank = true
			continue
		case unicode.In(r, unicode.C, unicode.Other_Default_Ignorable_Code_Point):
			continue
		}
		if blank && out.Len() > 0 {
			out.WriteByte(' ')
		}
		blank = false
		out.WriteRune(r)
	}
	return shorten(out.String(), limit)
}

// header is line for a header of a mail. Programs read =?…?= there as encoded, and that is for the mail library to write.
func header(text string, limit int) string {
	return strings.ReplaceAll(line(text, limit), "=?", "= ?")
}

// shorten cuts text to limit characters, the … included.
func shorten(text string, limit int) string {
	if runes := []rune(text); len(runes) > limit {
		return strings.TrimRight(string(runes[:limit-1]), " ") + "…"
	}
	return text
}

// The bounds of an item's text.
const (
	maxText  = 2000
	maxLines = 60
)

var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// lines are the lines of people's text, each as line makes it, without empty ones at the ends or one after another.
func lines(text string) []string {
	var out []string
	left, empty := maxText, false
	for written := range strings.Lines(lineEnds.Replace(text)) {
		if left <= 0 || len(out) == maxLines {
			return append(out, "…")
		}
		shown := line(written, left)
		if shown == "" {
			empty = len(out) > 0
			continue
		}
		if empty {
			out, empty = append(out, ""), false
		}
		out = append(out, shown)
		left -= len([]rune(shown))
	}
	return out
}
