package rfc

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/config"
)

// ConfigCheckKind is the kind of the entries that check an agora.yml.
const ConfigCheckKind = "rfc.config-check"

// ConfigCheckName is the name of the check that guards the configuration.
const ConfigCheckName = "agora/config"

// OrderConfigCheck orders the configuration at a pull request's head to be checked.
func (s *Service) OrderConfigCheck(ctx context.Context, ref app.IssueRef, sha string) error {
	return s.orderConfigCheck(ctx, Order{Ref: ref, SHA: sha})
}

// OrderPushedConfigCheck orders the configuration at the head of the default branch to
// be checked; before is the head until then.
func (s *Service) OrderPushedConfigCheck(ctx context.Context, repo app.Repository, sha, before string) error {
	return s.orderConfigCheck(ctx, Order{Ref: app.IssueRef{Repository: repo.ID}, SHA: sha, Before: before})
}

func (s *Service) orderConfigCheck(ctx context.Context, order Order) error {
	return s.Store.InTx(ctx, func(ctx context.Context, tx Tx) error { return orderConfigCheck(ctx, tx, order) })
}

func orderConfigCheck(ctx context.Context, tx Tx, order Order) error {
	return tx.Enqueue(ctx, order.Ref.EffectLane(), ConfigCheckKind, order.SHA, order.body())
}

// pushed tells a check of the default branch's head from that of a pull request's.
func (o Order) pushed() bool { return o.Ref.Number == 0 }

// CheckConfig judges the agora.yml that a pull request proposes, or that was pushed
// to the default branch, and says so in the check `agora/config` on the commit, with
// the line and the reason. A commit that leaves the file alone gets no such check.
func (s *Service) CheckConfig(ctx context.Context, order Order) error {
	repo, err := s.repository(ctx, order.Ref.Repository)
	if app.Is(err, app.CodeNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	var judgement community.PolicyJudgement
	if order.pushed() {
		judgement, err = s.Community.JudgePushed(ctx, repo, order.SHA, order.Before)
	} else {
		judgement, err = s.Community.JudgeProposed(ctx, repo, order.SHA)
	}
	if err != nil || !judgement.Changed {
		return err
	}
	if err := s.sendOnce(ctx, repo, order, s.configCheck(order, judgement)); err != nil || !order.pushed() || judgement.Problem != nil || judgement.Gone {
		return err
	}
	return s.firstLabels(ctx, repo, judgement.Policy)
}

// firstLabels makes the labels of a repository that uses Agora, so that people find theirs
// before there is an RFC. Without the permission they are told so where one needs it.
func (s *Service) firstLabels(ctx context.Context, repo app.Repository, policy config.Policy) error {
	p := publication{Service: s, github: s.Repos(repo), ref: app.IssueRef{Repository: repo.ID}}
	err := p.ensureLabels(ctx, View{Policy: policy})
	if err != nil && !app.Is(err, app.CodeForbidden) {
		return fmt.Errorf("making the labels of %s: %w", repo.FullName(), err)
	}
	return nil
}

// configCheck puts a judgement into a check. It is never neutral: branch protection
// would count that as passed all the same.
func (s *Service) configCheck(order Order, j community.PolicyJudgement) app.Check {
	const most = 40_000 // GitHub takes 65,535 characters
	check := app.Check{Name: ConfigCheckName, HeadSHA: order.SHA, Status: app.CheckCompleted, Conclusion: app.CheckSuccess,
		Title: "The configuration is valid", Summary: "Agora follows it once it is on the default branch. Open rounds keep their rules."}
	switch {
	case j.Problem != nil:
		check.Conclusion, check.Title, check.Summary = app.CheckFailure, "The configuration is broken", "No good one was ever read: until it is mended, no vote opens here."
		if j.Ruled {
			check.Summary = "Until it is fixed, the last good configuration stays in force."
		}
		check.Summary += "\n\n" + community.ProblemList(j.Problem, s.Renderer.Escape, most)
	case j.Locked:
		check.Title = "The owner's configuration is locked: this one is not read"
		check.Summary = "`.github/agora.yml` in the owner's repository `.github` says `locked: true`. So it applies here, and Agora does not read this file, not even on the default branch."
	case j.Gone:
		check.Title, check.Summary = "There is no configuration here any more", "The owner's, or else the defaults, rule from now on. Open rounds keep their rules."
	case order.pushed():
		check.Summary = "Agora follows it from now on. Open rounds keep their rules."
	}
	return check
}

// sendOnce makes a finished check run, unless the same stands on the commit.
func (s *Service) sendOnce(ctx context.Context, repo app.Repository, order Order, check app.Check) error {
	record := CheckRecord{Repository: repo.ID, HeadSHA: order.SHA, Name: check.Name}
	if !order.pushed() {
		record.Pulls = []int{order.Ref.Number}
	}
	err := s.Store.View(ctx, func(ctx context.Context, tx Tx) error {
		found, err := tx.Check(ctx, repo.ID, order.SHA, check.Name)
		if err == nil {
			record = found
		} else if app.Is(err, app.CodeNotFound) {
			err = nil
		}
		return err
	})
	sent := check.Conclusion + "/" + digest(check.Summary)
	if err != nil || record.Sent == sent {
		return err
	}
	if record, err = s.intendCheck(ctx, record, false); err != nil {
		return err
	}
	if record.CheckID, err = s.Repos(repo).CreateCheck(ctx, check); err != nil {
		return fmt.Errorf("sending the check %s of %s: %w", check.Name, repo.FullName(), err)
	}
	record.Sent, record.SentAt, record.CreatedAt = sent, s.now(), s.now()
	return s.Store.InTx(ctx, func(ctx context.Context, tx Tx) error { return tx.SaveCheck(ctx, record) })
}

// LabelChanged makes the repository's labels anew when one of Agora's was renamed or
// deleted: people's at once, a state's before it is needed next, and where it was worn.
func (s *Service) LabelChanged(ctx context.Context, repo app.Repository, name string) error {
	if isStateLabel(name) {
		return s.forgetLabels(ctx, repo, name)
	}
	policy, err := s.Community.Policy(ctx, repo)
	if app.Is(err, app.CodeInvalid) {
		policy, err = community.PolicyRecord{Policy: config.DefaultPolicy()}, nil
	}
	if err != nil || name != policy.Policy.Label && !slices.ContainsFunc(s.Renderer.Labels(), func(l app.LabelSpec) bool { return l.Name == name }) {
		return err
	}
	if err := s.forgetLabels(ctx, repo, name); err != nil {
		return err
	}
	used, err := s.usesLabels(ctx, repo)
	if err != nil || !used {
		return err
	}
	return s.firstLabels(ctx, repo, policy.Policy) // people need theirs before there is an RFC
}

// usesLabels reports whether the repository's labels were made before.
func (s *Service) usesLabels(ctx context.Context, repo app.Repository) (used bool, err error) {
	err = s.Store.View(ctx, func(ctx context.Context, tx Tx) error {
		_, err := tx.WrittenComment(ctx, app.IssueRef{Repository: repo.ID}, labelKey)
		if used = err == nil; app.Is(err, app.CodeNotFound) {
			return nil
		}
		return err
	})
	return used, err
}

// forgetLabels has the labels of a repository made anew, and the RFCs wear theirs that
// wear a state's.
func (s *Service) forgetLabels(ctx context.Context, repo app.Repository, name string) error {
	return s.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		w, err := tx.WrittenComment(ctx, app.IssueRef{Repository: repo.ID}, labelKey)
		if app.Is(err, app.CodeNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		w.Sent, w.SentAt = "", time.Time{}
		if err := tx.SaveWrittenComment(ctx, w); err != nil {
			return err
		}
		found, err := tx.RFCs(ctx, Filter{Community: repo.Owner.ID})
		if err != nil {
			return err
		}
		for _, r := range found {
			if r.Ref.Repository == repo.ID && r.State.Label() == name {
				if err := tx.Enqueue(ctx, r.Ref.Lane(), RefreshKind, "label", Order{Ref: r.Ref, At: s.now()}.body()); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
