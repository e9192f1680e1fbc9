package render

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/config"
)

// barCells is the width of a bar in the vote table.
const barCells = 20

// tallyTable is the vote table. Shares are of the weight for and against; what
// speaks for is rounded down and what speaks against up, so that nothing looks
// reached early.
func tallyTable(t rfc.Tally) string {
	against := t.Against()
	whole := t.Approve.Weight + against.Weight
	var b strings.Builder
	b.WriteString("| Vote | Weight | Share | Voters |\n|:--|--:|:--|--:|\n")
	row := func(vote string, c rfc.Count, percent int64) {
		fmt.Fprintf(&b, "| %s | %s | `%s` %d %% | %d |\n", vote, rfc.FormatWeight(c.Weight), bar(c.Weight, whole), percent, c.Voters)
	}
	row("👍 Approve", t.Approve, floorShare(t.Approve.Weight, whole, 100))
	row("👎 Reject", t.Reject, ceilShare(t.Reject.Weight, whole, 100))
	if t.RequestChanges.Voters > 0 {
		row("😕 Request changes", t.RequestChanges, ceilShare(t.RequestChanges.Weight, whole, 100))
	}
	fmt.Fprintf(&b, "| 👀 Abstain | %s | counts for quorum only | %d |\n", rfc.FormatWeight(t.Abstain.Weight), t.Abstain.Voters)
	if t.Advisory > 0 {
		fmt.Fprintf(&b, "| Advisory | 0.00 | outside the electorate | %d |\n", t.Advisory)
	}
	return b.String()
}

// bar is a floored bar: it is full only when the whole is reached.
func bar(part, whole int64) string {
	full := int(floorShare(part, whole, barCells))
	return strings.Repeat("█", full) + strings.Repeat("░", barCells-full)
}

// floorShare is ⌊units·part/whole⌋ between 0 and units, 0 of nothing.
func floorShare(part, whole, units int64) int64 {
	if whole <= 0 || part <= 0 {
		return 0
	}
	n := new(big.Int).Mul(big.NewInt(part), big.NewInt(units))
	return min(n.Quo(n, big.NewInt(whole)).Int64(), units)
}

// ceilShare is ⌈units·part/whole⌉ between 0 and units, 0 of nothing.
func ceilShare(part, whole, units int64) int64 {
	if whole <= 0 || part <= 0 {
		return 0
	}
	return units - floorShare(whole-part, whole, units)
}

// Quorum is the quorum an outcome turns on, and who took part in it.
type Quorum struct {
	Name string
	Cast rfc.Count
	Met  bool
}

// QuorumOf is the quorum to reject, to which every ballot counts, when the round is
// rejected or would be; else the quorum to pass (RULES §2 "Tally" 1).
func QuorumOf(round *rfc.Round, result rfc.Result) Quorum {
	v := result.Verdict
	outcome := v.Outcome
	if round.Closed() {
		outcome = round.Outcome
	}
	if outcome == rfc.OutcomeRejected {
		return Quorum{Name: "Quorum to reject", Cast: result.Tally.Cast(), Met: v.QuorumToReject}
	}
	return Quorum{Name: "Quorum", Cast: rfc.Count{Voters: v.QuorumHeads, Weight: v.QuorumWeight}, Met: v.QuorumToPass}
}

// quorumText shows who took part beside what the quorum asks.
func quorumText(round *rfc.Round, result rfc.Result) string {
	if round.Heads == 0 { // nothing to have a share of
		return "**Quorum** none, as nobody counts towards it ❌"
	}
	quorum, v := QuorumOf(round, result), result.Verdict
	return fmt.Sprintf("**%s** %d of %s %s · %s of %s weight %s",
		quorum.Name, quorum.Cast.Voters, rfc.Plural(v.QuorumHeadsNeed, "voter"), tick(quorum.Cast.Voters >= v.QuorumHeadsNeed),
		rfc.FormatWeight(quorum.Cast.Weight), rfc.FormatWeight(v.QuorumWeightNeed),
		tick(round.Rules().WeightQuorumMet(quorum.Cast.Weight, round.Weight)))
}

// standingLine is the line of the four gates: quorum, approval, concerns, and what
// equal votes would have decided.
func standingLine(r *rfc.RFC, round *rfc.Round, result rfc.Result) string {
	v := result.Verdict
	approval := "**Approval** " + Approval(result.Tally, round.Rules().Approval) + " " + tick(v.Approval)
	if short := v.SupportersNeed - result.Tally.Supporters; short > 0 {
		approval += fmt.Sprintf(" (%s besides the author missing)", rfc.Plural(short, "approval"))
	}
	open := result.OpenConcerns
	if round.Closed() { // they may have been settled since
		open = rfc.OpenConcerns(r.Concerns)
	}
	concerns := "**Concerns** none open ✅"
	if open > 0 {
		concerns = fmt.Sprintf("**Concerns** %d open ❌", open)
	}
	return strings.Join([]string{quorumText(round, result), approval, concerns, "**One person, one vote:** " + equalVotes(r, result)}, " — ")
}

// Approval says how the approval stands: "74 % of at least 66.67 %". Shares are floored to whole percents,
// except where only decimals tell on which side of the line they are; a line that
// is reached never reads as missed.
func Approval(t rfc.Tally, line config.Threshold) string {
	whole := t.Approve.Weight + t.Against().Weight
	need := rfc.FormatThreshold(line)
	if !line.Strict {
		need = "at least " + need
	}
	if whole <= 0 {
		return "no votes for or against yet, needs " + need
	}
	share := fmt.Sprintf("%d %%", floorShare(t.Approve.Weight, whole, 100))
	if floorShare(t.Approve.Weight, whole, 100) == floorShare(line.Num(), line.Den(), 100) {
		share = rfc.FormatShare(t.Approve.Weight, whole)
		reached := line.Fraction.CmpShare(t.Approve.Weight, whole) >= 0
		if !line.Strict && reached && floorShare(t.Approve.Weight, whole, 10_000) < ceilShare(line.Num(), line.Den(), 10_000) {
			share = rfc.FormatThreshold(line)
		}
	}
	return share + " of " + need
}

// equalVotes says what the result would be had every vote the same weight.
func equalVotes(r *rfc.RFC, result rfc.Result) string {
	pass := result.Unweighted.Outcome == rfc.OutcomeAccepted
	word := map[bool]string{true: "pass", false: "fail"}[pass]
	same := pass == result.WouldPass()
	switch {
	case r.State == rfc.Voting && same:
		return "would " + word + " too"
	case r.State == rfc.Voting:
		return "would " + word + " instead"
	case same:
		return "the same"
	}
	return "would have " + word + "ed instead"
}

func tick(ok bool) string {
	if ok {
		return "✅"
	}
	return "❌"
}
