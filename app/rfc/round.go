package rfc

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/config"
)

// Eligible applies RULES §2 "Electorate" to one member: may they vote in a round
// that opens now, and do they count in N and W. R is their reputation.
func Eligible(m community.Member, reputation int, rules config.Electorate, opens time.Time) (may, regular bool) {
	if !m.Active() || m.Blocked || m.Held() || reputation < rules.MinReputation {
		return false, false
	}
	if age := rules.MinAccountAge.Std(); age > 0 && (m.AccountCreatedAt.IsZero() || opens.Sub(m.AccountCreatedAt) < age) {
		return false, false
	}
	if !m.Genesis && opens.Sub(m.JoinedAt) < rules.MinMembership.Std() {
		return false, false
	}
	recent := !m.LastBallotAt.IsZero() && opens.Sub(m.LastBallotAt) <= rules.RegularWindow.Std()
	return true, m.JoinedBy == community.JoinedByCommand || m.Genesis || recent
}

// openRound freezes the electorate, the weights and the rules, and starts the clock.
// why is Agora's reason, and words what the actor said for it.
func (c *change) openRound(ctx context.Context, why, words string, actor app.User) error {
	if why := noRound(c.policy); why != "" {
		return app.Errorf(app.CodeConflict, "no round can open: %s", why)
	}
	voters, err := c.electorate(ctx)
	if err != nil {
		return fmt.Errorf("freezing the electorate of %s: %w", c.r.Name(), err)
	}
	opened := c.now.Truncate(time.Second) // GitHub's instants have whole seconds
	c.r.Round++
	c.round = &Round{
		RFC: c.r.ID, Number: c.r.Round, Type: c.r.Type, Policy: c.policy.Policy, PolicyVersion: c.policy.Version,
		OpenedAt: opened, Planned: opened.Add(c.policy.Policy.RulesOf(c.r.Type).Voting.Std()),
		PolicyBroken: firstLine(c.policy.Broken), Text: c.r.Text, Stood: TextAt{Text: c.r.Text}, Supersedes: append([]int{}, c.r.Supersedes...), Eligible: len(voters),
	}
	for _, v := range voters {
		if v.Regular {
			c.round.Heads++
			c.round.Weight += v.Weight
		}
	}
	c.r.MergeRefused = false
	c.r.OpenBlocked, c.r.RetryAt, c.r.PolicyVersion = "", time.Time{}, c.policy.Version
	c.r.wear(c.now)
	if err := c.tx.SaveElectorate(ctx, c.r.ID, c.round.Number, voters); err != nil {
		return err
	}
	c.urgent = true
	if err := c.votingStarted(ctx, actor); err != nil {
		return err
	}
	return c.quote(ctx, "round-opened", "", fmt.Sprint(c.round.Number), why, words, actor, map[string]any{
		"deadline": c.round.Planned, "heads": c.round.Heads, "weight": c.round.Weight, "eligible": c.round.Eligible,
		"type": c.round.Type, "text": c.round.Text, "electorate": digestVoters(voters),
	})
}

// brokenFirst is why no round opens while the first configuration is broken.
const brokenFirst = "the configuration of this repository is broken, and no good one was ever read"

// noRound says why no round can open by a policy, "" when one can.
func noRound(policy community.PolicyRecord) string {
	switch {
	case policy.Unruled():
		return brokenFirst
	case !policy.Known():
		return "the configuration of this repository was not read yet"
	}
	return ""
}

// firstLine is the first problem of several, as far as it is kept: the check on the
// commit has them all.
func firstLine(problems string) string {
	const most = 500 // bytes
	line, _, _ := strings.Cut(strings.TrimSpace(problems), "\n")
	return strings.ToValidUTF8(line[:min(len(line), most)], "")
}

// electorate lists who may vote now, with their weight, by id.
func (c *change) electorate(ctx context.Context) ([]Voter, error) {
	members, err := c.tx.Members(ctx, c.r.Community)
	if err != nil {
		return nil, err
	}
	ledger, err := c.tx.LedgerOfAll(ctx, c.r.Community)
	if err != nil {
		return nil, err
	}
	standings := community.ReplayAll(ledger, c.now, c.policy.Policy.Reputation)
	var voters []Voter
	for _, m := range members {
		reputation := standings[m.ID].Reputation
		if may, regular := Eligible(m, reputation, c.policy.Policy.Electorate, c.now); may {
			voters = append(voters, Voter{ID: m.ID, Login: m.Login, Reputation: reputation,
				Weight: int64(community.Weight(reputation)), Regular: regular})
		}
	}
	slices.SortFunc(voters, func(a, b Voter) int { return cmp.Compare(a.ID, b.ID) })
	return voters, nil
}

// closeRound ends the round without judging it.
func (c *change) closeRound(outcome Outcome, reasons []string, deadline time.Time) {
	c.round.ClosedAt, c.round.Outcome, c.round.Reasons, c.round.FinalDeadline = c.now, outcome, reasons, deadline
	c.r.OpenBlocked = "" // what kept a restart waiting is over with the round
	c.urgent = true
}

// restarted is why a round opens that takes another's place.
const restarted = "restarted"

// restart closes the round and opens a fresh one with a fresh electorate.
func (c *change) restart(ctx context.Context, why string, actor app.User) error {
	result, err := c.result(ctx)
	if err != nil {
		return err
	}
	if err := c.remember(ctx, result.Ballots); err != nil {
		return err
	}
	c.closeRound(OutcomeRestarted, []string{why}, result.Deadline)
	if err := c.tx.SaveRound(ctx, c.round); err != nil {
		return err
	}
	if err := c.votingEnded(ctx, actor, "it starts again"); err != nil {
		return err
	}
	if actor.ID != 0 {
		return c.openRound(ctx, restarted, why, actor)
	}
	return c.openRound(ctx, restarted+": "+why, "", actor)
}
