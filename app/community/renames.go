package community

import (
	"context"
	"fmt"

	"github.com/agora-rfc/agora/app"
)

// Heard takes the logins that an event gives to an account and to who acted there:
// people and accounts are known by their ids, and are called what they are called now.
// Who is no member is left alone.
func (s *Service) Heard(ctx context.Context, account app.Account, actor app.User) error {
	var renamed, other bool
	err := s.store.View(ctx, func(ctx context.Context, tx Tx) error {
		known, err := tx.Installation(ctx, account.ID)
		if app.Is(err, app.CodeNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		renamed = account.Login != "" && known.Account.Login != account.Login
		if actor.Gone() || actor.Bot {
			return nil
		}
		m, err := tx.Member(ctx, account.ID, actor.ID)
		other = err == nil && m.calledOtherwise(actor)
		if app.Is(err, app.CodeNotFound) {
			return nil
		}
		return err
	})
	if err != nil || !renamed && !other {
		return err
	}
	err = s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		if renamed {
			if err := renameAccount(ctx, tx, account); err != nil {
				return err
			}
		}
		return SeenAs(ctx, tx, account.ID, actor)
	})
	if err != nil {
		return fmt.Errorf("taking over new logins in community %d: %w", account.ID, err)
	}
	return nil
}

// renameAccount gives an account and its repositories the login it bears now.
func renameAccount(ctx context.Context, tx Tx, account app.Account) error {
	installation, err := tx.Installation(ctx, account.ID)
	if err != nil {
		return err
	}
	installation.Account.Login = account.Login
	if err := tx.SaveInstallation(ctx, installation); err != nil {
		return err
	}
	repositories, err := tx.Repositories(ctx, account.ID)
	if err != nil {
		return err
	}
	for _, repo := range repositories {
		repo.Owner.Login = account.Login
		if err := tx.SaveRepository(ctx, repo); err != nil {
			return err
		}
	}
	return nil
}

// SeenAs gives a member the login they bear now; who is none is left alone.
func SeenAs(ctx context.Context, tx Tx, community int64, user app.User) error {
	if user.Gone() || user.Bot {
		return nil
	}
	m, err := tx.Member(ctx, community, user.ID)
	if app.Is(err, app.CodeNotFound) || err == nil && !m.calledOtherwise(user) {
		return nil
	}
	if err != nil {
		return err
	}
	m.rename(user.Login)
	return tx.SaveMember(ctx, m)
}

// calledOtherwise reports whether a member is not known by the login they bear.
func (m Member) calledOtherwise(user app.User) bool {
	return m.Active() && user.Login != "" && m.Login != user.Login
}
