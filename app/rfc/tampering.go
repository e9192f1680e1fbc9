package rfc

import (
	"context"

	"github.com/agora-rfc/agora/app"
)

// CommentTampered puts right what somebody else did to a comment of ours: one that
// was edited says again what is true, one that was deleted is made anew.
func (s *Service) CommentTampered(ctx context.Context, ref app.IssueRef, comment int64) error {
	return s.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		r, err := tx.RFCByIssue(ctx, ref)
		if app.Is(err, app.CodeNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, key := range []string{stickyKey, ballotKey(r.Round)} {
			w, err := tx.WrittenComment(ctx, ref, key)
			if app.Is(err, app.CodeNotFound) || err == nil && w.CommentID != comment {
				continue
			}
			if err != nil {
				return err
			}
			w.Sent = "" // whatever stands there is not what was sent
			if err := tx.SaveWrittenComment(ctx, w); err != nil {
				return err
			}
			return tx.Enqueue(ctx, ref.EffectLane(), PublishKind, "publish", Order{Ref: ref}.body())
		}
		return nil
	})
}
