package community

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/config"
)

// PolicyPath is where a repository's configuration stands, on its default branch.
const PolicyPath = ".github/agora.yml"

// Policy gives the repository's last good policy, and reads it from GitHub when
// none was ever read.
func (s *Service) Policy(ctx context.Context, repo app.Repository) (PolicyRecord, error) {
	record, err := s.storedPolicy(ctx, repo.ID)
	if err == nil && !record.Known() {
		return s.ReadPolicy(ctx, repo)
	}
	return record, err
}

// ReadPolicy reads the repository's configuration from GitHub, the owner's
// `.github` repository beside it, and keeps what is good. A broken file changes
// nothing: the last good policy is returned, with Broken saying why. Where no good
// one was ever read, the error says so and no round can open: not by the defaults
// either, once somebody wrote rules, and they are not these.
func (s *Service) ReadPolicy(ctx context.Context, repo app.Repository) (PolicyRecord, error) {
	owner, repository, err := s.policyFiles(ctx, repo)
	if err != nil {
		return PolicyRecord{}, err
	}
	last, err := s.storedPolicy(ctx, repo.ID)
	if err != nil {
		return PolicyRecord{}, err
	}
	policy, problem := resolve(owner, repository)
	record := PolicyRecord{Repository: repo.ID, Policy: policy, Version: policy.Version(), ReadAt: s.clock(), HasFile: repository.there() || repo.Name == ownerRepository && owner.there()}
	record.Defaults = !owner.there() && !repository.there()
	if problem == nil {
		return record, s.savePolicy(ctx, repo, last, record)
	}
	record, record.Broken = last, problem.Error()
	if record.Broken != last.Broken {
		if err := s.savePolicy(ctx, repo, last, record); err != nil {
			return PolicyRecord{}, err
		}
	}
	if record.Unruled() {
		return PolicyRecord{}, &app.Error{Code: app.CodeInvalid, Err: unruled{problem},
			Message: fmt.Sprintf("the configuration of %s is broken and no good one was ever read", repo.FullName())}
	}
	return record, nil
}

// storedPolicy is what is kept of a repository's policy; where nothing is, none is known.
func (s *Service) storedPolicy(ctx context.Context, repository int64) (record PolicyRecord, err error) {
	err = s.store.View(ctx, func(ctx context.Context, tx Tx) error {
		record, err = tx.Policy(ctx, repository)
		return err
	})
	if app.Is(err, app.CodeNotFound) {
		return PolicyRecord{Repository: repository}, nil
	}
	return record, err
}

func (s *Service) savePolicy(ctx context.Context, repo app.Repository, last, record PolicyRecord) error {
	return s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		if last.Version != record.Version {
			err := tx.AppendAudit(ctx, audit.Entry{
				Community: repo.Owner.ID, Subject: fmt.Sprintf("repository/%d", repo.ID), At: record.ReadAt,
				Kind: "policy", From: last.Version, To: record.Version, PolicyVersion: record.Version,
				Inputs: audit.Inputs(record.Policy),
			})
			if err != nil {
				return err
			}
		}
		if err := tx.SavePolicy(ctx, record); err != nil {
			return err
		}
		if last.Unruled() != record.Unruled() {
			if err := orderRuled(ctx, tx, repo); err != nil {
				return err
			}
		}
		if balancesVersion(last.Policy.Reputation) == balancesVersion(record.Policy.Reputation) {
			return nil
		}
		return OrderBalances(ctx, tx)
	})
}

// policyFile is a configuration as it stands on GitHub: nothing, a text, or what
// cannot be one (a folder, or far too large) and why.
type policyFile struct {
	text    []byte
	problem error
}

func (f policyFile) there() bool { return f.text != nil || f.problem != nil }

func (f policyFile) differs(from policyFile) bool {
	return !bytes.Equal(f.text, from.text) || f.there() != from.there() || (f.problem != nil) != (from.problem != nil)
}

// resolve is config.ResolvePolicy of what stands on GitHub.
func resolve(owner, repository policyFile) (config.Policy, error) {
	if owner.problem != nil {
		return config.DefaultPolicy(), owner.problem
	}
	if repository.problem == nil {
		return config.ResolvePolicy(owner.text, repository.text)
	}
	policy, err := config.ResolvePolicy(owner.text, nil)
	if err == nil && !policy.Locked { // a locked owner's is all that is read
		err = repository.problem
	}
	return policy, err
}

// policyFiles reads both files.
func (s *Service) policyFiles(ctx context.Context, repo app.Repository) (owner, repository policyFile, err error) {
	if repository, err = s.file(ctx, repo, repo.DefaultBranch); err != nil {
		return owner, repository, err
	}
	if repo.Name == ownerRepository {
		return repository, policyFile{}, nil // the owner's own file rules its own repository too
	}
	owner, err = s.file(ctx, ownersRepository(repo), "")
	return owner, repository, err
}

// ownerRepository is the repository whose files GitHub takes for a whole account.
const ownerRepository = ".github"

// ownersRepository is the owner's `.github` repository, reached by the same installation.
func ownersRepository(repo app.Repository) app.Repository {
	return app.Repository{Owner: repo.Owner, Name: ownerRepository, Installation: repo.Installation}
}

func (s *Service) file(ctx context.Context, repo app.Repository, ref string) (policyFile, error) {
	file, err := s.repos(repo).File(ctx, PolicyPath, ref)
	switch {
	case app.Is(err, app.CodeNotFound):
		return policyFile{}, nil
	case app.Is(err, app.CodeForbidden) && repo.Name == ownerRepository:
		return policyFile{}, nil // the App is not installed on the owner's repository: as if it were not there
	case app.Is(err, app.CodeInvalid):
		return policyFile{problem: err}, nil
	case err != nil:
		return policyFile{}, fmt.Errorf("reading the configuration of %s: %w", repo.FullName(), err)
	}
	return policyFile{text: file.Content}, nil
}

// PolicyPushed reads the configuration again after a push to the default branch.
// The owner's own file concerns every repository of the account: where one cannot be
// read, the others are all the same.
func (s *Service) PolicyPushed(ctx context.Context, repo app.Repository) error {
	repositories := []app.Repository{repo}
	if repo.Name == ownerRepository {
		err := s.store.View(ctx, func(ctx context.Context, tx Tx) (err error) {
			repositories, err = tx.Repositories(ctx, repo.Owner.ID)
			return err
		})
		if err != nil {
			return err
		}
	}
	var failed error
	for _, r := range repositories {
		failed = errors.Join(failed, s.readAgain(ctx, r))
	}
	return failed
}

// readAgain reads the configuration of a repository, with which that may begin to use Agora.
func (s *Service) readAgain(ctx context.Context, repo app.Repository) error {
	_, err := s.ReadPolicy(ctx, repo)
	if app.Is(err, app.CodeInvalid) {
		return nil // broken from the first: no round can open there, and it says so
	}
	if err != nil {
		return err
	}
	return s.Genesis(ctx, repo, false)
}

// MendPolicy reads the configuration again where the first one was broken: of what mends
// it the event may be lost, or go to nobody, as in an owner's repository without the App.
func (s *Service) MendPolicy(ctx context.Context, repo app.Repository) error {
	last, err := s.storedPolicy(ctx, repo.ID)
	if err != nil || !last.Unruled() {
		return err
	}
	return s.readAgain(ctx, repo)
}
