package community

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/agora-rfc/agora/app"
)

// The kinds of queue entries that concern whole repositories.
const (
	SetUpKind  = "repository.setup"  // read it, its configuration and its collaborators
	RereadKind = "repository.reread" // heal what was missed
	RuledKind  = "repository.ruled"  // whether votes can open there has changed: show it
)

// RepositoryOrder is the body of such an entry.
type RepositoryOrder struct {
	Installation int64       `json:"installation"`
	Account      app.Account `json:"account"`
	Repository   int64       `json:"repository"`
	Name         string      `json:"name"`
}

// Lane is the lane of what concerns a whole repository.
func (o RepositoryOrder) Lane() string { return fmt.Sprintf("repository/%d", o.Repository) }

// ReadRepositoryOrder reads an entry's body; one that cannot be read is parked.
func ReadRepositoryOrder(body []byte) (RepositoryOrder, error) {
	var o RepositoryOrder
	if err := json.Unmarshal(body, &o); err != nil {
		return o, app.Park(fmt.Errorf("reading an order: %w", err))
	}
	return o, nil
}

// Installed remembers that the App is on an account, and orders its repositories
// to be set up.
func (s *Service) Installed(ctx context.Context, installation app.Installation, repositories []app.Repository) error {
	return s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		if err := tx.SaveInstallation(ctx, installation); err != nil {
			return err
		}
		for _, r := range repositories {
			o := RepositoryOrder{Installation: installation.ID, Account: installation.Account, Repository: r.ID, Name: r.Name}
			if err := orderSetUp(ctx, tx, o); err != nil {
				return err
			}
		}
		return nil
	})
}

func orderSetUp(ctx context.Context, tx Tx, o RepositoryOrder) error {
	body, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, o.Lane(), SetUpKind, "", body)
}

// Uninstalled remembers that the App was removed from an account, or suspended
// there: nothing is asked of GitHub for it any more. What was decided stays.
func (s *Service) Uninstalled(ctx context.Context, installation app.Installation) error {
	return s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		if err := tx.SaveInstallation(ctx, installation); err != nil {
			return err
		}
		if !installation.Removed {
			return nil
		}
		repositories, err := tx.Repositories(ctx, installation.Account.ID)
		if err != nil {
			return err
		}
		for _, r := range repositories {
			if err := tx.RemoveRepository(ctx, r.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

// Removed forgets repositories that the App no longer reaches.
func (s *Service) Removed(ctx context.Context, ids ...int64) error {
	return s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		for _, id := range ids {
			if err := tx.RemoveRepository(ctx, id); err != nil && !app.Is(err, app.CodeNotFound) {
				return err
			}
		}
		return nil
	})
}

// SetUp reads a repository that was added, or that changed its name or its
// visibility: the repository itself, its configuration, its collaborators'
// genesis. A repository that is gone is forgotten.
func (s *Service) SetUp(ctx context.Context, o RepositoryOrder) error {
	seen := app.Repository{ID: o.Repository, Owner: o.Account, Name: o.Name, Installation: o.Installation}
	repo, err := s.repos(seen).Repository(ctx)
	if app.Is(err, app.CodeNotFound) || app.Is(err, app.CodeGone) || app.Is(err, app.CodeUninstalled) {
		return s.Removed(ctx, o.Repository)
	}
	if err != nil {
		return fmt.Errorf("reading repository %s: %w", seen.FullName(), err)
	}
	if err := s.saveRepository(ctx, repo); err != nil {
		return err
	}
	if _, err := s.ReadPolicy(ctx, repo); err != nil && !app.Is(err, app.CodeInvalid) { // broken, and said so where a round would open
		return err
	}
	return s.Genesis(ctx, repo, false)
}

func (s *Service) saveRepository(ctx context.Context, repo app.Repository) error {
	return s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		if err := tx.SaveRepository(ctx, repo); err != nil {
			return err
		}
		return orderReread(ctx, tx, repo, s.clock().Add(rereadEvery))
	})
}

// orderRuled has shown again what a repository's rules keep waiting, or no longer do.
func orderRuled(ctx context.Context, tx Tx, repo app.Repository) error {
	o := RepositoryOrder{Installation: repo.Installation, Account: repo.Owner, Repository: repo.ID, Name: repo.Name}
	body, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, o.Lane(), RuledKind, RuledKind, body)
}

// rereadEvery is how often a repository is asked what changed, in case an event
// was lost.
const rereadEvery = time.Hour

func orderReread(ctx context.Context, tx Tx, repo app.Repository, due time.Time) error {
	o := RepositoryOrder{Installation: repo.Installation, Account: repo.Owner, Repository: repo.ID, Name: repo.Name}
	body, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return tx.SetTimer(ctx, "reread/"+o.Lane(), due, o.Lane(), RereadKind, body)
}

// RereadAgain sets the next re-reading of a repository.
func (s *Service) RereadAgain(ctx context.Context, repo app.Repository, due time.Time) error {
	return s.store.InTx(ctx, func(ctx context.Context, tx Tx) error { return orderReread(ctx, tx, repo, due) })
}

// RereadEvery is the pause between two re-readings of a repository.
func RereadEvery() time.Duration { return rereadEvery }

// ErrUnknownRepository says that the App does not reach a repository: its events
// are left alone.
var ErrUnknownRepository = errors.New("the App does not reach this repository")

// Resolve finds the repository an event is about. One that was never seen, because
// the event of its installation was lost or is late, is read from GitHub.
func (s *Service) Resolve(ctx context.Context, seen app.Repository) (app.Repository, error) {
	var known app.Repository
	err := s.store.View(ctx, func(ctx context.Context, tx Tx) (err error) {
		known, err = tx.Repository(ctx, seen.ID)
		return err
	})
	switch {
	case err == nil && (known.Installation != 0 || seen.Installation == 0):
		return known, nil
	case err != nil && !app.Is(err, app.CodeNotFound):
		return known, err
	case seen.Installation == 0:
		return known, ErrUnknownRepository
	}
	repo, err := s.repos(seen).Repository(ctx)
	if unreached(err) || app.Is(err, app.CodeStopped) {
		return known, ErrUnknownRepository
	}
	if err != nil {
		return known, fmt.Errorf("reading repository %s: %w", seen.FullName(), err)
	}
	installation := app.Installation{ID: seen.Installation, Account: repo.Owner}
	if err := s.Installed(ctx, installation, []app.Repository{repo}); err != nil {
		return known, err
	}
	return repo, s.saveRepository(ctx, repo)
}

// Read reads a repository that is known by name alone.
func (s *Service) Read(ctx context.Context, named app.Repository) (app.Repository, error) {
	found, err := s.repos(named).Repository(ctx)
	if err != nil {
		return found, fmt.Errorf("reading repository %s: %w", named.FullName(), err)
	}
	return found, nil
}

// unreached reports that GitHub's answer means: not, or no longer, for the App.
func unreached(err error) bool {
	switch app.CodeOf(err) {
	case app.CodeNotFound, app.CodeGone, app.CodeForbidden, app.CodeUninstalled:
		return true
	}
	return false
}

// Reaches reports whether the App can read the repository now.
func (s *Service) Reaches(ctx context.Context, repo app.Repository) (bool, error) {
	_, err := s.repos(repo).Repository(ctx)
	if unreached(err) {
		return false, nil
	}
	return err == nil, err
}

// Block remembers that a person was blocked in the community, or no longer is.
func (s *Service) Block(ctx context.Context, account int64, user app.User, blocked bool) error {
	return s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		m, err := tx.Member(ctx, account, user.ID)
		if app.Is(err, app.CodeNotFound) {
			if !blocked {
				return nil
			}
			m = Member{Community: account, ID: user.ID} // no member, and not to become an eligible one
		} else if err != nil {
			return err
		}
		m.Blocked = blocked
		return tx.SaveMember(ctx, m)
	})
}

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
// every other one is re-read.
func (s *Service) Sync(ctx context.Context, apps Apps) error {
	installations, err := apps.Installations(ctx)
	if err != nil {
		return fmt.Errorf("listing installations: %w", err)
	}
	if err := s.syncRemoved(ctx, apps, installations); err != nil {
		return err
	}
	for _, installation := range installations {
		if installation.Suspended {
			if err := s.Uninstalled(ctx, installation); err != nil {
				return err
			}
			continue
		}
		if err := s.syncInstallation(ctx, apps, installation); err != nil {
			return err
		}
	}
	return nil
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
	for _, installation := range known {
		listed := slices.ContainsFunc(found, func(f app.Installation) bool { return f.ID == installation.ID })
		if listed || installation.Removed {
			continue
		}
		if there, err := apps.Installed(ctx, installation.ID); err != nil || there {
			if err != nil {
				return fmt.Errorf("looking for the installation on %s: %w", installation.Account.Login, err)
			}
			continue
		}
		installation.Removed = true
		if err := s.Uninstalled(ctx, installation); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) syncInstallation(ctx context.Context, apps Apps, installation app.Installation) error {
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
			known, err := tx.Repository(ctx, repo.ID)
			if err == nil {
				_, err = tx.Roster(ctx, repo.Owner.ID, repo.ID) // without one it was never set up whole
			}
			if err != nil && !app.Is(err, app.CodeNotFound) {
				return err
			}
			switch {
			case err == nil && repo.Private && !known.Private:
				err = hide(ctx, tx, repo.ID)
			case err == nil && known.FullName() == repo.FullName() && known.Private == repo.Private && known.Installation == installation.ID:
				err = orderReread(ctx, tx, repo, s.clock())
			default:
				err = orderSetUp(ctx, tx, RepositoryOrder{Installation: installation.ID, Account: repo.Owner, Repository: repo.ID, Name: repo.Name})
			}
			if err != nil {
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
