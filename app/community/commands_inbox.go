package community

import (
	"context"
	"fmt"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/command"
	"github.com/agora-rfc/agora/app/notification"
)

// inbox shows the one who asks what is new for them, or marks as read what is shown there.
func (c memberCommands) inbox(_ context.Context, call command.Call) (command.Apply, error) {
	read := call.Command.Choice() == "read"
	return func(ctx context.Context) (reply string, err error) {
		err = c.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
			m, err := c.find(ctx, tx, call)
			if err != nil {
				return err
			}
			if read {
				reply = ""
				return notification.MarkRead(ctx, tx, call.Repo, m.ID, m.JoinedAt)
			}
			reply, err = notification.Inbox(ctx, tx, call.Repo, m.ID, m.JoinedAt, c.escape)
			return err
		})
		return reply, err
	}, nil
}

// notify changes how a member is told, or says how they are.
func (c memberCommands) notify(ctx context.Context, call command.Call) (command.Apply, error) {
	mode, mails := call.Command.Option("email")
	address := ""
	if mails && notification.Mail(mode) != notification.MailOff {
		var err error
		if address, err = c.address(ctx, call); err != nil {
			return nil, err
		}
	}
	return func(ctx context.Context) (reply string, err error) {
		err = c.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
			m, err := c.find(ctx, tx, call)
			if err != nil {
				return err
			}
			changed := mails
			if mails {
				if err := notification.SetMail(ctx, tx, m.Community, m.ID, notification.Mail(mode), address, c.clock()); err != nil {
					return err
				}
			}
			for _, name := range []string{OptOutMentions, OptOutLeaderboard} {
				if word, given := call.Command.Option(name); given {
					changed = true
					m.optOut(name, word == "off")
				}
			}
			if changed {
				reply = ""
				return tx.SaveMember(ctx, m)
			}
			reply, err = told(ctx, tx, m)
			return err
		})
		return reply, err
	}, nil
}

// address is where the one who asks for letters gets them: what their profile shows to
// everybody now. It is shown to nobody by Agora.
func (c memberCommands) address(ctx context.Context, call command.Call) (string, error) {
	if !c.Mails {
		return "", command.Refuse(app.CodeUnavailable, "this server sends no e-mail. Its operator can set up a mail server for it.")
	}
	profile, err := c.repos(call.Repo).User(ctx, call.Actor().Login)
	if err != nil && !app.Is(err, app.CodeNotFound) {
		return "", fmt.Errorf("reading the profile of %d: %w", call.Actor().ID, err)
	}
	switch {
	case err != nil || profile.ID != call.Actor().ID || profile.Email == "":
		return "", command.Refuse(app.CodeNotFound, "your GitHub profile shows no e-mail address, and Agora knows no other. Choose a public e-mail in the settings of your profile, then write this again.")
	case !notification.ValidAddress(profile.Email):
		return "", command.Refuse(app.CodeInvalid, "no letter can be sent to the e-mail address that your GitHub profile shows.")
	}
	return profile.Email, nil
}

// optOut leaves the member out of something, or takes them in again.
func (m *Member) optOut(of string, out bool) {
	if !out {
		delete(m.OptOuts, of)
		return
	}
	if m.OptOuts == nil {
		m.OptOuts = map[string]bool{}
	}
	m.OptOuts[of] = true
}

// told says how a member is told of what happens, but for where.
func told(ctx context.Context, tx Tx, m Member) (string, error) {
	settings, err := tx.Settings(ctx, m.Community, m.ID)
	if err != nil {
		return "", err
	}
	mail := settings.Mail
	if mail == "" {
		mail = notification.MailOff
	}
	word := func(of string) string {
		if m.OptOuts[of] {
			return "off"
		}
		return "on"
	}
	return fmt.Sprintf("E-mail: **%s** · mentions: **%s** · leaderboard: **%s**. The inbox is always there: `/member inbox`.",
		mail, word(OptOutMentions), word(OptOutLeaderboard)), nil
}
