package community

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/command"
	"github.com/agora-rfc/agora/config"
)

// PolicyJudgement is what a commit makes of a repository's configuration.
type PolicyJudgement struct {
	// Changed is false when it leaves the file as it is; then nothing else is said.
	Changed bool
	// Gone tells that it takes the file away.
	Gone bool
	// Locked tells that the owner's file is locked, so that this one is not read.
	Locked bool
	// Problem says why the file cannot be used, nil when it can.
	Problem error
	// Policy is what rules with the file, when nothing is wrong with it.
	Policy config.Policy
	// Ruled tells that a good configuration was read before, which rules on.
	Ruled bool
}

// JudgeProposed judges the agora.yml at a commit as a pull request would make it.
// One that would take the file away is left alone.
func (s *Service) JudgeProposed(ctx context.Context, repo app.Repository, sha string) (PolicyJudgement, error) {
	proposed, err := s.file(ctx, repo, sha)
	if err != nil || !proposed.there() {
		return PolicyJudgement{}, err
	}
	standing, err := s.file(ctx, repo, repo.DefaultBranch)
	if err != nil {
		return PolicyJudgement{}, err
	}
	return s.judge(ctx, repo, proposed, standing)
}

// JudgePushed judges the agora.yml at a commit of the default branch, whose head
// before the push is given; "" or zeros when there was none.
func (s *Service) JudgePushed(ctx context.Context, repo app.Repository, sha, before string) (PolicyJudgement, error) {
	pushed, err := s.file(ctx, repo, sha)
	if err != nil {
		return PolicyJudgement{}, err
	}
	var former policyFile
	if strings.Trim(before, "0") != "" {
		if former, err = s.file(ctx, repo, before); err != nil {
			return PolicyJudgement{}, err
		}
	}
	return s.judge(ctx, repo, pushed, former)
}

func (s *Service) judge(ctx context.Context, repo app.Repository, file, former policyFile) (j PolicyJudgement, err error) {
	if !file.differs(former) {
		return j, nil
	}
	j.Changed, j.Gone = true, !file.there()
	owner, repository := file, policyFile{} // the owner's own file rules its own repository too
	if repo.Name != ownerRepository {
		repository = file
		if owner, err = s.file(ctx, ownersRepository(repo), ""); err != nil {
			return j, err
		}
	}
	policy, problem := resolve(owner, repository)
	j.Policy, j.Problem, j.Locked = policy, problem, problem == nil && policy.Locked && repo.Name != ownerRepository
	last, err := s.storedPolicy(ctx, repo.ID)
	j.Ruled = last.Known() && !last.Defaults
	return j, err
}

// unruled is what is wrong with a configuration where no good one was ever read.
type unruled struct{ problem error }

func (u unruled) Error() string { return u.problem.Error() }

// RefuseUnruled refuses a command where no good configuration was ever read, and names
// the lines and the reasons. err is that of Policy or ReadPolicy.
func RefuseUnruled(err error, escape func(text string, limit int) string) error {
	const most = 2_000 // a reply is no report: the check has it all
	reason := "the configuration of this repository is broken, and no good one was ever read."
	var u unruled
	if errors.As(err, &u) {
		reason = strings.TrimSuffix(reason, ".") + ":\n\n" + strings.TrimSuffix(ProblemList(u.problem, escape, most), "\n")
	}
	return command.Refuse(app.CodeInvalid, "%s", reason)
}

// ProblemList is an error as a list in Markdown, an item for each of its lines; most
// bounds it in bytes, but for the last item.
func ProblemList(problem error, escape func(text string, limit int) string, most int) string {
	const longest = 1_000 // characters of an item, each of up to a dozen bytes when escaped
	var list strings.Builder
	for line := range strings.Lines(problem.Error()) {
		if list.Len() > most {
			list.WriteString("- and more\n")
			break
		}
		if item := escape(line, longest); item != "" {
			fmt.Fprintf(&list, "- %s\n", item)
		}
	}
	return list.String()
}
