// Package render turns what Agora decided into the Markdown it writes on GitHub:
// the sticky comment, the ballot of each round, the decision, check texts, replies
// and labels. Everything here is a pure function: the same view gives the same
// bytes, so that an unchanged state is not written again.
//
// Whatever people wrote is passed through Escape, Login or CodeSpan before it is
// shown. Only this package knows how that is done.
package render

import (
	"net/url"
	"strings"
	"time"

	"github.com/agora-rfc/agora/app/rfc"
)

// Budget is the longest body in bytes: GitHub takes 65,536 characters.
const Budget = 60_000

// The longest pieces of people's text that are shown, in characters.
const (
	maxTitle  = 200
	maxReason = 300
)

// Renderer writes Agora's comments. It holds nothing; New makes one.
type Renderer struct{}

var _ rfc.Renderer = Renderer{}

// New returns a renderer.
func New() Renderer { return Renderer{} }

// Escape is the function of the same name, for the domain's own answers.
func (Renderer) Escape(text string, limit int) string { return Escape(text, limit) }

// CodeSpan is the function of the same name, likewise.
func (Renderer) CodeSpan(text string) string { return CodeSpan(text) }

// Reply is the answer to a command: the text, marked with the comment it answers,
// so that it is edited instead of repeated when the author tries again. The text
// is Markdown of ours, in which people's words are escaped already.
func (Renderer) Reply(commentID int64, text string) string {
	return rfc.ReplyMarker(commentID) + "\n" + strings.TrimSpace(text) + "\n"
}

// instant writes a time for people, in UTC to the minute. Never relative to now:
// an unchanged state must give an unchanged body.
func instant(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

// link is a Markdown link to an absolute web address, or just its text when the
// address is none. The text must be safe already.
func link(text, address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return text
	}
	safe := strings.NewReplacer("(", "%28", ")", "%29", "<", "%3C", ">", "%3E", "@", "%40", "|", "%7C").Replace(u.String())
	return "[" + text + "](" + safe + ")"
}

// escapeAll escapes each text and joins them.
func escapeAll(texts []string, separator string) string {
	escaped := make([]string, len(texts))
	for i, text := range texts {
		escaped[i] = Escape(text, maxReason)
	}
	return strings.Join(escaped, separator)
}

// heading is the RFC's name for headings: "RFC-7", or "Draft" before it has a number.
func heading(r *rfc.RFC) string {
	if r.Number == 0 {
		return "Draft"
	}
	return r.Name()
}

// stateWord is the state as people read it: "changes requested".
func stateWord(s rfc.State) string {
	if s == rfc.Open {
		return "open for comment"
	}
	return strings.ReplaceAll(string(s), "-", " ")
}

// capital writes the first letter of our own words large.
func capital(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
