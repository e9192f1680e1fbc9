package community

import (
	"context"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/command"
)

// Commands are the slash commands of members, by name; escape makes people's text
// safe to show.
func (s *Service) Commands(escape func(text string, limit int) string) map[string]command.Handler {
	c := memberCommands{Service: s, escape: escape}
	return map[string]command.Handler{
		"/member join":           c.join,
		"/member leave":          c.leave,
		"/member show":           c.show,
		"/member reputation":     c.reputation,
		"/member endorse":        c.endorse,
		"/member certify":        c.stewarded(c.certify),
		"/member role":           c.stewarded(c.role),
		"/member hold":           c.stewarded(c.hold),
		"/member release":        c.stewarded(c.release),
		"/member penalise":       c.stewarded(c.penalise),
		"/member void":           c.void,
		"/member inbox":          c.inbox,
		"/member notify":         c.notify,
		"/community stats":       c.stats,
		"/community leaderboard": c.leaderboard,
	}
}

type memberCommands struct {
	*Service
	escape func(text string, limit int) string
}

// join makes a member, or a regular of somebody who was registered without asking.
// Being blocked or held stays what it is.
func (c memberCommands) join(ctx context.Context, call command.Call) (command.Apply, error) {
	user := call.Actor()
	// The profile tells the account's age. Without it one is a member all the same,
	// who may vote once a later reading finds it.
	if profile, err := c.repos(call.Repo).User(ctx, user.Login); err == nil && profile.ID == user.ID {
		user = profile
	}
	community := call.Repo.Owner.ID
	return func(ctx context.Context) (string, error) {
		return "", c.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
			m, err := tx.Member(ctx, community, user.ID)
			if err != nil && !app.Is(err, app.CodeNotFound) {
				return err
			}
			if m.Active() && m.JoinedBy == JoinedByCommand {
				return command.Refuse(app.CodeConflict, "you are a member already, since %s.", date(m.JoinedAt))
			}
			_, joined, err := Register(ctx, tx, community, call.Repo.ID, user, JoinedByCommand, call.At)
			if err == nil && !joined {
				return command.Refuse(app.CodeForbidden, "bots and deleted accounts cannot become members.")
			}
			return err
		})
	}, nil
}

func (c memberCommands) leave(_ context.Context, call command.Call) (command.Apply, error) {
	return func(ctx context.Context) (string, error) {
		return "", c.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
			m, err := c.find(ctx, tx, call)
			if err != nil {
				return err
			}
			return c.Leave(ctx, tx, m, call.At)
		})
	}, nil
}

// find is the member whom the command names, or the one who gave it.
func (c memberCommands) find(ctx context.Context, tx Tx, call command.Call) (m Member, err error) {
	login := call.Command.Member()
	if login == "" {
		m, err = tx.Member(ctx, call.Repo.Owner.ID, call.Actor().ID)
	} else {
		m, err = tx.MemberByLogin(ctx, call.Repo.Owner.ID, login)
	}
	if err != nil && !app.Is(err, app.CodeNotFound) {
		return m, err
	}
	known := login == ""
	if !known && err == nil {
		if known, err = m.KnownIn(ctx, tx, Scope{Community: m.Community, Repository: call.Repo.ID}); err != nil {
			return m, err
		}
	}
	switch {
	case known && m.Active():
		return m, nil
	case login == "":
		return m, command.Refuse(app.CodeNotFound, "you are not a member here; `/member join` makes you one.")
	}
	return m, command.Refuse(app.CodeNotFound, "%s is not a member here.", c.escape(login, maxLogin))
}

// reputation shows what the ledger says of one member, term by term.
func (c memberCommands) reputation(ctx context.Context, call command.Call) (command.Apply, error) {
	policy, err := c.Policy(ctx, call.Repo)
	if app.Is(err, app.CodeInvalid) {
		return nil, RefuseUnruled(err, c.escape)
	}
	if err != nil {
		return nil, err
	}
	rules := policy.Policy.Reputation
	return func(ctx context.Context) (reply string, err error) {
		err = c.store.View(ctx, func(ctx context.Context, tx Tx) error {
			m, err := c.find(ctx, tx, call)
			if err != nil {
				return err
			}
			ledger, err := tx.LedgerAround(ctx, m.Community, m.ID)
			if err != nil {
				return err
			}
			receipt := ReceiptOf(m.ID, ledger, c.clock(), rules)
			hidden, err := lookFrom(tx, call.Repo.ID).hides(ctx, m.Community, receipt.Terms)
			if err != nil {
				return err
			}
			reply = receipt.markdown(c.escape(m.Login, maxLogin), rules, hidden)
			return nil
		})
		return reply, err
	}, nil
}

// maxLogin is the longest login shown, in characters.
const maxLogin = 60
