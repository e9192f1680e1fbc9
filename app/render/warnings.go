package render

import (
	"fmt"
	"strings"

	"github.com/agora-rfc/agora/app/rfc"
)

// prose is how a line is written that stands in comments and on pages alike.
type prose struct{ marks bool }

var (
	// markdown has the marks of Markdown, and people's words in it are escaped.
	markdown = prose{marks: true}
	// plain has neither: whoever shows it escapes it.
	plain = prose{}
)

var unmarked = strings.NewReplacer("**", "", "*", "", "`", "")

// say writes our own words, whose format may have marks; what it is given has none, or
// was written by the same prose.
func (p prose) say(format string, args ...any) string {
	if !p.marks {
		format = unmarked.Replace(format)
	}
	return fmt.Sprintf(format, args...)
}

// words are those of people.
func (p prose) words(text string, limit int) string {
	if !p.marks {
		return Plain(text, limit)
	}
	return Escape(text, limit)
}

// code shows a text as it is.
func (p prose) code(text string) string {
	if !p.marks {
		return Plain(text, maxReason)
	}
	return CodeSpan(text)
}

// unruled says why no vote of the repository can open, now or later.
const unruled = "Voting cannot open until the configuration, `.github/agora.yml`, is mended: it is broken, and no good one was ever read."

// Warnings are what a voter must know before voting, for a page: they are those of the
// status comment, without Markdown and not escaped.
func Warnings(v rfc.View) []string { return warnings(plain, v) }

// warnings are what a voter must know before voting.
func warnings(p prose, v rfc.View) []string {
	var lines []string
	say := func(format string, args ...any) { lines = append(lines, p.say(format, args...)) }
	if v.RFC.State == rfc.Open && v.Unruled {
		say(unruled)
	} else if v.RFC.OpenBlocked != "" && v.RFC.State == rfc.Voting {
		say("Voting is over. The vote is to be held again, and could not be opened yet: %s", p.words(v.RFC.OpenBlocked, maxReason))
	} else if v.RFC.OpenBlocked != "" && !v.RFC.State.Decided() {
		say("Voting could not be opened: %s", p.words(v.RFC.OpenBlocked, maxReason))
	}
	if v.RFC.MergeRefused && v.RFC.State == rfc.Accepted && Current(v) {
		say("GitHub did not let Agora merge this as `merge_on_accept: %s` says. It takes the App's permission *Contents: write*, accepted for this account, and rules of the branch that let the App merge. Until then, merge it by hand.", v.Round.Policy.MergeOnAccept)
	}
	if v.RFC.ChangedSince() {
		say("The text changed after it was accepted: the acceptance holds for %s only. A steward may call the change editorial with `/rfc editorial \"why\"`.", boundName(p, v.RFC))
	}
	if !Current(v) {
		return lines
	}
	round, result := v.Round, v.Result
	if v.RFC.State == rfc.Voting {
		if round.Heads == 0 {
			lines = append(lines, nobodyCounts(p, round))
		}
		if round.PolicyBroken != "" {
			say("The configuration was broken when voting opened (%s), so this round follows the last good one. Once it is fixed, it applies from the next round on, or from `/rfc restart \"why\"`.", p.words(round.PolicyBroken, maxReason))
		}
		if !round.TextChangedAt.IsZero() {
			say("The text changed on %s, since voting opened. Ballots stay valid; unless a steward calls the change editorial, a vote that would pass is held again.", instant(round.TextChangedAt))
		}
		if !round.Unheard.IsZero() {
			say("The text changed around the time voting ended. A vote that would pass waits some minutes for GitHub to say whether that was before or after the deadline.")
		}
		if !round.ConfirmBy.IsZero() {
			say("%s must confirm the result by **%s**, else it is postponed (%d so far).",
				capital(rfc.Plural(round.Policy.TwoStewards, "steward")), instant(round.ConfirmBy), len(round.Confirmations))
		}
		if !round.EarlyCloseAt.IsZero() {
			say("No remaining vote can change the outcome: voting closes early, **%s**.", instant(round.EarlyCloseAt))
		}
		if result.Deadline.After(round.Planned) { // an early close takes an extension back
			lines = append(lines, extended(p, round, result))
		}
	}
	if result.Organisation != "" {
		say("%s carries %d %% of the cast weight.", p.words(result.Organisation, maxTitle),
			floorShare(result.OrganisationShare.Weight, result.Tally.Cast().Weight, 100))
	}
	return lines
}

// nobodyCounts says what to do about a round that nobody counts in: without a quorum it
// cannot pass (RULES §2 "Electorate").
func nobodyCounts(p prose, round *rfc.Round) string {
	wait := ""
	if least := round.Policy.Electorate.MinMembership; least > 0 {
		wait = fmt.Sprintf(", once they have been members for %s,", least)
	}
	return p.say("Nobody who counts towards the quorum had joined when voting opened, so this vote cannot pass. "+
		"Everybody who should vote says `/member join`; then%s a steward says `/rfc restart \"why\"`, which freezes the electorate anew.", wait)
}

// extended says that and why the deadline moved.
func extended(p prose, round *rfc.Round, result rfc.Result) string {
	var why []string
	for _, reason := range Extensions(round, result) {
		why = append(why, p.words(reason, maxReason))
	}
	return p.say("Voting was extended from %s to **%s**: %s.", instant(round.Planned), instant(result.Deadline), strings.Join(why, "; "))
}

// boundName is the text an acceptance holds for: a commit, or the text's hash.
func boundName(p prose, r *rfc.RFC) string {
	if r.Bound.Head != "" {
		return "commit " + p.code(short(r.Bound.Head))
	}
	return "the text with hash " + p.code(short(r.Bound.Hash))
}
