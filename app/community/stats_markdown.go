package community

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/agora-rfc/agora/app/command"
	"github.com/agora-rfc/agora/app/community/engagement"
	"github.com/agora-rfc/agora/config"
)

// stats answers how the community is doing, as far as readers of the repository may know.
func (c memberCommands) stats(_ context.Context, call command.Call) (command.Apply, error) {
	return func(ctx context.Context) (string, error) {
		stats, err := c.Stats(ctx, Scope{call.Repo.Owner.ID, call.Repo.ID})
		if err != nil {
			return "", err
		}
		return stats.markdown(), nil
	}, nil
}

func (s Stats) markdown() string {
	var b strings.Builder
	row := func(name, value string) { fmt.Fprintf(&b, "| %s | %s |\n", name, value) }
	fmt.Fprintf(&b, "| Members | %d · %d active in 30 days · %d new |\n|:--|:--|\n", s.Members, s.Active, s.New)
	kinds := map[string]int{}
	for kind, n := range s.Contributions {
		kinds[string(kind)] = n
	}
	row("Contributions in 90 days", counted(kinds, func(kind string) string { return words(config.EntryKind(kind)) }))
	row("RFCs", counted(s.RFCs, func(state string) string { return strings.ReplaceAll(state, "-", " ") }))
	row("Engagement", scoreOf(s.Report))
	b.WriteString("\n")
	b.WriteString(parts(s.Report))
	b.WriteString("\n")
	b.WriteString(cohortTable(s.Cohorts))
	return b.String()
}

// scoreOf is the score of a community for people.
func scoreOf(report engagement.Report) string {
	if report.Score == nil {
		return "not enough data"
	}
	return fmt.Sprintf("**%d of 100**", *report.Score)
}

// parts shows what a score is made of.
func parts(report engagement.Report) string {
	var b strings.Builder
	b.WriteString("| Part of the score | Measured | Value | Weight |\n|:--|:--|--:|--:|\n")
	for _, p := range report.Parts {
		value := "not enough data"
		if p.Enough() {
			value = fmt.Sprintf("%d %%", engagement.Percent(p.Value))
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %d |\n", p.Name, measured(p), value, p.Weight)
	}
	return b.String()
}

// measured says in words what a part measures.
func measured(p engagement.Part) string {
	n, of := p.Numerator, p.Denominator
	switch p.Name {
	case "activation":
		return fmt.Sprintf("%d of %d newcomers contributed twice in their first 14 days", n, of)
	case "retention":
		return fmt.Sprintf("%d of %d active 31 to 60 days ago were active since", n, of)
	case "response":
		return fmt.Sprintf("%d of %d RFCs were answered within 48 hours", n, of)
	case "turnout":
		if p.Sample == 0 {
			return "no round was decided"
		}
		return fmt.Sprintf("median %d %% of those who count, in %d rounds; 40 %% is full", engagement.Percent(p.Ratio()), p.Sample)
	case "stickiness":
		return fmt.Sprintf("%d of %d active in 30 days were active in the last 7", n, of)
	}
	return fmt.Sprintf("%d made half of %d contributions; %d is full", n, p.Sample, of)
}

// cohortTable shows who stayed of those who joined, by month of joining.
func cohortTable(cohorts []engagement.Cohort) string {
	joined := slices.ContainsFunc(cohorts, func(c engagement.Cohort) bool { return c.Size > 0 })
	if !joined {
		return ""
	}
	var b strings.Builder
	b.WriteString("| Joined in | Members | Active 1 month after | 2 | 3 |\n|:--|--:|--:|--:|--:|\n")
	for _, c := range cohorts {
		if c.Size == 0 {
			continue
		}
		fmt.Fprintf(&b, "| %s | %d |", c.Month.Format("2006-01"), c.Size)
		for month := range engagement.Followed {
			switch {
			case month >= len(c.Active):
				b.WriteString(" – |")
			case c.Shown():
				fmt.Fprintf(&b, " %d %% |", engagement.Percent(c.Share(month)))
			default:
				fmt.Fprintf(&b, " %d |", c.Active[month])
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}
