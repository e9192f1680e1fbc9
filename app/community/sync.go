package community

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/agora-rfc/agora/app"
)

// SyncKind is the kind of the entry that compares the installations with GitHub's.
const SyncKind = "sync"

// SyncLane is the lane of such entries: one at a time, over all replicas.
const SyncLane = "sync"

// Apps lists where the App is installed and what it reaches there.
type Apps interface {
	Installations(ctx context.Context) ([]app.Installation, error)
	// Installed reports whether an installation is still there.
	Installed(ctx context.Context, installation int64) (bool, error)
	InstallationRepositories(ctx context.Context, installation int64) ([]app.Repository, error)
}

// Sync brings what is known of installations in line with GitHub, whatever events
// were lost: repositories that are new are set up, those gone are forgotten, and
// every other one is re-read. An installation that cannot be read holds up no other; the
// error tells of all of them.
func (s *Service) Sync(ctx context.Context, apps Apps) error {
	installations, err := apps.Installations(ctx)
	if err != nil {
		return fmt.Errorf("listing installations: %w", err)
	}
	errs := s.syncRemoved(ctx, apps, installations)
	for _, installation := range installations {
		if err := s.syncInstallation(ctx, apps, installation); err != nil {
			errs = errors.Join(errs, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errs
}

// syncRemoved finds the installations that were removed and whose event was lost.
// Each is asked for once more: it may have been made after the list.
func (s *Service) syncRemoved(ctx context.Context, apps Apps, found []app.Installation) error {
	var known []app.Installation
	err := s.store.View(ctx, func(ctx context.Context, tx Tx) (err error) {
		known, err = tx.Installations(ctx)
		return err
	})
	if err != nil {
		return err
	}
	var errs error
	for _, installation := range known {
		listed := slices.ContainsFunc(found, func(f app.Installation) bool { return f.ID == installation.ID })
		if listed || installation.Removed {
			continue
		}
		there, err := apps.Installed(ctx, installation.ID)
		switch {
		case err != nil:
			err = fmt.Errorf("looking for the installation on %s: %w", installation.Account.Login, err)
		case !there:
			installation.Removed = true
			err = s.Uninstalled(ctx, installation)
		}
		errs = errors.Join(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return errs
}

func (s *Service) syncInstallation(ctx context.Context, apps Apps, installation app.Installation) error {
	if installation.Suspended {
		return s.Uninstalled(ctx, installation)
	}
	found, err := apps.InstallationRepositories(ctx, installation.ID)
	if unreached(err) || app.Is(err, app.CodeStopped) {
		return nil // suspended or removed meanwhile; its event says so
	}
	if err != nil {
		return fmt.Errorf("listing the repositories of %s: %w", installation.Account.Login, err)
	}
	return s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		if err := tx.SaveInstallation(ctx, installation); err != nil {
			return err
		}
		reached := map[int64]bool{}
		for _, repo := range found {
			reached[repo.ID] = true
			if err := syncRepository(ctx, tx, installation.ID, repo, s.clock()); err != nil {
				return err
			}
		}
		known, err := tx.Repositories(ctx, installation.Account.ID)
		if err != nil {
			return err
		}
		for _, repo := range known {
			if !reached[repo.ID] {
				if err := tx.RemoveRepository(ctx, repo.ID); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// syncRepository orders a repository that an installation reaches to be re-read, or to be
// set up when it is new there, or not what it was.
func syncRepository(ctx context.Context, tx Tx, installation int64, repo app.Repository, now time.Time) error {
	known, err := tx.Repository(ctx, repo.ID)
	if err == nil && repo.Private && !known.Private {
		if err := hide(ctx, tx, repo.ID); err != nil || known.Owner.ID == repo.Owner.ID {
			return err
		}
	}
	if err == nil {
		_, err = tx.Roster(ctx, repo.Owner.ID, repo.ID) // without one it was never set up whole
	}
	if err != nil && !app.Is(err, app.CodeNotFound) {
		return err
	}
	if err == nil && known.FullName() == repo.FullName() && known.Private == repo.Private && known.Installation == installation {
		return orderReread(ctx, tx, repo, now)
	}
	return orderSetUp(ctx, tx, RepositoryOrder{Installation: installation, Account: repo.Owner, Repository: repo.ID, Name: repo.Name})
}
