package rfc

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/app/command"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/config"
)

// PullChanged remembers a pull request as an event or a reading shows it, and
// orders its check. A merged one that implements RFCs tells them so.
func (s *Service) PullChanged(ctx context.Context, repo app.Repository, issue app.Issue) error {
	if issue.Pull == nil {
		return nil
	}
	return s.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		pull, err := tx.Pull(ctx, issue.Ref)
		if err != nil && !app.Is(err, app.CodeNotFound) {
			return err
		}
		astray, err := Astray(ctx, tx, pull)
		if err != nil {
			return err
		}
		if !astray && pull.Community != repo.Owner.ID { // it came from nowhere, or from another community
			pull.Community, pull.Unlinked, pull.UnlinkedAt = repo.Owner.ID, nil, time.Time{}
		}
		if pull.UpdatedAt.After(issue.UpdatedAt) { // an older event, come late: it binds to what it names
			if astray || issue.UpdatedAt.Before(pull.UnlinkedAt) || !pull.bind(command.ImplementsRefs(issue.Body)) {
				return nil
			}
			return s.pullBound(ctx, tx, repo, pull, pull.Merged)
		}
		merged := issue.Pull.Merged && !pull.Merged && !astray
		pull.Ref, pull.HeadSHA, pull.Open = issue.Ref, issue.Pull.HeadSHA, issue.Open
		pull.Title, pull.URL, pull.Author, pull.UpdatedAt, pull.Merged = issue.Title, issue.URL, app.User{ID: issue.Author.ID, Bot: issue.Author.Bot}, issue.UpdatedAt, issue.Pull.Merged
		pull.MergedBy = cmp.Or(issue.Pull.MergedBy.ID, pull.MergedBy)
		pull.Named = command.ImplementsRefs(issue.Body)
		if issue.UpdatedAt.Before(pull.UnlinkedAt) { // the steward saw that too
			pull.Unlinked = slices.Clone(pull.Named)
		}
		if !astray { // what it names are another community's
			pull.bind(pull.Named)
		}
		pull.Unlinked = slices.DeleteFunc(pull.Unlinked, func(n int) bool { return !slices.Contains(pull.Named, n) })
		return s.pullBound(ctx, tx, repo, pull, merged)
	})
}

// bind binds the pull request to RFCs that it names, but for those from which a steward
// freed it. It reports whether there is a new one among them.
func (p *Pull) bind(numbers []int) (bound bool) {
	for _, number := range numbers {
		if !slices.Contains(p.Bound, number) && !slices.Contains(p.Unlinked, number) {
			p.Bound, bound = append(p.Bound, number), true
		}
	}
	return bound
}

// pullBound saves a pull request, tells what it implements when it is merged, and orders
// its checks.
func (s *Service) pullBound(ctx context.Context, tx Tx, repo app.Repository, pull Pull, merged bool) error {
	if err := tx.SavePull(ctx, pull); err != nil {
		return err
	}
	if merged {
		if err := s.tellImplemented(ctx, tx, repo, pull); err != nil {
			return err
		}
	}
	if !pull.Open {
		return nil
	}
	return orderPullChecks(ctx, tx, pull)
}

// tellImplemented orders the move of every RFC the merged pull request implements,
// each in its own lane.
func (s *Service) tellImplemented(ctx context.Context, tx Tx, repo app.Repository, pull Pull) error {
	for _, number := range pull.Bound {
		r, err := visibleRFC(ctx, tx, pull.Community, number, repo.ID)
		if app.Is(err, app.CodeNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		order := Order{Ref: r.Ref, By: fmt.Sprintf("%s#%d", repo.FullName(), pull.Ref.Number), Pull: pull.Ref}
		if !repo.Public() && r.Ref.Repository != repo.ID {
			order.By = "a merged pull request" // of a repository that not everybody sees who sees the RFC
		}
		if err := tx.Enqueue(ctx, r.Ref.Lane(), ImplementedKind, "", order.body()); err != nil {
			return err
		}
	}
	return nil
}

// Implemented carries out the order of a merged pull request, which brings its author
// points once. An RFC that is not accepted is not implemented by it; one that is
// implemented already may have further pull requests.
func (s *Service) Implemented(ctx context.Context, order Order) error {
	return s.update(ctx, order.Ref, func(ctx context.Context, c *change) error {
		if c.r.State != Accepted && c.r.State != Implemented {
			return nil
		}
		if err := c.creditPull(ctx, order.Pull); err != nil {
			return err
		}
		if c.r.State == Implemented {
			return nil
		}
		err := c.implemented(ctx, order.By, app.User{})
		if app.Is(err, app.CodeConflict) {
			return nil // its text changed since: a steward decides
		}
		return err
	})
}

// creditPull enters what a merged pull request that implements the RFC brings its
// author (RULES §1 "linked PR merged").
func (c *change) creditPull(ctx context.Context, ref app.IssueRef) error {
	pull, err := c.tx.Pull(ctx, ref)
	if app.Is(err, app.CodeNotFound) || err == nil && (pull.Author.Bot || pull.MergedBy == pull.Author.ID) {
		return nil // nobody awards it to oneself
	}
	if err != nil {
		return err
	}
	source := fmt.Sprintf("merged/%d/%d", ref.Repository, ref.Number)
	if err := c.enter(ctx, pull.Author.ID, config.PullRequestMerged, source); err != nil {
		return err
	}
	return community.Contribute(ctx, c.tx, c.r.Community, community.Contribution{Member: pull.Author.ID, Kind: community.ContributedPullRequest,
		Repository: ref.Repository, Counterpart: c.r.person(), At: c.now, Source: source, URL: pull.URL})
}

// Superseded carries out the order of an accepted RFC that says `Supersedes:`.
func (s *Service) Superseded(ctx context.Context, order Order) error {
	return s.update(ctx, order.Ref, func(ctx context.Context, c *change) error {
		if !Allowed(c.r.State, TriggerSuperseded, Superseded) || c.r.Number == order.Number {
			return nil
		}
		c.r.SupersededBy = order.Number
		return c.move(ctx, Superseded, TriggerSuperseded, app.User{}, "by "+order.By, nil)
	})
}

// unlinkCommand frees a pull request from the RFCs it named.
func (s *Service) unlinkCommand(ctx context.Context, call command.Call) (command.Apply, error) {
	a, err := s.ask(ctx, call)
	if err != nil {
		return nil, err
	}
	if err := s.askSteward(ctx, &a); err != nil {
		return nil, err
	}
	if !a.steward {
		return nil, s.refuseWho(a, "a steward")
	}
	return func(ctx context.Context) (reply string, err error) {
		err = s.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
			pull, err := tx.Pull(ctx, a.Ref)
			if app.Is(err, app.CodeNotFound) {
				return command.Refuse(app.CodeConflict, "this is no pull request that says it implements an RFC.")
			}
			if err != nil {
				return err
			}
			astray, err := Astray(ctx, tx, pull)
			if err != nil {
				return err
			}
			if len(pull.Bound) == 0 && !astray {
				return command.Refuse(app.CodeConflict, "this pull request is bound to no RFC.")
			}
			// What it still names stays unlinked too: the steward saw it.
			pull.Unlinked, pull.Bound, pull.UnlinkedAt = slices.Clone(pull.Named), nil, a.At
			pull.Community = a.Repo.Owner.ID
			if err := tx.SavePull(ctx, pull); err != nil {
				return err
			}
			if err := tx.AppendAudit(ctx, unlinkEntry(a, s.now())); err != nil {
				return err
			}
			return orderPullChecks(ctx, tx, pull)
		})
		return "", err
	}, nil
}

func unlinkEntry(a asked, at time.Time) audit.Entry {
	return audit.Entry{Community: a.Repo.Owner.ID, Subject: fmt.Sprintf("pull/%d/%d", a.Ref.Repository, a.Ref.Number), At: at,
		Actor: a.Actor().ID, Kind: "unlinked", Words: a.Command.Text(), PolicyVersion: a.policy.Version}
}
