package store

import (
	"context"

	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/community/engagement"
)

// Digest is what is remembered of a monthly digest.
func (tx *Tx) Digest(ctx context.Context, account int64, target, month string) (community.DigestRecord, error) {
	return one(tx.QueryRowContext(ctx, `
		SELECT community, target, month, body FROM digests WHERE community = $1 AND target = $2 AND month = $3`,
		account, clean(target), month), func(r *community.DigestRecord) []any { return []any{&r.Community, &r.Target, &r.Month} },
		"digest of %s", month)
}

// SaveDigest keeps it.
func (tx *Tx) SaveDigest(ctx context.Context, r community.DigestRecord) error {
	return tx.save(ctx, "digest", `
		INSERT INTO digests (community, target, month, body) VALUES ($1, $2, $3, $4)
		ON CONFLICT (community, target, month) DO UPDATE SET body = excluded.body`,
		r, r.Community, clean(r.Target), r.Month)
}

// OpenedRFCs lists the RFCs first opened within a span, oldest first.
func (tx *Tx) OpenedRFCs(ctx context.Context, scope community.Scope, within engagement.Span) ([]community.DigestRFC, error) {
	return list(ctx, tx, func(r *community.DigestRFC) []any { return []any{&r.Number} }, "RFCs opened", `
		SELECT number, body FROM rfcs
		WHERE community = $1 AND opened_at >= $3 AND opened_at < $4 AND repository IN `+visible+` ORDER BY opened_at, id`,
		scope.Community, scope.Repository, micros(within.From), micros(within.To))
}

// DecidedRFCs lists the decisions by vote within a span, oldest first.
func (tx *Tx) DecidedRFCs(ctx context.Context, scope community.Scope, within engagement.Span) ([]community.DigestRFC, error) {
	return list(ctx, tx, func(r *community.DigestRFC) []any { return []any{&r.Number, &r.Outcome} }, "RFCs decided", `
		SELECT r.number, o.outcome, r.body FROM rfcs r JOIN rounds o ON o.rfc = r.id
		WHERE r.community = $1 AND o.decided_at >= $3 AND o.decided_at < $4 AND r.repository IN `+visible+` ORDER BY o.decided_at, r.id`,
		scope.Community, scope.Repository, micros(within.From), micros(within.To))
}
