package rfc

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/command"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/config"
)

// Cause is what an event told besides "look again": who did what. The state itself
// is always read from GitHub.
type Cause struct {
	Actor app.User
	// Event is GitHub's action: "labeled", "unlabeled", "closed", "reopened",
	// "edited", "synchronize", "ready_for_review", …; "" when nobody knows.
	Event string
	Label string
	At    time.Time // when it happened, zero when nobody knows
	Edit  *Edit     // what became of the text, nil when that is not told
}

// Refresh reads the issue from GitHub and brings the RFC in line with it: it is
// where a webhook, the re-reading and a command like `/rfc status` all end. An
// issue that is no RFC and does not wear the label is left alone.
func (s *Service) Refresh(ctx context.Context, repo app.Repository, number int, cause Cause) error {
	return s.refresh(ctx, repo, number, cause, time.Time{})
}

// refresh is Refresh; it is final when every comment until heard was read just before, so
// that a round whose deadline has settled may be decided by what is read now.
func (s *Service) refresh(ctx context.Context, repo app.Repository, number int, cause Cause, heard time.Time) error {
	ref := app.IssueRef{Repository: repo.ID, Number: number}
	github := s.Repos(repo)
	issue, err := github.Issue(ctx, number)
	if app.Is(err, app.CodeNotFound) {
		if lags, err := s.lags(ctx, ref, cause); lags || err != nil {
			return err
		}
	}
	if app.Is(err, app.CodeNotFound) || app.Is(err, app.CodeGone) {
		return s.missing(ctx, repo, ref, cause.Actor)
	}
	if err != nil {
		return fmt.Errorf("reading %s#%d: %w", repo.FullName(), number, err)
	}
	issue.Ref = ref // a redirect may have led elsewhere; what we know it by stays
	r, round, result, err := s.findCounted(ctx, ref)
	if err != nil {
		return err
	}
	if r == nil {
		return s.register(ctx, repo, issue, cause)
	}
	edit := cause.Edit
	if cause, err = s.whoActed(ctx, repo, r, issue, cause); err != nil {
		return err
	}
	cause.Edit = edit
	steward, err := s.stewardActs(ctx, repo, r, issue, cause)
	if err != nil {
		return err
	}
	channels, err := s.readChannels(ctx, repo, r, round, result, !heard.IsZero())
	if err != nil {
		return err
	}
	planned, err := s.prepareOpening(ctx, repo, r)
	if err != nil {
		return err
	}
	return channels.taken(s.update(ctx, ref, func(ctx context.Context, c *change) error {
		if !channels.read || channels.whole { // else the comments moved the end, and the reviews were not read
			c.heard = heard
		}
		if err := c.observe(ctx, issue, cause, steward); err != nil {
			return err
		}
		if err := c.take(ctx, channels); err != nil {
			return err
		}
		return c.open(ctx, planned)
	}))
}

// register makes an RFC of an issue that wears the label (RULES §2 "States").
func (s *Service) register(ctx context.Context, repo app.Repository, issue app.Issue, cause Cause) error {
	policy, err := s.policyOrDefault(ctx, repo)
	if err != nil {
		return err
	}
	if !issue.HasLabel(policy.Label) || !issue.Open {
		return nil
	}
	if own, err := s.own(ctx, issue); own || err != nil {
		return err
	}
	by := TriggerLabelled
	if isDraft(issue) {
		by = TriggerLabelledDraft
	}
	// Before the RFC exists: what fails here is tried again, and no vote finds its
	// community without members.
	if err := s.Community.Genesis(ctx, repo, true); err != nil {
		return err
	}
	return s.create(ctx, issue, by, cause.Actor)
}

// own reports whether Agora itself wrote the issue: that becomes no RFC, what any other
// bot wrote does.
func (s *Service) own(ctx context.Context, issue app.Issue) (bool, error) {
	if !issue.Author.Bot {
		return false, nil
	}
	own, err := s.Identity.Self(ctx, issue.Author)
	if err != nil {
		return false, fmt.Errorf("asking who wrote issue %d: %w", issue.Ref.Number, err)
	}
	return own, nil
}

// policyOrDefault is the repository's policy. A broken configuration keeps rounds
// from opening, not the discussion: until it is mended the defaults rule that.
func (s *Service) policyOrDefault(ctx context.Context, repo app.Repository) (config.Policy, error) {
	record, err := s.Community.Policy(ctx, repo)
	if app.Is(err, app.CodeInvalid) {
		return config.DefaultPolicy(), nil
	}
	return record.Policy, err
}

// isDraft reports whether the issue is to start as a draft: a draft pull request,
// or an issue whose form says so.
func isDraft(issue app.Issue) bool {
	if issue.Pull != nil {
		return issue.Pull.Draft
	}
	for _, heading := range []string{"State", "Status"} {
		if strings.EqualFold(command.FormField(issue.Body, heading), "draft") {
			return true
		}
	}
	return strings.EqualFold(command.FrontMatter(issue.Body)["state"], "draft")
}

// create saves a new RFC and makes its first move; somebody may have been faster.
func (s *Service) create(ctx context.Context, issue app.Issue, by Trigger, actor app.User) error {
	return s.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		_, err := tx.RFCByIssue(ctx, issue.Ref)
		if err == nil || !app.Is(err, app.CodeNotFound) {
			return err
		}
		repo, err := tx.Repository(ctx, issue.Ref.Repository)
		if err != nil {
			return err
		}
		r := &RFC{Community: repo.Owner.ID, Ref: issue.Ref, Kind: KindIssue, Author: issue.Author, URL: issue.URL,
			Type: config.CapabilityProposal, Registered: s.now()}
		if issue.Pull != nil {
			r.Kind, r.PullDraft = KindPull, issue.Pull.Draft
		}
		c, err := s.begin(ctx, tx, r)
		if err != nil {
			return err
		}
		c.copyIssue(issue)
		if _, _, err := community.Register(ctx, tx, r.Community, repo.ID, issue.Author, community.JoinedByTaking, c.now); err != nil {
			return err
		}
		if err := c.copyPeople(ctx, issue); err != nil {
			return err
		}
		if by == TriggerLabelledDraft || by == TriggerDraftCommand {
			err = c.move(ctx, Draft, by, actor, "", nil)
		} else {
			err = c.discuss(ctx, by, actor, "")
		}
		if err != nil {
			return err
		}
		return c.finish(ctx)
	})
}

// discuss opens the RFC for comment: it gets its number and a discussion period.
func (c *change) discuss(ctx context.Context, by Trigger, actor app.User, why string) error {
	fresh, again := c.r.State != ChangesRequested, c.r.Number != 0
	if err := c.move(ctx, Open, by, actor, why, nil); err != nil {
		return err
	}
	if c.r.Number == 0 {
		number, err := c.tx.NextNumber(ctx, c.r.Community)
		if err != nil {
			return fmt.Errorf("numbering an RFC: %w", err)
		}
		c.r.Number, c.r.NumberedAt = number, c.now
		if err := c.contribute(ctx, community.ContributedRFC, c.r.person(), c.now, fmt.Sprintf("rfc/%d", c.r.ID), c.r.URL); err != nil {
			return err
		}
		if err := c.note(ctx, "numbered", "", c.r.Name(), "", actor, nil); err != nil {
			return err
		}
	}
	if fresh {
		c.r.Postponements, c.r.Restarts = 0, 0
	}
	c.r.OpenedAt = c.now.Truncate(time.Second) // as rounds are, so that the two compare
	c.r.DiscussionEnds = c.r.OpenedAt.Add(c.rules().RulesOf(c.r.Type).Discussion.Std())
	c.r.OpenBlocked = ""
	c.r.wear(c.now)
	return c.opened(ctx, actor, again)
}

// copyIssue takes over what GitHub shows and nobody decides on.
func (c *change) copyIssue(issue app.Issue) {
	r := c.r
	if r.Title != issue.Title || r.URL != issue.URL {
		c.touched = true
	}
	r.Title, r.URL, r.IssueOpen, r.ClosedAt = issue.Title, issue.URL, issue.Open, issue.ClosedAt
	if !r.IssueOpen && r.ClosedAt.IsZero() {
		r.ClosedAt = c.now
	}
	if r.MergeRefused && !issue.Open { // merged by now, or given up
		r.MergeRefused, c.urgent = false, true
	}
	r.Labels, r.LabelsAt = issue.Labels, c.now
	if issue.HasLabel(c.rules().Label) {
		r.wear(issue.UpdatedAt)
	}
	if !issue.Author.Gone() {
		r.Author = issue.Author
	}
	r.Supersedes = command.SupersedesRefs(issue.Body)
	if r.State == unregistered || r.State == Draft || r.State == Open || r.State == ChangesRequested {
		c.setType(issue)
	}
	if r.State == unregistered {
		r.Text = textOf(issue)
	}
}

// setType reads the type: the label wins, of several the one that asks for most, then
// the form's field, then front matter, then what the configuration says of those that name
// none.
func (c *change) setType(issue app.Issue) {
	t := typeOf(issue, c.rules().DefaultType)
	if t == c.r.Type {
		return
	}
	c.r.Type = t
	c.touched = true
	if c.r.State == Open {
		c.r.DiscussionEnds = c.r.OpenedAt.Add(c.rules().RulesOf(t).Discussion.Std())
	}
}

func typeOf(issue app.Issue, unnamed config.Type) config.Type {
	strictest, labelled := config.Type(""), -1
	for _, l := range issue.Labels {
		if !strings.HasPrefix(strings.ToLower(l), config.TypeLabelPrefix) {
			continue
		}
		if t, err := config.ParseType(l); err == nil && slices.Index(config.Types(), t) > labelled {
			strictest, labelled = t, slices.Index(config.Types(), t)
		}
	}
	if labelled >= 0 {
		return strictest
	}
	for _, text := range []string{command.FormField(issue.Body, "Type"), command.FrontMatter(issue.Body)["type"]} {
		if t, err := config.ParseType(text); err == nil {
			return t
		}
	}
	return unnamed
}

// longestLag is how long after its first event GitHub may still not show an issue.
const longestLag = time.Minute

// lags reports whether what GitHub does not know may only be too new for the copy that
// was asked: then it is looked for once more. A deleted issue is told by its own event,
// or answered 410.
func (s *Service) lags(ctx context.Context, ref app.IssueRef, cause Cause) (bool, error) {
	r, err := s.find(ctx, ref)
	switch {
	case err != nil:
		return false, err
	case r != nil && s.now().Sub(r.Registered) < longestLag:
		return true, app.RetryAfter(fmt.Errorf("the issue of %s cannot be read yet", r.Name()), lag)
	case r != nil || cause.Event == "":
		return false, nil
	}
	return true, s.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		key := fmt.Sprintf("seen/%d/%d", ref.Repository, ref.Number)
		return tx.SetTimer(ctx, key, s.now().Add(lag), ref.Lane(), RefreshKind, Order{Ref: ref}.body())
	})
}

// missing withdraws the RFC of an issue that is not there any more, unless it is
// the whole repository that the App no longer reaches: then nothing is known of the
// issue, and the RFC resumes when the App is back.
func (s *Service) missing(ctx context.Context, repo app.Repository, ref app.IssueRef, actor app.User) error {
	reached, err := s.Community.Reaches(ctx, repo)
	if err != nil {
		return err
	}
	if !reached {
		return errUnreached(repo)
	}
	// The event of a move may be lost, or still to come.
	target, number, err := s.Repos(repo).MovedTo(ctx, ref.Number)
	switch {
	case app.Is(err, app.CodeNotFound), app.Is(err, app.CodeGone), app.Is(err, app.CodeForbidden):
		return s.Vanished(ctx, ref, actor)
	case err != nil:
		return fmt.Errorf("looking for %s#%d: %w", repo.FullName(), ref.Number, err)
	case number == ref.Number && strings.EqualFold(target.FullName(), repo.FullName()):
		return app.RetryAfter(fmt.Errorf("%s#%d is there, and something of it was not found", repo.FullName(), number), lag)
	}
	if target.Installation, err = s.InstallationOf(ctx, target.Owner.Login, target.Name); app.Is(err, app.CodeNotFound) {
		return s.Vanished(ctx, ref, actor)
	} else if err != nil {
		return fmt.Errorf("looking for the App on %s: %w", target.FullName(), err)
	}
	if target, err = s.Community.Read(ctx, target); err != nil {
		return err
	}
	if target.ID == repo.ID && number == ref.Number {
		return app.RetryAfter(fmt.Errorf("%s#%d is there and is not", repo.FullName(), number), lag)
	}
	return s.Transferred(ctx, ref, app.IssueRef{Repository: target.ID, Number: number}, target, actor)
}

// Vanished withdraws an RFC whose issue was deleted, or moved where Agora is not.
// Nothing can be written there any more.
func (s *Service) Vanished(ctx context.Context, ref app.IssueRef, actor app.User) error {
	err := s.update(ctx, ref, func(ctx context.Context, c *change) error {
		c.r.RetryAt = time.Time{}
		if c.r.State.Decided() {
			return nil
		}
		if err := c.withdraw(ctx, TriggerDeleted, actor, ""); err != nil {
			return err
		}
		c.urgent = false
		return nil
	})
	if app.Is(err, app.CodeNotFound) {
		return nil
	}
	return err
}

// IssueSeen takes an event of an issue or pull request: it is read again when it is
// an RFC, or wears the label that makes one.
func (s *Service) IssueSeen(ctx context.Context, repo app.Repository, number int, labels []string, cause Cause) error {
	known, err := s.Known(ctx, app.IssueRef{Repository: repo.ID, Number: number})
	if err != nil {
		return err
	}
	if !known {
		policy, err := s.policyOrDefault(ctx, repo)
		if err != nil || !containsFold(labels, policy.Label) {
			return err
		}
	}
	return s.Refresh(ctx, repo, number, cause)
}
