package render

import (
	"fmt"
	"strings"

	"github.com/agora-rfc/agora/app/rfc"
)

// Decision is the one comment that says how a round was decided, with the numbers,
// the reasons and what happens next.
func (Renderer) Decision(v rfc.View, round *rfc.Round, result rfc.Result) string {
	var b strings.Builder
	b.WriteString(v.RFC.DecisionMarker(round) + "\n")
	fmt.Fprintf(&b, "## %s · %s\n", v.RFC.Name(), decisionHeading(round.Outcome))
	if len(round.Reasons) > 0 {
		b.WriteString("**Why**: " + escapeAll(round.Reasons, ", ") + ".\n\n")
	}
	b.WriteString(tallyTable(result.Tally) + "\n")
	b.WriteString(standingLine(v.RFC, round, result) + extendedAfterwards(round, result) + "\n\n")
	b.WriteString("**What happens next**: " + next(v, round) + "\n")
	if v.PageURL != "" {
		b.WriteString("\nEvery ballot, the rules and the history: " + link("the RFC's page", v.PageURL) + ".\n")
	}
	return b.String()
}

func decisionHeading(o rfc.Outcome) string {
	switch o {
	case rfc.OutcomeAccepted:
		return "✅ accepted"
	case rfc.OutcomeRejected:
		return "❌ rejected"
	case rfc.OutcomePostponed:
		return "⏸️ postponed"
	case rfc.OutcomeChangesRequested:
		return "✏️ changes requested"
	}
	return outcomeSentence(o)
}

// next says what follows from the outcome, and who moves it.
func next(v rfc.View, round *rfc.Round) string {
	r := v.RFC
	switch round.Outcome {
	case rfc.OutcomeAccepted:
		return acceptedNext(r)
	case rfc.OutcomeRejected:
		return "the RFC is closed. A steward may take it up again with `/rfc reopen \"why\"`."
	case rfc.OutcomePostponed:
		if !r.RetryAt.IsZero() {
			return fmt.Sprintf("a second vote opens by itself **%s**, with a fresh electorate and no ballots.", instant(r.RetryAt))
		}
		return "it stays postponed. A steward may take it up again with `/rfc reopen \"why\"`."
	case rfc.OutcomeChangesRequested:
		return "the author changes the text, or says `/rfc open`, and a fresh discussion begins." + concernsLeft(r)
	}
	return "nothing by itself."
}

func acceptedNext(r *rfc.RFC) string {
	text := "whoever implements it writes " + CodeSpan("Implements: "+r.Name()) + " in the pull request; merging that, or `/rfc implement by=#…`, makes the RFC implemented."
	if r.Bound.Hash == "" {
		return text
	}
	return "the acceptance holds for " + boundName(markdown, r) + "; a later change needs a steward's `/rfc editorial \"why\"` or a new vote. " + capital(text)
}

// concernsLeft names the concerns that stood in the way.
func concernsLeft(r *rfc.RFC) string {
	var b strings.Builder
	shown := 0
	for _, c := range r.Concerns {
		if c.Settled() {
			continue
		}
		if shown++; shown > maxNamed {
			b.WriteString("\n- and more")
			break
		}
		fmt.Fprintf(&b, "\n- Concern %d by %s: %s", c.Number, person(c.Raiser.Login), words(c.Text))
	}
	if shown == 0 {
		return ""
	}
	return " These concerns are open:\n" + b.String()
}
