package community

import (
	"context"
	"fmt"

	"github.com/agora-rfc/agora/app"
)

// MadePrivate hides repositories of which an event says that they are private, at once
// and whatever it is about: the event that told of the change may be lost. One that is
// not known, or known to be private, is left alone. An event may be older than what is
// known, so the repository itself is read next: only that makes it public again.
func (s *Service) MadePrivate(ctx context.Context, ids ...int64) error {
	for _, id := range ids {
		var known app.Repository
		err := s.store.View(ctx, func(ctx context.Context, tx Tx) (err error) {
			known, err = tx.Repository(ctx, id)
			return err
		})
		if app.Is(err, app.CodeNotFound) || err == nil && known.Private {
			continue
		}
		if err != nil {
			return err
		}
		if err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error { return hide(ctx, tx, id) }); err != nil {
			return fmt.Errorf("hiding repository %d: %w", id, err)
		}
	}
	return nil
}

// hide makes a repository private until it was read.
func hide(ctx context.Context, tx Tx, id int64) error {
	repo, err := tx.Repository(ctx, id)
	if err != nil {
		return err
	}
	repo.Private = true
	if err := tx.SaveRepository(ctx, repo); err != nil || repo.Installation == 0 {
		return err
	}
	return orderSetUp(ctx, tx, RepositoryOrder{Installation: repo.Installation, Account: repo.Owner, Repository: repo.ID, Name: repo.Name})
}
