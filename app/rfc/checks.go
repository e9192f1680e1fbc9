package rfc

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/agora-rfc/agora/app"
)

// CheckName is the name of the check that guards merges.
const CheckName = "agora/rfc"

// staleAfter is how old an unfinished check run grows before it is made anew:
// GitHub marks it stale after 14 days.
const staleAfter = 13 * 24 * time.Hour

// Bar is one RFC in a pull request's way.
type Bar struct {
	Name  string // "RFC-7"
	State State  // "" when there is no such RFC
	// Changed tells that the text, or of an RFC's own pull request the head, is not the
	// one that was accepted.
	Changed        bool
	Title, Summary string
	PageURL        string // "" when there is none
}

// verdict is how a bar stands in the check: its rank (the worst decides), status
// and conclusion.
func (b Bar) verdict() (rank int, status, conclusion string) {
	switch {
	case b.State == unregistered, b.State == Rejected, b.State == Withdrawn, b.State == Postponed, b.State == Superseded:
		return 3, app.CheckCompleted, app.CheckFailure
	case b.State == ChangesRequested, b.Changed:
		return 2, app.CheckCompleted, app.CheckActionRequired
	case b.State == Draft, b.State == Open, b.State == Voting:
		return 1, app.CheckInProgress, ""
	}
	return 0, app.CheckCompleted, app.CheckSuccess
}

// JudgeCheck makes the check of everything that stands in the way of a commit: all
// must pass. Nothing in the way is a success, never neutral.
func JudgeCheck(bars []Bar) app.Check {
	check := app.Check{Name: CheckName, Status: app.CheckCompleted, Conclusion: app.CheckSuccess,
		Title: "no RFC needed", Summary: "This pull request names no RFC. To bind it to one, write `Implements: RFC-n` on a line of its own in its description."}
	worst := -1
	var summaries []string // of each RFC one: several pull requests of a merge group may name the same
	for _, b := range bars {
		rank, status, conclusion := b.verdict()
		if rank > worst {
			worst, check.Status, check.Conclusion, check.Title = rank, status, conclusion, b.Title
		}
		if !slices.Contains(summaries, b.Summary) {
			summaries = append(summaries, b.Summary)
		}
	}
	if len(bars) > 0 {
		check.Summary = strings.Join(summaries, "\n\n")
	}
	if len(summaries) > 1 {
		check.Title = fmt.Sprintf("%d RFCs: %s", len(summaries), check.Title)
	}
	return check
}

// MergeGroupRequested remembers the head of a merge queue and orders its check.
// pulls are the pull requests in the group; when they cannot be told, unreadable
// says why, and the check fails closed.
func (s *Service) MergeGroupRequested(ctx context.Context, repo app.Repository, headSHA string, pulls []int, unreadable string) error {
	return s.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		check, err := tx.Check(ctx, repo.ID, headSHA, CheckName)
		if err != nil && !app.Is(err, app.CodeNotFound) {
			return err
		}
		check.Repository, check.HeadSHA, check.Name, check.MergeGroup = repo.ID, headSHA, CheckName, true
		check.Pulls, check.Unreadable = pulls, unreadable
		if err := tx.SaveCheck(ctx, check); err != nil {
			return err
		}
		return orderCheck(ctx, tx, app.IssueRef{Repository: repo.ID, Number: first(pulls)}, headSHA)
	})
}

func first(numbers []int) int {
	if len(numbers) == 0 {
		return 0
	}
	return numbers[0]
}

// CheckRerequested makes a commit's check runs anew because somebody asked GitHub to: the
// one of a name, or all when it is "".
func (s *Service) CheckRerequested(ctx context.Context, repo app.Repository, headSHA, name string) error {
	return s.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		for _, known := range []string{CheckName, ConfigCheckName} {
			if name != "" && name != known {
				continue
			}
			check, err := tx.Check(ctx, repo.ID, headSHA, known)
			if app.Is(err, app.CodeNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			check.CheckID, check.Sent = 0, ""
			if err := tx.SaveCheck(ctx, check); err != nil {
				return err
			}
			ref := app.IssueRef{Repository: repo.ID, Number: first(check.Pulls)}
			if known == ConfigCheckName {
				err = orderConfigCheck(ctx, tx, Order{Ref: ref, SHA: headSHA})
			} else {
				err = orderCheck(ctx, tx, ref, headSHA)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// orderCheck orders the check of a commit, in the commit's own lane: several pull
// requests may share it, and the check that stands on it is one.
func orderCheck(ctx context.Context, tx Tx, ref app.IssueRef, sha string) error {
	return tx.Enqueue(ctx, checkLane(ref.Repository, sha), CheckKind, sha, Order{Ref: ref, SHA: sha}.body())
}

func checkLane(repository int64, sha string) string {
	return fmt.Sprintf("issue/%d/commit/%s", repository, sha)
}

// orderPullChecks orders the checks that answer for a pull request: its head's, and
// those of the merge groups it is in.
func orderPullChecks(ctx context.Context, tx Tx, pull Pull) error {
	if err := orderCheck(ctx, tx, pull.Ref, pull.HeadSHA); err != nil {
		return err
	}
	groups, err := tx.MergeGroupsOf(ctx, pull.Ref)
	if err != nil {
		return err
	}
	for _, g := range groups {
		if err := orderCheck(ctx, tx, app.IssueRef{Repository: g.Repository, Number: first(g.Pulls)}, g.HeadSHA); err != nil {
			return err
		}
	}
	return nil
}

// orderChecks orders the checks of every pull request whose way this RFC may stand
// in: its own, those that name it, and the merge groups they are in.
func (s *Service) orderChecks(ctx context.Context, v *View) error {
	return s.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		var pulls []Pull
		if v.RFC.Number > 0 {
			var err error
			if pulls, err = tx.PullsBoundTo(ctx, v.RFC.Community, v.RFC.Number); err != nil {
				return err
			}
		}
		if v.RFC.Kind == KindPull {
			own, err := tx.Pull(ctx, v.RFC.Ref)
			if err != nil && !app.Is(err, app.CodeNotFound) {
				return err
			}
			if err == nil { // closed or merged too: an RFC that is over blocks its commit
				pulls = append(pulls, own)
			}
		}
		for _, pull := range pulls {
			if err := orderPullChecks(ctx, tx, pull); err != nil {
				return err
			}
		}
		return nil
	})
}

// PublishCheck makes the check of a commit true.
func (s *Service) PublishCheck(ctx context.Context, order Order) error {
	repo, err := s.repository(ctx, order.Ref.Repository)
	if app.Is(err, app.CodeNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	record, bars, err := s.bars(ctx, repo, order)
	if err != nil {
		return err
	}
	check := JudgeCheck(bars)
	check.HeadSHA = order.SHA
	if record.Unreadable != "" {
		check.Status, check.Conclusion = app.CheckCompleted, app.CheckFailure
		check.Title, check.Summary = "The merge group cannot be read", record.Unreadable
	}
	if len(bars) == 1 {
		check.DetailsURL = bars[0].PageURL
	}
	return s.sendCheck(ctx, repo, record, check)
}

// bars collects what stands in the way of a commit.
func (s *Service) bars(ctx context.Context, repo app.Repository, order Order) (record CheckRecord, bars []Bar, err error) {
	err = s.Store.View(ctx, func(ctx context.Context, tx Tx) error {
		record, err = tx.Check(ctx, repo.ID, order.SHA, CheckName)
		if app.Is(err, app.CodeNotFound) {
			record, err = CheckRecord{Repository: repo.ID, HeadSHA: order.SHA, Name: CheckName, Pulls: []int{order.Ref.Number}}, nil
		}
		if err != nil {
			return err
		}
		if !record.MergeGroup {
			if record.Pulls, err = sharers(ctx, tx, order); err != nil {
				return err
			}
		}
		for _, number := range record.Pulls {
			more, err := s.barsOf(ctx, tx, app.IssueRef{Repository: repo.ID, Number: number}, order.SHA, record.MergeGroup)
			if err != nil {
				return err
			}
			bars = append(bars, more...)
		}
		return nil
	})
	return record, bars, err
}

// sharers are the pull requests that a commit's check answers for: the one at hand, and
// every other whose head it is, while it is open or an RFC. All of them must pass.
func sharers(ctx context.Context, tx Tx, order Order) ([]int, error) {
	numbers := []int{order.Ref.Number}
	pulls, err := tx.PullsAt(ctx, order.Ref.Repository, order.SHA)
	if err != nil {
		return nil, err
	}
	for _, pull := range pulls {
		if !pull.Open {
			if _, err := tx.RFCByIssue(ctx, pull.Ref); app.Is(err, app.CodeNotFound) {
				continue
			} else if err != nil {
				return nil, err
			}
		}
		if !slices.Contains(numbers, pull.Ref.Number) {
			numbers = append(numbers, pull.Ref.Number)
		}
	}
	return numbers, nil
}

func (s *Service) barsOf(ctx context.Context, tx Tx, ref app.IssueRef, sha string, group bool) ([]Bar, error) {
	pull, err := tx.Pull(ctx, ref)
	switch {
	case app.Is(err, app.CodeNotFound) && group:
		// Never seen: nobody can say that it names no RFC.
		return []Bar{{Name: fmt.Sprintf("#%d", ref.Number), Title: fmt.Sprintf("#%d is unknown", ref.Number),
			Summary: fmt.Sprintf("Agora has not seen pull request #%d of this merge group yet.", ref.Number)}}, nil
	case err != nil && !app.Is(err, app.CodeNotFound):
		return nil, err
	}
	if astray, err := Astray(ctx, tx, pull); astray || err != nil {
		return []Bar{{Name: fmt.Sprintf("#%d", ref.Number), Title: "the RFC is another account's",
			Summary: "This pull request cannot pass: " + AstrayReason + ". A steward frees it by `/rfc unlink \"why\"`."}}, err
	}
	var bars []Bar
	own, err := tx.RFCByIssue(ctx, ref)
	if err == nil {
		bar, err := s.bar(ctx, tx, own)
		if err != nil {
			return nil, err
		}
		head := sha
		if group {
			head = pull.HeadSHA
		}
		bar.Changed = own.accepted() && own.Bound.Head != head
		bars = append(bars, bar)
	} else if !app.Is(err, app.CodeNotFound) {
		return nil, err
	}
	for _, number := range pull.Bound {
		named, err := visibleRFC(ctx, tx, pull.Community, number, ref.Repository)
		if app.Is(err, app.CodeNotFound) {
			name := fmt.Sprintf("RFC-%d", number)
			bars = append(bars, Bar{Name: name, Title: name + " cannot be found", Summary: name + " cannot be found in this community."})
			continue
		}
		if err != nil {
			return nil, err
		}
		bar, err := s.bar(ctx, tx, named)
		if err != nil {
			return nil, err
		}
		bars = append(bars, bar)
	}
	return bars, nil
}

// visibleRFC finds an RFC that may be spoken of in a repository: its own, or one of
// a public repository. A private one elsewhere is as if it did not exist.
func visibleRFC(ctx context.Context, tx Tx, account int64, number int, in int64) (*RFC, error) {
	r, err := tx.RFCByNumber(ctx, account, number)
	if err != nil || r.Ref.Repository == in {
		return r, err
	}
	home, err := tx.Repository(ctx, r.Ref.Repository)
	if err != nil {
		return nil, err
	}
	if !home.Public() {
		return nil, app.Errorf(app.CodeNotFound, "there is no RFC-%d here", number)
	}
	return r, nil
}

func (s *Service) bar(ctx context.Context, tx Tx, r *RFC) (Bar, error) {
	v, err := s.load(ctx, tx, r)
	if err != nil {
		return Bar{}, err
	}
	bar := Bar{Name: r.Name(), State: r.State, Changed: r.ChangedSince(), PageURL: v.PageURL}
	bar.Title, bar.Summary = s.Renderer.Check(v)
	return bar, nil
}

// sendCheck updates the check run that stands, or makes a new one: a finished run
// is never taken back, the newest of the name counts.
func (s *Service) sendCheck(ctx context.Context, repo app.Repository, record CheckRecord, check app.Check) error {
	now := s.now()
	sent := check.Status + "/" + check.Conclusion + "/" + digest(check.Title+"\n"+check.Summary)
	stale := check.Status == app.CheckInProgress && !record.CreatedAt.IsZero() && now.Sub(record.CreatedAt) >= staleAfter
	if record.Sent == sent && !stale {
		return nil
	}
	finished := record.Sent == finishing && check.Status == app.CheckInProgress // perhaps
	update := record.CheckID != 0 && strings.HasPrefix(record.Sent, app.CheckInProgress) && !stale && !finished
	record, err := s.intendCheck(ctx, record, update)
	if err != nil {
		return err
	}
	if update {
		err = s.Repos(repo).UpdateCheck(ctx, record.CheckID, check)
	} else {
		record.CheckID, err = s.Repos(repo).CreateCheck(ctx, check)
		record.CreatedAt = now
	}
	if app.Is(err, app.CodeNotFound) || app.Is(err, app.CodeInvalid) {
		return app.Park(fmt.Errorf("sending the check of %s@%s: %w", repo.FullName(), check.HeadSHA, err))
	}
	if err != nil {
		return fmt.Errorf("sending the check of %s@%s: %w", repo.FullName(), check.HeadSHA, err)
	}
	record.Sent, record.SentAt = sent, now
	return s.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		if err := tx.SaveCheck(ctx, record); err != nil {
			return err
		}
		ref := app.IssueRef{Repository: repo.ID, Number: first(record.Pulls)}
		key := fmt.Sprintf("check/%d/%s", repo.ID, check.HeadSHA)
		if check.Status != app.CheckInProgress {
			return tx.CancelTimer(ctx, key)
		}
		return tx.SetTimer(ctx, key, record.CreatedAt.Add(staleAfter), checkLane(repo.ID, check.HeadSHA), CheckKind, Order{Ref: ref, SHA: check.HeadSHA}.body())
	})
}

// finishing is what is known of a run that was being updated: it stands, and may be
// finished by now.
const finishing = app.CheckInProgress + "/updated"

// intendCheck stores that a check run is about to be updated, or a new one made, before
// GitHub is asked: where its answer is lost, what was sent before no longer stands,
// and a run that was to be made may stand above the one known.
func (s *Service) intendCheck(ctx context.Context, record CheckRecord, update bool) (CheckRecord, error) {
	intent := record
	if update {
		intent.Sent = finishing
	} else {
		intent.CheckID, intent.Sent = 0, ""
	}
	if intent.CheckID == record.CheckID && intent.Sent == record.Sent {
		return record, nil
	}
	return intent, s.Store.InTx(ctx, func(ctx context.Context, tx Tx) error { return tx.SaveCheck(ctx, intent) })
}
