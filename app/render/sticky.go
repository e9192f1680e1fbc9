package render

import (
	"fmt"
	"strings"

	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/app/rfc"
)

// Sticky is the one comment that shows how an RFC stands, edited in place. It is at most
// Budget bytes: the history goes first, then ballots beyond the newest hundred, then all
// details but a link to the page.
func (Renderer) Sticky(v rfc.View) string {
	head := stickyHead(v)
	room := Budget - trailRoom - len(head)
	body := details(v, room)
	if len(body) > room {
		body = "\n" + elsewhere(v, "Everything else")
	}
	return head + body + trailLine(v.Head)
}

// trailRoom is kept free for the trail's line, so that what stands above it does
// not depend on it.
const trailRoom = 200

// trailLine tells where the audit trail ends, for whoever wants to hold a later
// verification to it.
func trailLine(head audit.Head) string {
	if head.Seq == 0 {
		return ""
	}
	return fmt.Sprintf("\n%s<sub>Audit trail sealed up to entry %d: <code>%s</code></sub>\n", rfc.TrailMark, head.Seq, head.Hash)
}

func stickyHead(v rfc.View) string {
	var b strings.Builder
	b.WriteString(v.RFC.StickyMarker() + "\n")
	fmt.Fprintf(&b, "## %s · %s — %s\n", heading(v.RFC), Escape(v.RFC.Title, maxTitle), v.RFC.State)
	b.WriteString(verdictLine(v) + "\n\n")
	if v.RFC.Left != 0 {
		b.WriteString("It is an RFC of the account " + Login(v.Account.Login) + ", which this repository belonged to.\n\n")
	}
	b.WriteString(progressLine(v) + "\n")
	if Current(v) {
		b.WriteString("\n" + tallyTable(v.Result.Tally))
		b.WriteString("\n" + standingLine(v.RFC, v.Round, v.Result) + extendedAfterwards(v.Round, v.Result) + "\n")
	}
	if warnings := warnings(markdown, v); len(warnings) > 0 {
		b.WriteString("\n" + callout("WARNING", warnings))
	}
	if calls := calls(v); len(calls) > 0 {
		b.WriteString("\n" + callout("IMPORTANT", []string{strings.Join(calls, " ")}))
	}
	if concerns := concernList(v); concerns != "" {
		b.WriteString("\n" + concerns)
	}
	return b.String()
}

// Current reports whether the newest round belongs to where the RFC stands now:
// while it is discussed again, the ballots of an earlier round are void.
func Current(v rfc.View) bool {
	if v.Round == nil {
		return false
	}
	return v.RFC.State == rfc.Voting || v.RFC.State.Decided() && !v.Round.OpenedAt.Before(v.RFC.OpenedAt)
}

// verdictLine says in one line how the RFC stands, until when, and where to read why.
func verdictLine(v rfc.View) string {
	parts := append([]string{}, verdict(v)...)
	if v.PageURL != "" {
		word := "details"
		if Current(v) {
			word = "why"
		}
		parts = append(parts, link(word, v.PageURL))
	}
	return strings.Join(parts, " · ")
}

func verdict(v rfc.View) []string {
	r := v.RFC
	switch r.State {
	case rfc.Draft:
		return []string{"**Draft**: not yet open for comment"}
	case rfc.Open:
		return openVerdict(v)
	case rfc.Voting:
		return votingVerdict(v)
	case rfc.Superseded:
		if r.SupersededBy > 0 {
			return []string{fmt.Sprintf("**Superseded** by RFC-%d", r.SupersededBy)}
		}
		return []string{"**Superseded**"}
	case rfc.Implemented:
		line := "**Implemented**"
		if r.ImplementedBy != "" {
			line += " by " + Escape(r.ImplementedBy, maxTitle)
		}
		return []string{line}
	case rfc.Withdrawn:
		line := "**Withdrawn**"
		if r.Why != "" {
			line += ": " + Escape(r.Why, maxReason)
		}
		return []string{line}
	}
	return decidedVerdict(v)
}

func openVerdict(v rfc.View) []string {
	parts := []string{"**In discussion**"}
	if !v.RFC.DiscussionEnds.IsZero() && !v.Unruled {
		parts = append(parts, "voting opens **"+instant(v.RFC.DiscussionEnds)+"**")
	}
	return parts
}

func votingVerdict(v rfc.View) []string {
	if v.Round == nil {
		return []string{"**Voting**"}
	}
	would := "**Would fail now**"
	if v.Result.WouldPass() {
		would = "**Would pass now**"
	}
	return []string{
		would + ": " + escapeAll(v.Result.Verdict.Reasons, ", "),
		"closes **" + instant(v.Result.Deadline) + "**",
	}
}

func decidedVerdict(v rfc.View) []string {
	line := "**" + capital(stateWord(v.RFC.State)) + "**"
	if reasons := decisionReasons(v); len(reasons) > 0 {
		line += ": " + escapeAll(reasons, ", ")
	}
	parts := []string{line}
	if !v.RFC.DecidedAt.IsZero() {
		parts = append(parts, "decided **"+instant(v.RFC.DecidedAt)+"**")
	}
	if v.RFC.State == rfc.Postponed && !v.RFC.RetryAt.IsZero() {
		parts = append(parts, "votes again **"+instant(v.RFC.RetryAt)+"**")
	}
	return parts
}

// decisionReasons are the reasons the newest round was closed with.
func decisionReasons(v rfc.View) []string {
	if v.Round == nil {
		return nil
	}
	if len(v.Round.Reasons) > 0 {
		return v.Round.Reasons
	}
	return v.Result.Verdict.Reasons
}

// progressLine shows the way of an RFC with the present step in bold.
func progressLine(v rfc.View) string {
	const done, ahead = "✅ ", "⚪ "
	r := v.RFC
	now := func(sign, word string) string { return "**" + sign + " " + word + "**" }
	var steps []string
	switch r.State {
	case rfc.Draft:
		steps = []string{now("🔵", "Draft"), ahead + "Open", ahead + "Voting", ahead + "Decision"}
	case rfc.Open:
		steps = []string{done + "Draft", now("🔵", "Open"), ahead + "Voting", ahead + "Decision"}
	case rfc.Voting:
		steps = []string{done + "Draft", done + "Open", now("🔵", "Voting"), ahead + "Decision"}
	case rfc.Withdrawn:
		steps = []string{done + "Draft"}
		if !r.OpenedAt.IsZero() {
			steps = append(steps, done+"Open")
		}
		if Current(v) {
			steps = append(steps, done+"Voting")
		}
		steps = append(steps, now("⏹️", "Withdrawn"))
	case rfc.Implemented, rfc.Superseded:
		last := now("✅", "Implemented")
		if r.State == rfc.Superseded {
			last = now("⏭️", "Superseded")
		}
		steps = []string{done + "Draft", done + "Open", done + "Voting", done + "Accepted", last}
	default:
		steps = []string{done + "Draft", done + "Open", done + "Voting", now(stateSign(r.State), capital(stateWord(r.State)))}
	}
	return strings.Join(steps, " → ")
}

func stateSign(s rfc.State) string {
	switch s {
	case rfc.Accepted, rfc.Implemented:
		return "✅"
	case rfc.Rejected:
		return "❌"
	case rfc.Postponed:
		return "⏸️"
	case rfc.ChangesRequested:
		return "✏️"
	}
	return "⚪"
}

// callout is one of GitHub's alerts, a line for each text.
func callout(kind string, lines []string) string {
	var b strings.Builder
	b.WriteString("> [!" + kind + "]\n")
	for i, line := range lines {
		if i > 0 {
			b.WriteString(">\n")
		}
		b.WriteString("> " + line + "\n")
	}
	return b.String()
}

// elsewhere points to the page for what does not fit.
func elsewhere(v rfc.View, what string) string {
	if v.PageURL == "" {
		return what + " is in Agora's records.\n"
	}
	return what + " is on " + link("the RFC's page", v.PageURL) + ".\n"
}
