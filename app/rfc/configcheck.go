package rfc

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/agora-rfc/agora/app"
)

// ConfigCheckKind is the kind of the entries that check a proposed agora.yml.
const ConfigCheckKind = "rfc.config-check"

// ConfigCheckName is the name of the check that guards the configuration.
const ConfigCheckName = "agora/config"

// OrderConfigCheck orders the configuration at a pull request's head to be checked.
func (s *Service) OrderConfigCheck(ctx context.Context, ref app.IssueRef, sha string) error {
	return s.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		return tx.Enqueue(ctx, ref.EffectLane(), ConfigCheckKind, sha, Order{Ref: ref, SHA: sha}.body())
	})
}

// CheckConfig judges the agora.yml that a pull request proposes and says so in the
// check `agora/config`, with the line and the reason. A pull request that leaves
// the file alone gets no such check.
func (s *Service) CheckConfig(ctx context.Context, order Order) error {
	repo, err := s.repository(ctx, order.Ref.Repository)
	if app.Is(err, app.CodeNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	changed, problem, err := s.Community.CheckPolicy(ctx, repo, order.SHA)
	if err != nil || !changed {
		return err
	}
	check := app.Check{Name: ConfigCheckName, HeadSHA: order.SHA, Status: app.CheckCompleted, Conclusion: app.CheckSuccess,
		Title: "The configuration is good", Summary: "Agora follows it once it is on the default branch. Rounds that are open keep theirs."}
	if problem != nil {
		check.Conclusion, check.Title = app.CheckFailure, "The configuration is broken"
		check.Summary = "Until it is mended, the last good configuration keeps ruling.\n\n" + s.problemList(problem)
	}
	return s.sendOnce(ctx, repo, order, check)
}

// problemList is an error as a list, an item for each of its lines. GitHub takes
// 65,535 characters, and an escaped one is up to a dozen.
func (s *Service) problemList(problem error) string {
	const longest, most = 1_000, 40_000
	var list strings.Builder
	for line := range strings.Lines(problem.Error()) {
		if list.Len() > most {
			list.WriteString("- and more\n")
			break
		}
		if item := s.Renderer.Escape(line, longest); item != "" {
			list.WriteString("- " + item + "\n")
		}
	}
	return list.String()
}

// sendOnce makes a finished check run, unless the same stands on the commit.
func (s *Service) sendOnce(ctx context.Context, repo app.Repository, order Order, check app.Check) error {
	record := CheckRecord{Repository: repo.ID, HeadSHA: order.SHA, Name: check.Name, Pulls: []int{order.Ref.Number}}
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
	if record.CheckID, err = s.Repos(repo).CreateCheck(ctx, check); err != nil {
		return fmt.Errorf("sending the check %s of %s: %w", check.Name, repo.FullName(), err)
	}
	record.Sent, record.SentAt, record.CreatedAt = sent, s.now(), s.now()
	return s.Store.InTx(ctx, func(ctx context.Context, tx Tx) error { return tx.SaveCheck(ctx, record) })
}

// LabelChanged makes the repository's labels anew before they are needed next, when
// one of Agora's was renamed or deleted, and puts it back where it was worn.
func (s *Service) LabelChanged(ctx context.Context, repo app.Repository, name string) error {
	if !isStateLabel(name) {
		return nil
	}
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
