package render

import (
	"fmt"
	"strings"

	"github.com/agora-rfc/agora/app/rfc"
)

// Ballot is the comment people react to in one round. It never shows the running
// tally, so it is edited only when the deadline moves or the round ends.
func (Renderer) Ballot(v rfc.View, round *rfc.Round, result rfc.Result) string {
	var b strings.Builder
	b.WriteString(v.RFC.BallotMarker(round) + "\n")
	fmt.Fprintf(&b, "## Ballot of %s, round %d\n", v.RFC.Name(), round.Number)
	if round.Closed() {
		b.WriteString(ballotClosed(v, round, result))
	} else {
		b.WriteString(ballotOpen(v, round, result))
	}
	b.WriteString("\n" + electorateText(round, result))
	if !round.Closed() && round.Heads == 0 {
		b.WriteString("\n" + callout("WARNING", []string{nobodyCounts(markdown, round)}))
	}
	if !round.Closed() {
		if mentions := announced(v, round); mentions != "" {
			b.WriteString("\n📣 " + mentions + "\n")
		}
	}
	return b.String()
}

func ballotOpen(v rfc.View, round *rfc.Round, result rfc.Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Voting closes **%s**.", instant(result.Deadline))
	if result.Deadline.After(round.Planned) {
		fmt.Fprintf(&b, " It was planned for %s.", instant(round.Planned))
	}
	b.WriteString("\n\nReact to **this comment**:\n\n" +
		"| 👍 | 👎 | 😕 | 👀 |\n|:-:|:-:|:-:|:-:|\n| approve | reject | request changes | abstain |\n\n" +
		"Or write `/vote approve \"why\"`, `/vote reject \"why\"`, `/vote request-changes \"what must change\"` or `/vote abstain` in a comment of your own")
	if v.RFC.Kind == rfc.KindPull {
		b.WriteString(", or submit a review that approves or requests changes")
	}
	fmt.Fprintf(&b, ". Of several votes of yours the newest counts; `/vote retract` takes all of them back.\n\n"+
		"`/vote request-changes` with a reason of at least %d characters opens a concern, until %s.\n",
		round.Policy.Concerns.MinReason, instant(round.ConcernsUntil()))
	if len(round.Supersedes) > 0 {
		names := make([]string, len(round.Supersedes))
		for i, number := range round.Supersedes {
			names[i] = fmt.Sprintf("RFC-%d", number)
		}
		fmt.Fprintf(&b, "\nAccepting it supersedes **%s**.\n", strings.Join(names, ", "))
	}
	return b.String()
}

func ballotClosed(v rfc.View, round *rfc.Round, result rfc.Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s**", capital(outcomeSentence(round.Outcome)))
	if len(round.Reasons) > 0 {
		b.WriteString(": " + escapeAll(round.Reasons, ", "))
	}
	fmt.Fprintf(&b, ".\n\nThis round closed %s", instant(round.ClosedAt))
	if decided(round) && !round.FinalDeadline.IsZero() {
		fmt.Fprintf(&b, "; ballots cast before %s counted", instant(round.FinalDeadline))
	}
	b.WriteString(". Reactions to this comment no longer count.\n")
	if decided(round) {
		b.WriteString("\n" + quorumText(round, result) + extendedAfterwards(round, result) + "\n")
	}
	if v.PageURL != "" {
		b.WriteString("\nAll ballots are on " + link("the RFC's page", v.PageURL) + ".\n")
	}
	return b.String()
}

// decided reports whether the round ended with a judgement on its ballots.
func decided(round *rfc.Round) bool { return !round.Decided().IsZero() }

// outcomeSentence is how a round ended, in words.
func outcomeSentence(o rfc.Outcome) string {
	switch o {
	case rfc.OutcomeAccepted, rfc.OutcomeRejected, rfc.OutcomePostponed, rfc.OutcomeRestarted:
		return string(o)
	case rfc.OutcomeChangesRequested:
		return "changes requested"
	case rfc.OutcomeAbandoned:
		return "ended without a decision"
	}
	return "closed"
}

// electorateText says who may vote and what the quorum asks of them.
func electorateText(round *rfc.Round, result rfc.Result) string {
	return fmt.Sprintf("The electorate was frozen %s: **%s** may vote, each with a weight of 1 + R/25. "+
		"The quorum is %s and %s of weight, of %s with a weight of %s. Votes of anybody else are advisory.\n",
		instant(round.OpenedAt), rfc.Plural(round.Eligible, "member"),
		rfc.Plural(result.Verdict.QuorumHeadsNeed, "voter"), rfc.FormatWeight(result.Verdict.QuorumWeightNeed),
		rfc.Plural(round.Heads, "regular"), rfc.FormatWeight(round.Weight))
}

// announced are the configured mentions, the only living ones Agora ever writes.
// Their shape was checked when the policy was read. People who opted out are left out.
func announced(v rfc.View, round *rfc.Round) string {
	var mentions []string
	for _, s := range first(round.Policy.Announce.Mention, maxNamed) {
		if !s.IsTeam() && v.Unmentioned[strings.ToLower(s.Login)] {
			continue
		}
		mentions = append(mentions, s.String())
	}
	return strings.Join(mentions, " ")
}
