package community

import (
	"context"
	"fmt"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/config"
)

// Roster is who had which permission on a repository when it was first set up. Genesis
// comes from it alone (RULES §1 "G"): a permission that is given later brings none.
type Roster struct {
	Community  int64     `json:"-"`
	Repository int64     `json:"-"`
	TakenAt    time.Time `json:"taken_at"`
	// Permissions are by numeric id, of those that bring genesis.
	Permissions map[int64]app.Permission `json:"permissions,omitempty"`
	// Entered tells that the ledger has what the roster gives: there is no more of it.
	Entered bool `json:"-"`
}

// Rosters is what the community needs of a transaction to keep them.
type Rosters interface {
	// Roster fails with app.CodeNotFound when the repository was never set up in the
	// community.
	Roster(ctx context.Context, community, repository int64) (Roster, error)
	// AddRoster keeps a repository's first roster, and no later one.
	AddRoster(ctx context.Context, roster Roster) error
	// RosterEntered notes that the ledger has what it gives.
	RosterEntered(ctx context.Context, community, repository int64) error
}

// genesisKinds maps a repository permission to its ledger kind (RULES §1 "G").
var genesisKinds = map[app.Permission]config.EntryKind{
	app.PermissionAdmin: config.GenesisAdmin, app.PermissionMaintain: config.GenesisMaintain,
	app.PermissionWrite: config.GenesisWrite, app.PermissionTriage: config.GenesisTriage,
}

// TakeRoster remembers who has which permission on a repository, the first time it is
// set up: what GitHub says later changes nothing in it.
func (s *Service) TakeRoster(ctx context.Context, repo app.Repository) (Roster, error) {
	roster, err := s.roster(ctx, repo)
	if !app.Is(err, app.CodeNotFound) {
		return roster, err
	}
	collaborators, err := s.repos(repo).Collaborators(ctx)
	if err != nil {
		return Roster{}, fmt.Errorf("listing the collaborators of %s: %w", repo.FullName(), err)
	}
	roster = Roster{Community: repo.Owner.ID, Repository: repo.ID, TakenAt: s.clock().UTC(), Permissions: map[int64]app.Permission{}}
	for _, c := range collaborators {
		if _, has := genesisKinds[c.Permission]; has {
			roster.Permissions[c.User.ID] = c.Permission
		}
	}
	if err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error { return tx.AddRoster(ctx, roster) }); err != nil {
		return Roster{}, err
	}
	return s.roster(ctx, repo) // another may have been faster
}

func (s *Service) roster(ctx context.Context, repo app.Repository) (roster Roster, err error) {
	err = s.store.View(ctx, func(ctx context.Context, tx Tx) error {
		roster, err = tx.Roster(ctx, repo.Owner.ID, repo.ID)
		return err
	})
	return roster, err
}

// Genesis gives the people on a repository's roster their first reputation, as soon as
// the repository uses Agora: it has an agora.yml, or a first RFC (usesAgora). One that
// was too young when the roster was taken gives none. A person's highest counts, once;
// repeating it changes nothing, and one that failed goes on.
func (s *Service) Genesis(ctx context.Context, repo app.Repository, usesAgora bool) error {
	roster, err := s.TakeRoster(ctx, repo)
	if err != nil || roster.Entered {
		return err
	}
	record, err := s.Policy(ctx, repo)
	if app.Is(err, app.CodeInvalid) {
		return nil // a broken configuration is read again when it is mended, and then this too
	}
	if err != nil {
		return err
	}
	rules := record.Policy.Reputation
	tooYoung := repo.CreatedAt.IsZero() || roster.TakenAt.Sub(repo.CreatedAt) < rules.GenesisRepositoryAge.Std()
	if !record.HasFile && !usesAgora || tooYoung {
		return nil
	}
	// Their logins are not on the roster: who is gone from the repository before it uses
	// Agora gets nothing.
	collaborators, err := s.repos(repo).Collaborators(ctx)
	if err != nil {
		return fmt.Errorf("listing the collaborators of %s: %w", repo.FullName(), err)
	}
	err = s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		return enterGenesis(ctx, tx, roster, collaborators, rules, s.clock())
	})
	if err != nil {
		return err
	}
	return s.CompleteProfiles(ctx, repo)
}

func enterGenesis(ctx context.Context, tx Tx, roster Roster, collaborators []app.CollaboratorPermission, rules config.Reputation, now time.Time) error {
	var entries []Entry
	for _, c := range collaborators {
		kind, has := genesisKinds[roster.Permissions[c.User.ID]]
		if !has {
			continue
		}
		member, err := registerGenesis(ctx, tx, roster, c.User, now)
		if err != nil {
			return err
		}
		if member {
			entries = append(entries, NewEntry(rules, kind, c.User.ID, now, fmt.Sprintf("genesis/%d/%d", roster.Repository, c.User.ID)))
		}
	}
	if _, err := Enter(ctx, tx, roster.Community, entries...); err != nil {
		return err
	}
	return tx.RosterEntered(ctx, roster.Community, roster.Repository)
}

// registerGenesis makes a collaborator a member with a genesis entry.
func registerGenesis(ctx context.Context, tx Tx, roster Roster, user app.User, at time.Time) (member bool, err error) {
	m, member, err := Register(ctx, tx, roster.Community, roster.Repository, user, JoinedByGenesis, at)
	if err != nil || !member || m.Genesis {
		return member, err
	}
	m.Genesis = true
	return true, tx.SaveMember(ctx, m)
}
