package rfc

import (
	"context"
	"fmt"
	"time"

	"github.com/agora-rfc/agora/app"
)

// quietSpell lets votes that arrive together be shown together.
const quietSpell = 2 * time.Second

// editSpacing is how far apart edits of the sticky comment stand under a stream of
// votes: 2 % of the time left, at least 30 s and at most 3 h.
func editSpacing(left time.Duration) time.Duration {
	return min(max(left/50, 30*time.Second), 3*time.Hour)
}

// nextEdit is when votes of a round may be shown again after the sticky comment last
// showed new ones. Before the first ones, and after a quiet spell, that is now.
func nextEdit(sticky Written, round int, deadline, now time.Time) time.Time {
	if sticky.Votes.Round != round || sticky.Votes.At.IsZero() {
		return now
	}
	return sticky.Votes.At.Add(editSpacing(deadline.Sub(now)))
}

// VotesShown is which votes the sticky comment shows, and since when: what the spacing
// of its edits counts from.
type VotesShown struct {
	Round int       `json:"round"`
	Acts  int       `json:"acts"`
	At    time.Time `json:"at"`
}

// votesShown remembers that the sticky comment, as it was sent last, shows the view's
// votes. Edits that brought no vote do not hold the next one back.
func (p publication) votesShown(ctx context.Context, v *View, sticky Written) error {
	acts := len(v.Result.Ballots)
	if v.Round == nil || acts == 0 || sticky.Votes.Round == v.Round.Number && sticky.Votes.Acts == acts {
		return nil
	}
	sticky.Votes = VotesShown{Round: v.Round.Number, Acts: acts, At: sticky.SentAt}
	return p.save(ctx, sticky)
}

// order queues the publishing: at once when the state changed, else after a quiet
// spell, spaced by the time left.
func (c *change) order(ctx context.Context) error {
	if c.urgent {
		return c.tx.Enqueue(ctx, c.r.Ref.EffectLane(), PublishKind, "publish", Order{Ref: c.r.Ref}.body())
	}
	if !c.touched {
		return nil
	}
	due := c.now.Add(quietSpell)
	if c.voting() {
		result, err := c.result(ctx)
		if err != nil {
			return err
		}
		sticky, err := c.tx.WrittenComment(ctx, c.r.Ref, stickyKey)
		if err != nil && !app.Is(err, app.CodeNotFound) {
			return err
		}
		if next := nextEdit(sticky, c.round.Number, result.Deadline, c.now); next.After(due) {
			due = next
		}
	}
	return orderSpaced(ctx, c.tx, c.r, due)
}

func orderSpaced(ctx context.Context, tx Tx, r *RFC, due time.Time) error {
	order := Order{Ref: r.Ref, Spaced: true}
	return tx.SetTimerEarlier(ctx, fmt.Sprintf("publish/%d", r.ID), due, r.Ref.EffectLane(), PublishKind, order.body())
}

// PublishOrdered carries out an order to publish. One that only shows votes waits
// when others were shown meanwhile: votes that came while the edit was on its way did
// not know of it.
func (s *Service) PublishOrdered(ctx context.Context, o Order) error {
	if !o.Spaced {
		return s.Publish(ctx, o.Ref)
	}
	waits := false
	err := s.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		r, err := tx.RFCByIssue(ctx, o.Ref)
		if err != nil || r.State != Voting {
			return err
		}
		v, err := LoadView(ctx, tx, r, s.now())
		if err != nil {
			return err
		}
		sticky, err := tx.WrittenComment(ctx, o.Ref, stickyKey)
		if err != nil {
			return err
		}
		next := nextEdit(sticky, v.Round.Number, v.Result.Deadline, s.now())
		if waits = next.After(s.now()); !waits {
			return nil
		}
		return orderSpaced(ctx, tx, r, next)
	})
	if err != nil && !app.Is(err, app.CodeNotFound) {
		return fmt.Errorf("spacing what is shown: %w", err)
	}
	if waits {
		return nil
	}
	return s.Publish(ctx, o.Ref)
}
