package community

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/config"
)

// IsSteward reports whether the person may act on the repository's RFCs: maintain
// or admin permission, or named under `stewards:` (RULES "Words"). An error means
// unknown: neither granted nor refused.
func (s *Service) IsSteward(ctx context.Context, repo app.Repository, policy config.Policy, user app.User) (bool, error) {
	if user.Gone() || user.Bot {
		return false, nil
	}
	permission, err := s.repos(repo).Permission(ctx, user.Login)
	if err == nil && permission >= app.PermissionMaintain {
		return true, nil
	}
	named, namedErr := s.named(ctx, repo, policy, user)
	if named {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("asking GitHub for %s's permission on %s: %w", user.Login, repo.FullName(), err)
	}
	return false, namedErr
}

func (s *Service) named(ctx context.Context, repo app.Repository, policy config.Policy, user app.User) (bool, error) {
	var unknown error
	for _, steward := range policy.Stewards {
		if !steward.IsTeam() {
			if strings.EqualFold(steward.Login, user.Login) {
				return true, nil
			}
			continue
		}
		member, err := s.repos(repo).IsTeamMember(ctx, steward.Organisation, steward.Team, user.Login)
		if member && err == nil {
			return true, nil
		}
		if err != nil {
			unknown = fmt.Errorf("asking GitHub whether %s is in %s: %w", user.Login, steward, err)
		}
	}
	return false, unknown
}

// Stewards lists everybody who is a steward of the repository, by numeric id. It is
// needed only where a rule says "two stewards, or the only one there is".
func (s *Service) Stewards(ctx context.Context, repo app.Repository, policy config.Policy) (map[int64]app.User, error) {
	roster := map[int64]app.User{}
	add := func(u app.User) {
		if !u.Gone() && !u.Bot {
			roster[u.ID] = u
		}
	}
	collaborators, err := s.repos(repo).Collaborators(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing the collaborators of %s: %w", repo.FullName(), err)
	}
	for _, c := range collaborators {
		if c.Permission >= app.PermissionMaintain {
			add(c.User)
		}
	}
	for _, steward := range policy.Stewards {
		if steward.IsTeam() {
			members, err := s.repos(repo).TeamMembers(ctx, steward.Organisation, steward.Team)
			if err != nil {
				return nil, fmt.Errorf("listing the members of %s: %w", steward, err)
			}
			for _, m := range members {
				add(m)
			}
			continue
		}
		u, err := s.repos(repo).User(ctx, steward.Login)
		if err != nil && !app.Is(err, app.CodeNotFound) {
			return nil, fmt.Errorf("looking up %s: %w", steward, err)
		}
		add(u)
	}
	return roster, nil
}

// IsCommunitySteward reports whether the person may act on what concerns the whole
// community: an organisation's owner, the account itself, or named in the owner's
// own file (RULES "Words").
func (s *Service) IsCommunitySteward(ctx context.Context, repo app.Repository, user app.User) (bool, error) {
	if user.Gone() || user.Bot {
		return false, nil
	}
	if !repo.Owner.Organization {
		if user.ID == repo.Owner.ID {
			return true, nil
		}
	} else {
		owner, err := s.repos(repo).IsOrgOwner(ctx, repo.Owner.Login, user.Login)
		if err != nil {
			return false, fmt.Errorf("asking GitHub whether %s owns %s: %w", user.Login, repo.Owner.Login, err)
		}
		if owner {
			return true, nil
		}
	}
	own, err := s.file(ctx, ownersRepository(repo), "")
	if err != nil || !own.there() {
		return false, err
	}
	policy, problem := resolve(policyFile{}, own)
	if problem != nil {
		return false, nil // a broken file names nobody
	}
	return s.named(ctx, repo, policy, user)
}

// KnownStewards lists the members who are stewards of the community as far as is known
// without asking GitHub: by their role, as the account itself, or named in the owner's
// own file; what other repositories name are stewards of those alone. Where none is, it is
// those who had admin permission when Agora came.
func (s *Service) KnownStewards(ctx context.Context, account int64) (stewards []int64, err error) {
	err = s.store.View(ctx, func(ctx context.Context, tx Tx) error {
		members, err := tx.Members(ctx, account)
		if err != nil {
			return err
		}
		named, err := namedIn(ctx, tx, account)
		if err != nil {
			return err
		}
		stewards = nil
		for _, m := range members {
			if m.Active() && (m.Role == "steward" || m.ID == account || named[strings.ToLower(m.Login)]) {
				stewards = append(stewards, m.ID)
			}
		}
		if len(stewards) > 0 {
			return nil
		}
		for _, m := range members {
			if !m.Active() || !m.Genesis {
				continue
			}
			ledger, err := tx.Ledger(ctx, account, m.ID)
			if err != nil {
				return err
			}
			if slices.ContainsFunc(ledger, func(e Entry) bool { return e.Kind == config.GenesisAdmin }) {
				stewards = append(stewards, m.ID)
			}
		}
		return nil
	})
	return stewards, err
}

// namedIn finds the people whom the configuration of the owner's `.github` repository
// names as stewards, by login in lower case.
func namedIn(ctx context.Context, tx Tx, account int64) (map[string]bool, error) {
	repositories, err := tx.Repositories(ctx, account)
	if err != nil {
		return nil, err
	}
	named := map[string]bool{}
	for _, r := range repositories {
		if !strings.EqualFold(r.Name, ownerRepository) {
			continue
		}
		record, err := tx.Policy(ctx, r.ID)
		if err != nil && !app.Is(err, app.CodeNotFound) {
			return nil, err
		}
		for _, steward := range record.Policy.Stewards {
			if !steward.IsTeam() {
				named[strings.ToLower(steward.Login)] = true
			}
		}
	}
	return named, nil
}
