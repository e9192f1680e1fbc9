package rfc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/config"
)

// The keys under which the comments of an RFC are remembered.
const (
	stickyKey = "sticky"
	labelKey  = "label"
)

func ballotKey(round int) string   { return fmt.Sprintf("ballot/%d", round) }
func decisionKey(round int) string { return fmt.Sprintf("decision/%d", round) }

// Publish makes GitHub show what is true of an RFC now: its comments, labels and
// checks, and closes or merges what was decided. It can be repeated at any time;
// what stands already is not sent.
func (s *Service) Publish(ctx context.Context, ref app.IssueRef) error {
	v, err := s.view(ctx, ref)
	if app.Is(err, app.CodeNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if v.Repository.Installation == 0 {
		return errUnreached(v.Repository)
	}
	p := publication{Service: s, github: s.Repos(v.Repository), ref: ref, moved: v.RFC.MovedAt}
	if v.RFC.Left != 0 {
		return p.partingWords(ctx, &v)
	}
	// What GitHub refuses, such as a comment on a locked issue, keeps nothing else back.
	var refused error
	for _, part := range []struct {
		doing string
		do    func(context.Context, *View) error
	}{
		{"publishing the rounds of", p.rounds}, {"publishing the status of", p.sticky}, {"labelling", p.labels},
		{"ordering the checks of", s.orderChecks}, {"closing", p.closeIssue}, {"merging", p.merge},
	} {
		switch err := part.do(ctx, &v); {
		case app.Is(err, app.CodeForbidden):
			refused = errors.Join(refused, fmt.Errorf("%s %s: %w", part.doing, v.RFC.Name(), err))
		case err != nil:
			return fmt.Errorf("%s %s: %w", part.doing, v.RFC.Name(), err)
		}
	}
	return refused
}

// Ruled orders to show again what is discussed in a repository: whether votes can open
// there has changed.
func (s *Service) Ruled(ctx context.Context, o community.RepositoryOrder) error {
	return s.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		list, err := tx.RFCs(ctx, Filter{Community: o.Account.ID, State: Open})
		if err != nil {
			return err
		}
		for _, r := range list {
			if r.Ref.Repository != o.Repository {
				continue
			}
			if err := tx.Enqueue(ctx, r.Ref.EffectLane(), PublishKind, "publish", Order{Ref: r.Ref}.body()); err != nil {
				return err
			}
		}
		return nil
	})
}

// sticky keeps the RFC's one status comment true.
func (p publication) sticky(ctx context.Context, v *View) error {
	if v.RFC.Number == 0 {
		return nil
	}
	sticky, err := p.comment(ctx, stickyKey, v.RFC.StickyMarker(), p.Renderer.Sticky(*v))
	if err != nil {
		return err
	}
	return p.votesShown(ctx, v, sticky)
}

// view loads everything that is shown of an issue's RFC.
func (s *Service) view(ctx context.Context, ref app.IssueRef) (v View, err error) {
	err = s.Store.View(ctx, func(ctx context.Context, tx Tx) error {
		r, err := tx.RFCByIssue(ctx, ref)
		if err != nil {
			return err
		}
		v, err = s.load(ctx, tx, r)
		return err
	})
	return v, err
}

// load is LoadView with what the service knows besides.
func (s *Service) load(ctx context.Context, tx Tx, r *RFC) (View, error) {
	v, err := LoadView(ctx, tx, r, s.now())
	if err != nil {
		return v, err
	}
	v.PageURL = s.PageURL(v)
	return v, v.LoadPolicy(ctx, tx)
}

// PageURL is the RFC's page on Agora's own site, "" when there is none: that of a private
// repository's RFC answers as if it did not exist.
func (s *Service) PageURL(v View) string {
	if s.PublicURL == "" || v.RFC.Number == 0 || !v.Repository.Public() {
		return ""
	}
	return fmt.Sprintf("%s/c/%s/rfcs/%d", s.PublicURL, v.Account.Login, v.RFC.Number)
}

func stewardNames(stewards []config.Steward) []string {
	names := make([]string, len(stewards))
	for i, steward := range stewards {
		names[i] = strings.TrimPrefix(steward.String(), "@")
	}
	return names
}

// publication is one run of Publish.
type publication struct {
	*Service
	github GitHub
	ref    app.IssueRef
	moved  time.Time // when GitHub transferred the issue
}

// rounds keeps each round's ballot comment, and the decision of each decided one.
func (p publication) rounds(ctx context.Context, v *View) error {
	for _, round := range v.Rounds {
		written, err := p.written(ctx, ballotKey(round.Number))
		if err != nil {
			return err
		}
		newest := round.Number == v.RFC.Round
		if round.Closed() && !newest && written.CommentID == 0 && written.Intent.IsZero() {
			continue // over before it was ever shown
		}
		result := v.Result
		if !newest {
			if result, err = p.recount(ctx, v.RFC, round); err != nil {
				return err
			}
		}
		written, err = p.comment(ctx, ballotKey(round.Number), v.RFC.BallotMarker(round), p.Renderer.Ballot(*v, round, result))
		if err != nil {
			return err
		}
		round.BallotURL = written.URL
		if !newest || round.Decided().IsZero() {
			continue
		}
		said, err := p.written(ctx, decisionKey(round.Number))
		if err != nil {
			return err
		}
		if said.CommentID != 0 {
			continue // said once; what happened since does not change it
		}
		if _, err := p.comment(ctx, decisionKey(round.Number), v.RFC.DecisionMarker(round), p.Renderer.Decision(*v, round, result)); err != nil {
			return err
		}
	}
	return nil
}

func (p publication) recount(ctx context.Context, r *RFC, round *Round) (result Result, err error) {
	err = p.Store.View(ctx, func(ctx context.Context, tx Tx) error {
		record, err := loadRecord(ctx, tx, r, round, p.now())
		if err == nil {
			result = Recount(record)
		}
		return err
	})
	return result, err
}

// labels makes the labels there are, and lets the issue wear exactly the one of its
// state, and the people's label unless the RFC was withdrawn.
func (p publication) labels(ctx context.Context, v *View) error {
	if err := p.ensureLabels(ctx, *v); err != nil {
		return err
	}
	want := v.RFC.State.Label()
	peoples := v.RFC.keepsLabel()
	written, err := p.written(ctx, labelKey)
	if err != nil {
		return err
	}
	wears := func(labels []string) bool {
		return labelsOwned(labels) == want && (!peoples || containsFold(labels, p.label(*v)))
	}
	if written.Sent == want && !written.SentAt.Before(p.moved) && (!v.RFC.LabelsAt.After(written.SentAt) || wears(v.RFC.Labels)) {
		return nil
	}
	issue, err := p.github.Issue(ctx, p.ref.Number)
	if err != nil {
		return err
	}
	if written.Sent != "" { // should an answer be lost, it wears these or others
		written.Sent = ""
		if err := p.save(ctx, written); err != nil {
			return err
		}
	}
	if !issue.HasLabel(want) || peoples && !issue.HasLabel(p.label(*v)) {
		add := []string{want}
		if peoples && !issue.HasLabel(p.label(*v)) {
			add = append(add, p.label(*v))
		}
		if err := p.github.AddLabels(ctx, p.ref.Number, add); err != nil {
			return err
		}
	}
	for _, l := range issue.Labels {
		if isStateLabel(l) && !strings.EqualFold(l, want) {
			if err := p.github.RemoveLabel(ctx, p.ref.Number, l); err != nil {
				return err
			}
		}
	}
	written.Sent, written.SentAt = want, p.now()
	return p.save(ctx, written)
}

func containsFold(list []string, word string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, word) })
}

// label is the people's label in this repository.
func (p publication) label(v View) string {
	if v.Policy.Label != "" {
		return v.Policy.Label
	}
	return config.DefaultPolicy().Label
}

// labelsWait is how long a publication waits for labels that another one makes.
const labelsWait = 2 * time.Second

// ensureLabels makes the repository's labels, once for each set of them.
func (p publication) ensureLabels(ctx context.Context, v View) error {
	specs := slices.Clone(p.Renderer.Labels())
	for i := range specs {
		if specs[i].Name == config.DefaultPolicy().Label {
			specs[i].Name = p.label(v)
		}
	}
	repository := publication{Service: p.Service, ref: app.IssueRef{Repository: p.ref.Repository}}
	written, err := repository.written(ctx, labelKey)
	sent := digest(fmt.Sprint(specs))
	if err != nil || written.Sent == sent {
		return err
	}
	// Of many RFCs that open at once, one makes the labels for all.
	if _, busy := p.labelling.LoadOrStore(p.ref.Repository, true); busy {
		return app.RetryAfter(errors.New("another RFC's publication makes the repository's labels"), labelsWait)
	}
	defer p.labelling.Delete(p.ref.Repository)
	err = p.github.EnsureLabels(ctx, specs)
	if app.Is(err, app.CodeNotFound) {
		return nil // GitHub makes a label that is put on, if only without a colour
	}
	if err != nil {
		return err
	}
	written.Sent, written.SentAt = sent, p.now()
	return repository.save(ctx, written)
}

// once runs an effect on GitHub that is done at most once a round, and remembers it.
func (p publication) once(ctx context.Context, key string, do func() error) error {
	written, err := p.written(ctx, key)
	if err != nil || !written.SentAt.IsZero() {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	written.SentAt = p.now()
	return p.save(ctx, written)
}

// closeIssue closes the issue of an RFC that was decided for good, when configured.
func (p publication) closeIssue(ctx context.Context, v *View) error {
	if v.Round == nil || !v.Round.Closed() || v.RFC.Kind != KindIssue || !v.Round.Policy.CloseOnDecision {
		return nil
	}
	reason := "not_planned"
	switch {
	case v.RFC.State == Accepted:
		reason = "completed"
	case v.RFC.State == Rejected, v.RFC.State == Postponed && v.RFC.RetryAt.IsZero():
	default:
		return nil
	}
	return p.once(ctx, fmt.Sprintf("close/%d", v.Round.Number), func() error {
		return p.github.CloseIssue(ctx, p.ref.Number, reason)
	})
}

// mergeFor is how long after the decision Agora tries to merge what cannot be
// merged yet: required checks may still run.
const mergeFor = 24 * time.Hour

// merge merges an accepted pull request, when configured, at the very commit that
// was voted on and no other.
func (p publication) merge(ctx context.Context, v *View) error {
	if v.Round == nil || v.RFC.Kind != KindPull || v.RFC.State != Accepted || !v.RFC.IssueOpen || v.RFC.Bound != v.RFC.Text {
		return nil
	}
	method := v.Round.Policy.MergeOnAccept
	if method == config.MergeNone || method == "" || p.now().Sub(v.RFC.DecidedAt) > mergeFor {
		return nil
	}
	err := p.once(ctx, fmt.Sprintf("merge/%d", v.Round.Number), func() error {
		return p.github.Merge(ctx, p.ref.Number, v.RFC.Bound.Head, string(method), fmt.Sprintf("%s: %s", v.RFC.Name(), v.RFC.Title))
	})
	refused := app.Is(err, app.CodeForbidden)
	if (refused || err == nil) && refused != v.RFC.MergeRefused { // who waits for it learns of it from the status
		return errors.Join(err, p.update(ctx, p.ref, func(_ context.Context, c *change) error {
			c.r.MergeRefused, c.urgent = refused, true
			return nil
		}))
	}
	if !app.Is(err, app.CodeConflict) && !app.Is(err, app.CodeInvalid) {
		return err
	}
	return p.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		return tx.SetTimer(ctx, fmt.Sprintf("merge/%d", v.RFC.ID), p.now().Add(time.Minute), p.ref.EffectLane(), PublishKind, Order{Ref: p.ref}.body())
	})
}
