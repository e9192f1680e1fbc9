package render

import (
	"fmt"
	"strings"

	"github.com/agora-rfc/agora/app/rfc"
)

// Check is the text of the check run `agora/rfc` for one RFC. It changes with the
// state, the verdict and the deadline, not with each vote: it carries no weights
// and no counts of ballots.
func (Renderer) Check(v rfc.View) (title, summary string) {
	title = heading(v.RFC) + " " + checkState(v)
	var b strings.Builder
	if v.RFC.Number == 0 {
		title = "This draft RFC " + checkState(v)
		fmt.Fprintf(&b, "**%s**: %s.\n", Escape(v.RFC.Title, maxTitle), stateWord(v.RFC.State))
	} else {
		fmt.Fprintf(&b, "**%s · %s**: %s.\n", heading(v.RFC), Escape(v.RFC.Title, maxTitle), stateWord(v.RFC.State))
	}
	if v.RFC.State == rfc.Draft {
		b.WriteString("\nIts author opens it for comment with `/rfc open`.\n")
	}
	if v.RFC.State == rfc.Voting && v.Round != nil {
		fmt.Fprintf(&b, "\nVoting closes **%s**.\n", instant(v.Result.Deadline))
		for _, line := range missing(v) {
			b.WriteString("- " + line + "\n")
		}
	}
	if v.RFC.State == rfc.Open {
		if !v.RFC.DiscussionEnds.IsZero() && !v.Unruled {
			fmt.Fprintf(&b, "\nVoting opens **%s**.\n", instant(v.RFC.DiscussionEnds))
		}
		if v.Unruled {
			b.WriteString("\n" + unruled + "\n")
		} else if v.RFC.OpenBlocked != "" {
			fmt.Fprintf(&b, "\nVoting could not be opened: %s\n", Escape(v.RFC.OpenBlocked, maxReason))
		}
	}
	if v.RFC.State == rfc.Accepted && v.RFC.Bound.Hash != "" {
		fmt.Fprintf(&b, "\nThe acceptance holds for %s.\n", boundName(markdown, v.RFC))
	}
	if v.RFC.ChangedSince() {
		b.WriteString("\nThe text changed since: it needs a steward's `/rfc editorial \"why\"`, or a new vote.\n")
	}
	if v.RFC.URL != "" {
		b.WriteString("\n" + link("The RFC", v.RFC.URL))
		if v.PageURL != "" {
			b.WriteString(" · " + link("its page", v.PageURL))
		}
		b.WriteString("\n")
	}
	return title, b.String()
}

// checkState completes the sentence that begins with the RFC's name.
func checkState(v rfc.View) string {
	r := v.RFC
	switch r.State {
	case rfc.Draft:
		return "is not open yet"
	case rfc.Open:
		return "is open for comment"
	case rfc.Voting:
		if lines := missing(v); len(lines) > 0 {
			return "is voting: " + strings.Join(lines, ", ")
		}
		return "is voting: would pass now"
	case rfc.Accepted, rfc.Implemented:
		if r.ChangedSince() {
			return "was " + string(r.State) + ", and changed since"
		}
	case rfc.ChangesRequested:
		return "needs changes"
	case rfc.Superseded:
		if r.SupersededBy > 0 {
			return fmt.Sprintf("was superseded by RFC-%d", r.SupersededBy)
		}
	}
	return "was " + string(r.State)
}

// missing says in words what keeps a vote from passing as it stands.
func missing(v rfc.View) []string {
	if v.Round == nil {
		return []string{"no ballot yet"}
	}
	var lines []string
	if !v.Result.Verdict.QuorumToPass {
		lines = append(lines, "quorum not yet reached")
	}
	if !v.Result.Verdict.Approval {
		lines = append(lines, "approval not yet reached")
	}
	if n := v.Result.OpenConcerns; n > 0 {
		lines = append(lines, rfc.Plural(n, "concern")+" open")
	}
	if !v.Round.TextChangedAt.IsZero() {
		lines = append(lines, "the text changed since voting opened")
	}
	if !v.Round.ConfirmBy.IsZero() {
		lines = append(lines, "stewards must confirm")
	}
	return lines
}
