package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/app/rfc"
)

// maxNamed bounds how many people one line names.
const maxNamed = 10

// calls say who must do what now, one sentence each.
func calls(v rfc.View) []string {
	r := v.RFC
	author, stewards := authorNamed(v), stewardsNamed(v)
	if r.Left != 0 {
		return nil // nothing can be done about it where it was left
	}
	switch r.State {
	case rfc.Draft:
		return []string{author + ": `/rfc open` when it is ready for comments."}
	case rfc.Open:
		calls := append(concernCalls(v), `**Everybody**: discuss it below; an objection that must be met is `+"`/concern raise \"…\"`.")
		if v.Unruled {
			return calls // nobody can open the vote
		}
		return append(calls, stewards+": `/rfc vote` opens the vote early.")
	case rfc.Voting:
		return votingCalls(v, stewards)
	case rfc.Accepted:
		return acceptedCalls(r, stewards)
	case rfc.ChangesRequested:
		return append(concernCalls(v), author+": change the text, or `/rfc open`, for a fresh discussion.")
	case rfc.Postponed:
		if !r.RetryAt.IsZero() {
			return []string{fmt.Sprintf("**Voters**: a second vote opens by itself **%s**.", instant(r.RetryAt))}
		}
		return []string{stewards + ": `/rfc reopen \"why\"` to try once more."}
	case rfc.Rejected, rfc.Withdrawn:
		return []string{stewards + ": `/rfc reopen \"why\"` to take it up again."}
	}
	return nil
}

func acceptedCalls(r *rfc.RFC, stewards string) []string {
	calls := []string{fmt.Sprintf("**Whoever implements it**: write `Implements: %s` in the pull request. %s: `/rfc implement by=#…` when it is done.", r.Name(), stewards)}
	if r.Kind != rfc.KindPull || !r.IssueOpen || r.ChangedSince() || r.Bound.Head == "" {
		return calls
	}
	return append([]string{"**This pull request** may be merged at " + boundName(markdown, r) + "."}, calls...)
}

func votingCalls(v rfc.View, stewards string) []string {
	vote := "**Vote** with `/vote approve \"why\"`"
	if v.Round != nil && v.Round.BallotURL != "" {
		vote = "**Vote** on " + link("the ballot", v.Round.BallotURL) + " with 👍 👎 😕 👀, by `/vote approve \"why\"`"
	}
	if v.RFC.Kind == rfc.KindPull {
		vote += ", or by a review"
	}
	calls := append([]string{vote + "."}, concernCalls(v)...)
	if duty := stewardDuty(v); duty != "" {
		calls = append(calls, stewards+": "+duty+".")
	}
	return calls
}

// stewardDuty is what stewards can do for a round, the most urgent first.
func stewardDuty(v rfc.View) string {
	round := v.Round
	switch {
	case round == nil:
		return ""
	case !round.ConfirmBy.IsZero():
		return "`/rfc confirm`"
	case !round.TextChangedAt.IsZero():
		return "`/rfc editorial \"why\"`, or `/rfc restart \"why\"`"
	case v.Result.Extended < round.Policy.MaxExtension.Std():
		return "`/rfc extend 3d \"why\"`"
	}
	return ""
}

// concernCalls ask the author to answer open concerns, and raisers to settle theirs.
func concernCalls(v rfc.View) []string {
	var answer []string
	raisers := map[string][]string{}
	var order []string
	for _, c := range v.RFC.Concerns {
		if c.Settled() {
			continue
		}
		if c.State == rfc.ConcernOpen {
			answer = append(answer, fmt.Sprintf("`/concern address %d \"how\"`", c.Number))
		}
		if _, known := raisers[c.Raiser.Login]; !known {
			order = append(order, c.Raiser.Login)
		}
		raisers[c.Raiser.Login] = append(raisers[c.Raiser.Login], fmt.Sprintf("`/concern resolve %d`", c.Number))
	}
	var calls []string
	if len(answer) > 0 {
		calls = append(calls, authorNamed(v)+": "+list(answer)+".")
	}
	for _, login := range first(order, maxNamed) {
		calls = append(calls, person(login)+": "+list(raisers[login])+".")
	}
	return calls
}

// extendedAfterwards says the same of a round that was decided, on a line of its own;
// "" when it ended as planned.
func extendedAfterwards(round *rfc.Round, result rfc.Result) string {
	if !decided(round) || !result.Deadline.After(round.Planned) {
		return ""
	}
	return "\n\n" + extended(markdown, round, result)
}

// Extensions are the reasons, not escaped, why a round went on longer than planned:
// the newest of the stewards' words, and what moved the deadline by itself.
func Extensions(round *rfc.Round, result rfc.Result) []string {
	var why []string
	left := result.Extended
	for _, x := range round.Extensions {
		left -= x.For.Std()
	}
	for _, x := range round.Extensions[max(0, len(round.Extensions)-3):] {
		why = append(why, fmt.Sprintf("%s by %s: %s", x.For, cmp.Or(x.By.Login, "ghost"), cmp.Or(x.Why, audit.Erased)))
	}
	if result.NearTie {
		left -= round.Policy.NearTie.Extension.Std()
		why = append(why, "it was near a tie")
	}
	if left > 0 {
		why = append(why, "the outcome changed late")
	}
	return why
}

// short is the beginning of a hash that people compare.
func short(hash string) string { return hash[:min(len(hash), 12)] }

// briefly is as much of a version of the rules as tells it from the others of a community.
func briefly(version string) string { return version[:min(len(version), 7)] }

// concernList shows the concerns with their states, those that block first, as far
// as they fit into a part of the budget.
func concernList(v rfc.View) string {
	const room = Budget / 5
	concerns := slices.Clone(v.RFC.Concerns)
	slices.SortStableFunc(concerns, func(a, b rfc.Concern) int { return rank(a.Settled()) - rank(b.Settled()) })
	var b strings.Builder
	for i, c := range concerns {
		if b.Len() > room {
			b.WriteString("- " + elsewhere(v, "More, "+rfc.Plural(len(concerns)-i, "concern")+","))
			break
		}
		state := string(c.State)
		if c.Marked != "" {
			state += ", " + string(c.Marked)
		}
		fmt.Fprintf(&b, "- %s **Concern %d** by %s, %s: %s", tick(c.Settled()), c.Number, person(c.Raiser.Login), link(state, c.URL), words(c.Text))
		if !c.AddressedAt.IsZero() {
			fmt.Fprintf(&b, " — answered: %s", words(c.How))
		}
		for _, o := range first(c.Overrules, maxNamed) {
			fmt.Fprintf(&b, " — overruled by %s: %s", Login(o.By.Login), words(o.Why))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// words are a person's own, which are gone with one who left.
func words(text string) string { return Escape(cmp.Or(text, audit.Erased), maxReason) }

func rank(later bool) int {
	if later {
		return 1
	}
	return 0
}

// person names somebody in bold.
func person(login string) string {
	return "**" + Login(login) + "**"
}

// authorNamed is the author, or, for what a bot wrote, who acts in its place.
func authorNamed(v rfc.View) string {
	if v.RFC.Author.Bot {
		return stewardsNamed(v)
	}
	return person(v.RFC.Author.Login)
}

// stewardsNamed is "**Stewards** (acme/stewards, maya)".
func stewardsNamed(v rfc.View) string {
	if len(v.Stewards) == 0 {
		return "**Stewards**"
	}
	names := make([]string, 0, maxNamed)
	for _, name := range first(v.Stewards, maxNamed) {
		names = append(names, Escape(name, 80))
	}
	return "**Stewards** (" + strings.Join(names, ", ") + ")"
}

// list joins commands: "a, b and 3 more".
func list(words []string) string {
	if more := len(words) - maxNamed; more > 0 {
		return strings.Join(words[:maxNamed], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(words, ", ")
}

// first is at most the first n of a list.
func first[T any](list []T, n int) []T { return list[:min(len(list), n)] }
