package community

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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

// Removed forgets repositories that an installation no longer reaches. One that another
// installation reaches by now, because it moved to another account, is left alone.
func (s *Service) Removed(ctx context.Context, installation int64, ids ...int64) error {
	return s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		for _, id := range ids {
			if err := removed(ctx, tx, installation, id); err != nil {
				return err
			}
		}
		return nil
	})
}

func removed(ctx context.Context, tx Tx, installation, id int64) error {
	known, err := tx.Repository(ctx, id)
	if app.Is(err, app.CodeNotFound) || err == nil && known.Installation != installation {
		return nil
	}
	if err != nil {
		return err
	}
	return tx.RemoveRepository(ctx, id)
}

// Lost is Removed for a repository of which no event said so. It may have moved to an
// account that has the App too, so all installations are asked what they reach.
func (s *Service) Lost(ctx context.Context, installation, id int64) error {
	return s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		if err := removed(ctx, tx, installation, id); err != nil {
			return err
		}
		return tx.Enqueue(ctx, SyncLane, SyncKind, SyncKind, nil)
	})
}

// SetUp reads a repository that was added, or that changed its name or its
// visibility: the repository itself, its configuration, its collaborators'
// genesis. A repository that is gone is forgotten, also when it went to another account.
func (s *Service) SetUp(ctx context.Context, o RepositoryOrder) error {
	seen := app.Repository{ID: o.Repository, Owner: o.Account, Name: o.Name, Installation: o.Installation}
	repo, err := s.repos(seen).Repository(ctx)
	if app.Is(err, app.CodeNotFound) || app.Is(err, app.CodeGone) || app.Is(err, app.CodeUninstalled) {
		return s.Removed(ctx, o.Installation, o.Repository)
	}
	if err != nil {
		return fmt.Errorf("reading repository %s: %w", seen.FullName(), err)
	}
	if repo.Owner.ID != o.Account.ID {
		return s.Lost(ctx, o.Installation, o.Repository)
	}
	if err := s.saveRepository(ctx, repo); err != nil {
		return err
	}
	if _, err := s.ReadPolicy(ctx, repo); err != nil && !app.Is(err, app.CodeInvalid) { // broken, and said so where a round would open
		return err
	}
	return s.Genesis(ctx, repo, false)
}

// saveRepository keeps what GitHub says of a repository. One that comes from another
// community leaves its RFCs and its rules there.
func (s *Service) saveRepository(ctx context.Context, repo app.Repository) error {
	return s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		before, err := tx.Repository(ctx, repo.ID)
		if err != nil && !app.Is(err, app.CodeNotFound) {
			return err
		}
		if err := tx.SaveRepository(ctx, repo); err != nil {
			return err
		}
		if err := orderReread(ctx, tx, repo, s.clock().Add(rereadEvery)); err != nil {
			return err
		}
		if err != nil || before.Owner.ID == repo.Owner.ID {
			return nil
		}
		return s.movedIn(ctx, tx, repo)
	})
}

func (s *Service) movedIn(ctx context.Context, tx Tx, repo app.Repository) error {
	if err := s.RFCs.RepositoryMoved(ctx, repo); err != nil {
		return err
	}
	if err := tx.SavePolicy(ctx, PolicyRecord{Repository: repo.ID}); err != nil {
		return err
	}
	o := RepositoryOrder{Installation: repo.Installation, Account: repo.Owner, Repository: repo.ID, Name: repo.Name}
	body, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, o.Lane(), RereadKind, RereadKind, body)
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
// the event of its installation was lost or is late, is read from GitHub, and so is
// one that an event finds in another account. An event from before it moved here is left
// alone: it concerns another community.
func (s *Service) Resolve(ctx context.Context, seen app.Repository) (app.Repository, error) {
	var known app.Repository
	err := s.store.View(ctx, func(ctx context.Context, tx Tx) (err error) {
		known, err = tx.Repository(ctx, seen.ID)
		return err
	})
	moved := err == nil && seen.Owner.ID != 0 && seen.Owner.ID != known.Owner.ID
	switch {
	case err == nil && !moved && (known.Installation != 0 || seen.Installation == 0):
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
	if seen.Owner.ID != 0 && repo.Owner.ID != seen.Owner.ID {
		return known, ErrUnknownRepository
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

// Reaches reports whether the App can read the repository now, and it is where it was:
// what is public can be read in any account.
func (s *Service) Reaches(ctx context.Context, repo app.Repository) (bool, error) {
	found, err := s.repos(repo).Repository(ctx)
	if unreached(err) {
		return false, nil
	}
	return err == nil && found.Owner.ID == repo.Owner.ID, err
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
