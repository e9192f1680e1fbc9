package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/agora-rfc/agora/app/ghsim"
	"github.com/agora-rfc/agora/app/rfc"
)

// picture says, line by line, what must be the same however a schedule was played:
// states, decisions, counted ballots, concerns, labels, comments, answers, members
// and what they earned. Instants are left out; ids are told by name.
func (p *playing) picture() ([]string, error) {
	var lines []string
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	found, v, err := p.look()
	if err != nil {
		return nil, err
	}
	logins := map[int64]string{}
	err = p.agora.store.RFC().View(p.ctx, func(ctx context.Context, tx rfc.Tx) error {
		members, err := tx.Members(ctx, p.community)
		if err != nil {
			return err
		}
		for _, m := range members {
			logins[m.ID] = m.Login
			say("member %s %s blocked=%t", m.Login, m.JoinedBy, m.Blocked)
		}
		ledger, err := tx.LedgerOfAll(ctx, p.community)
		if err != nil {
			return err
		}
		for member, entries := range ledger {
			for _, e := range entries {
				say("ledger %s %v %d", logins[member], e.Kind, e.Points)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if found {
		pictureRFC(say, v)
	}
	if issue, ok := p.sim.Issue(scheduleRepo, p.number); ok {
		say("issue %s merged=%t draft=%t", issue.State, issue.Merged, issue.Draft)
		names := p.sim.Labels(scheduleRepo, p.number)
		slices.Sort(names)
		say("labels %v", names)
		say("check %s", p.check(p.number))
	}
	if p.implementation != 0 {
		say("check of what implements it %s", p.check(p.implementation))
	}
	shown := marks(p.sim, p.app.Login, scheduleRepo, p.number)
	for mark, n := range shown {
		if !strings.HasPrefix(mark, "reply ") {
			say("comment %q ×%d", mark, n)
		}
	}
	for name, id := range p.comments {
		var worn []string
		for _, r := range p.sim.CommentReactions(id) {
			if r.User.Login == p.app.Login {
				worn = append(worn, r.Content)
			}
		}
		slices.Sort(worn)
		say("comment %s wears %v", name, worn)
		if answers := shown[fmt.Sprintf("reply %d", id)]; answers > 1 {
			say("comment %s has %d answers", name, answers)
		}
	}
	slices.Sort(lines)
	return lines, nil
}

// check is the check of a pull request that GitHub goes by: the newest.
func (p *playing) check(number int) string {
	issue, _ := p.sim.Issue(scheduleRepo, number)
	if issue.Head.SHA == "" {
		return "none"
	}
	var newest ghsim.CheckRun
	for _, k := range p.sim.CheckRuns(issue.Head.SHA) {
		if k.Name == rfc.CheckName && k.ID > newest.ID {
			newest = k
		}
	}
	return newest.Status + " " + newest.Conclusion
}

func pictureRFC(say func(string, ...any), v rfc.View) {
	r := v.RFC
	say("%s is %s, a %s of type %v", r.Name(), r.State, r.Kind, r.Type)
	say("postponed %d times, restarted %d times, implemented by %q", r.Postponements, r.Restarts, r.ImplementedBy)
	for _, c := range r.Concerns {
		say("concern %q of %s: %s %s, overruled by %d, round %d", c.Text, c.Raiser.Login, c.State, c.Marked, len(c.Overrules), c.Round)
	}
	for _, round := range v.Rounds {
		say("round %d: %q %q N=%d W=%d eligible=%d voids=%d extensions=%d", round.Number, round.Outcome, round.Reasons,
			round.Heads, round.Weight, round.Eligible, len(round.Voids), len(round.Extensions))
	}
	if v.Round == nil {
		return
	}
	t := v.Result.Tally
	say("tally %+v, %d concerns open, %s", t, v.Result.OpenConcerns, v.Result.Verdict.Outcome)
	counted := map[string]string{}
	for _, b := range v.Result.Ballots {
		if b.Counted || b.Choice == rfc.Conflicting {
			counted[b.Voter.Login] += fmt.Sprintf("%s by %s at %s; ", b.Choice, b.Channel, b.At.Format("01-02 15:04:05"))
		}
	}
	for _, who := range slices.Sorted(maps.Keys(counted)) {
		say("ballot of %s: %s", who, counted[who])
	}
}
