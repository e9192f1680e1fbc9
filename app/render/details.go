package render

import (
	"fmt"
	"strings"
	"time"

	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/config"
)

const (
	// ballotsKept are shown whatever else has to go.
	ballotsKept = 100
	// shortestRow is fewer bytes than any row of the ballot table has; it tells at
	// once that thousands of ballots do not fit.
	shortestRow = 60
)

// details are the folded parts of the sticky comment, in at most room bytes where
// that can be had: the history gives way first, oldest lines first, then the
// ballots beyond the newest hundred.
func details(v rfc.View, room int) string {
	rules := rulesSection(v)
	fixed := len(rules)
	var ballots string
	if Current(v) {
		all := len(v.Result.Ballots)
		ballots = ballotSection(v, all, room-fixed)
		if ballots == "" {
			ballots = ballotSection(v, min(all, ballotsKept), room)
		}
	}
	return ballots + rules + historySection(v, room-fixed-len(ballots))
}

func fold(summary, body string) string {
	return "\n<details><summary>" + summary + "</summary>\n\n" + body + "\n</details>\n"
}

// ballotSection lists the newest n ballots; "" when they do not fit into room.
func ballotSection(v rfc.View, n, room int) string {
	ballots := v.Result.Ballots
	if len(ballots) == 0 || n*shortestRow > room {
		return ""
	}
	reputations := reputationsOf(v, n)
	var b strings.Builder
	b.WriteString("| Voter | Vote | Weight | By | When | Counts |\n|:--|:--|:--|:--|:--|:--|\n")
	for i := len(ballots) - 1; i >= len(ballots)-n; i-- {
		ballotRow(&b, v, ballots[i], reputations)
		if b.Len() > room {
			return ""
		}
	}
	if more := len(ballots) - n; more > 0 {
		b.WriteString("\n" + elsewhere(v, "The rest, "+rfc.Plural(more, "older ballot")+","))
	}
	if section := fold(ballotSummary(ballots), b.String()); len(section) <= room {
		return section
	}
	return ""
}

// reputationsOf finds R of whoever cast one of the newest n ballots.
func reputationsOf(v rfc.View, n int) map[int64]int {
	reputations := make(map[int64]int, n)
	for _, b := range v.Result.Ballots[len(v.Result.Ballots)-n:] {
		reputations[b.Voter.ID] = -1
	}
	for _, voter := range v.Voters {
		if _, wanted := reputations[voter.ID]; wanted {
			reputations[voter.ID] = voter.Reputation
		}
	}
	return reputations
}

func ballotRow(b *strings.Builder, v rfc.View, ballot rfc.Ballot, reputations map[int64]int) {
	weight := rfc.FormatWeight(ballot.Weight)
	if r := reputations[ballot.Voter.ID]; r >= 0 {
		weight += fmt.Sprintf(" = 1 + %d/25", r)
	}
	counts := "✅"
	switch {
	case !ballot.Counted:
		counts = Escape(ballot.WhyNot, maxReason)
	case ballot.CountsAs != ballot.Choice:
		counts += " " + choiceWord(ballot.CountsAs) + ", as its concern was met"
	}
	fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n",
		Login(ballot.Voter.Login), choiceWord(ballot.Choice), weight, ballot.Channel, link(instant(ballot.At), ballot.Where(v.Round)), counts)
}

// ballotSummary counts what the table holds: the ballots that count, and those that
// were superseded or never counted.
func ballotSummary(ballots []rfc.Ballot) string {
	counted := 0
	for _, b := range ballots {
		if b.Counted {
			counted++
		}
	}
	if rest := len(ballots) - counted; rest > 0 {
		return fmt.Sprintf("Ballots (%d, and %d not counted)", counted, rest)
	}
	return fmt.Sprintf("Ballots (%d)", counted)
}

func choiceWord(c rfc.Choice) string {
	switch c {
	case rfc.Approve:
		return "👍 approve"
	case rfc.Reject:
		return "👎 reject"
	case rfc.RequestChanges:
		return "😕 request changes"
	case rfc.Abstain:
		return "👀 abstain"
	}
	return string(c)
}

// rulesSection shows the numbers the newest round is, or was, decided by.
func rulesSection(v rfc.View) string {
	if !Current(v) {
		return ""
	}
	return fold("Rules, frozen at "+briefly(v.Round.PolicyVersion), rulesTable(v.Round))
}

func rulesTable(round *rfc.Round) string {
	var b strings.Builder
	b.WriteString("| Rule | Value |\n|:--|:--|\n")
	for _, row := range Rules(round) {
		fmt.Fprintf(&b, "| %s | %s |\n", row[0], row[1])
	}
	return b.String()
}

// Rules are the frozen rules of a round as rows of a name and a value, in plain
// words of ours.
func Rules(round *rfc.Round) [][2]string {
	rules, policy := round.Rules(), round.Policy
	lateWindow := min(policy.LateWindow, config.Duration(policy.LateWindowShare.FloorOf(int64(round.Period()))))
	approval := rfc.FormatThreshold(rules.Approval)
	if !rules.Approval.Strict {
		approval = "at least " + approval
	}
	return [][2]string{
		{"Type", round.Type.Title()},
		{"Electorate", fmt.Sprintf("%s, frozen %s", rfc.Plural(round.Eligible, "member"), instant(round.OpenedAt))},
		{"Base of the quorum", fmt.Sprintf("%s with a weight of %s", rfc.Plural(round.Heads, "regular"), rfc.FormatWeight(round.Weight))},
		{"Quorum", fmt.Sprintf("max(%d, ⌈%s·√N⌉) = %s, and %s of the weight", rules.Quorum.Floor, rules.Quorum.Root,
			rfc.Plural(rules.HeadsQuorum(round.Heads), "voter"), percentOf(rules.Quorum.Weight))},
		{"Approval", fmt.Sprintf("%s of the weight for and against, more people for it than against, and %s by others than the author",
			approval, rfc.Plural(policy.MinSupporters, "approval"))},
		{"Weight of a vote", "1 + R/25, R being the voter's reputation when voting opened"},
		{"Voting", fmt.Sprintf("%s, from %s to %s", rules.Voting, instant(round.OpenedAt), instant(round.Planned))},
		{"Late changes", fmt.Sprintf("within the last %s move the deadline; a near tie (%s) adds %s once; at most %s in all",
			lateWindow, percentOf(policy.NearTie.Points), policy.NearTie.Extension, policy.MaxExtension)},
		{"Concerns", "none can be raised from " + instant(round.ConcernsUntil())},
	}
}

// percentOf is a share of the rules as people read it: "20 %".
func percentOf(f config.Fraction) string {
	return rfc.FormatThreshold(config.Threshold{Fraction: f})
}

// historySection shows the trail, latest first, as far as it fits into room.
// Ballots stand in their own table.
func historySection(v rfc.View, room int) string {
	var lines []string
	note := elsewhere(v, "What happened before")
	size := len(fold("History", note))
	complete := true
	for i := len(v.History) - 1; i >= 0; i-- {
		if v.History[i].Kind == "ballot" {
			continue
		}
		line := historyLine(v, v.History[i])
		if size += len(line); size > room {
			complete = false
			break
		}
		lines = append(lines, line)
	}
	switch {
	case len(lines) == 0:
		return ""
	case complete:
		return fold("History", strings.Join(lines, ""))
	}
	return fold("History", strings.Join(lines, "")+"\n"+note)
}

func historyLine(v rfc.View, e audit.Entry) string {
	what := Escape(strings.ReplaceAll(e.Kind, "-", " "), maxTitle)
	switch {
	case e.From != "" && e.To != "":
		what = fmt.Sprintf("%s: %s → **%s**", what, value(e.From), value(e.To))
	case e.To != "":
		what = fmt.Sprintf("%s: **%s**", what, value(e.To))
	}
	line := fmt.Sprintf("- %s · %s · %s", instant(e.At), what, actor(v, e.Actor))
	if why := e.Why(); why != "" {
		line += " · " + Escape(why, maxReason)
	}
	return line + "\n"
}

// value is what an entry of the trail moved from or to: a state, a hash, or an instant,
// which is shown as the others are.
func value(text string) string {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return instant(at)
	}
	return Escape(text, maxTitle)
}

// actor names who did something; the trail itself has only numeric ids.
func actor(v rfc.View, id int64) string {
	if id == 0 {
		return "Agora"
	}
	if login := v.Logins[id]; login != "" {
		return Login(login)
	}
	return fmt.Sprintf("user %d", id)
}
