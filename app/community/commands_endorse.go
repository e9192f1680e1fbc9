package community

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/app/command"
	"github.com/agora-rfc/agora/config"
)

// endorse enters one member's word for another, with the actor's factor as it is now.
func (c memberCommands) endorse(ctx context.Context, call command.Call) (command.Apply, error) {
	id, err := c.named(ctx, call)
	if err != nil {
		return nil, err
	}
	// The profile tells the age of the actor's account, which a member who joined while
	// GitHub was silent may lack.
	profile, err := c.repos(call.Repo).User(ctx, call.Actor().Login)
	if err != nil || profile.ID != call.Actor().ID {
		profile = app.User{}
	}
	return func(ctx context.Context) (reply string, err error) {
		err = c.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
			community := call.Repo.Owner.ID
			actor, err := tx.Member(ctx, community, call.Actor().ID)
			if err != nil && !app.Is(err, app.CodeNotFound) {
				return err
			}
			if actor.Active() && actor.Held() {
				return command.Refuse(app.CodeForbidden, "your membership is held by a steward; until it is released you cannot endorse.")
			}
			if !actor.Active() || actor.Blocked {
				return command.Refuse(app.CodeForbidden, "only members may endorse. Say `/member join` first.")
			}
			if actor.AccountCreatedAt.IsZero() {
				actor.AccountCreatedAt = profile.CreatedAt
			}
			m, err := c.member(ctx, tx, call, id)
			if err != nil {
				return err
			}
			if m.ID == actor.ID {
				return command.Refuse(app.CodeInvalid, "nobody endorses themselves.")
			}
			rules, version, err := reputationRules(ctx, tx, community)
			if err != nil {
				return err
			}
			standing, err := standingOf(ctx, tx, community, actor.ID, call.At, rules)
			if err != nil {
				return err
			}
			entry := NewEntry(rules, config.Endorsement, m.ID, call.At, fmt.Sprintf("endorsement/%d/%d/%.12x", call.Comment.ID, m.ID, sha256.Sum256([]byte(call.Command.Text()))))
			entry.Actor, entry.Note = actor.ID, call.Command.Text()
			entry.Factor = factorOf(actor, m.ID, standing, call.At, rules)
			if added, err := Enter(ctx, tx, community, entry); err != nil {
				return err
			} else if added == 0 {
				return command.Refuse(app.CodeConflict, "you said so in this comment already; say another time what else they did.")
			}
			if entry.Factor == 0 {
				reply = fmt.Sprintf("Recorded, but it adds no reputation: signals count from members of %s or more, with a GitHub account of %s or more and a reputation of %d or more.",
					rules.Signals.MinMembership, rules.Signals.MinAccountAge, rules.Signals.MinReputation)
			}
			if err := tx.AppendAudit(ctx, audit.Entry{
				Community: community, Subject: MemberSubject(m.ID), At: call.At, Actor: actor.ID, Kind: "endorsed", PolicyVersion: version,
				Inputs: audit.Inputs(map[string]any{"factor": entry.Factor, "reputation": standing.Reputation, "comment": call.Comment.ID}),
			}); err != nil {
				return err
			}
			return Contribute(ctx, tx, community, Contribution{Member: actor.ID, Kind: ContributedEndorsement, Repository: call.Repo.ID,
				Counterpart: m.ID, At: call.At, Source: entry.Source, URL: call.Comment.URL})
		})
		return reply, err
	}, nil
}

// factorOf is the factor of a signal from a member of a standing to another, from what
// is stored.
// No partner organisations are known yet, so none rules an actor out.
func factorOf(actor Member, member int64, standing Standing, at time.Time, rules config.Reputation) int64 {
	facts := SignalFacts{Actor: actor.ID, Member: member, Blocked: actor.Blocked || actor.Held(),
		AccountCreated: actor.AccountCreatedAt, Reputation: standing.Reputation}
	if actor.Active() {
		facts.Joined = actor.JoinedAt
	}
	return SignalFactor(facts, at, rules)
}
