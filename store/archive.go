package store

import (
	"context"
	"fmt"

	"github.com/agora-rfc/agora/app/community"
)

// Policies lists the policies of a community's repositories by repository, from
// after one; all when limit is 0.
func (tx *Tx) Policies(ctx context.Context, account, after int64, limit int) ([]community.PolicyRecord, error) {
	return list(ctx, tx, func(p *community.PolicyRecord) []any { return []any{&p.Repository} }, "policies", `
		SELECT p.repository, p.body FROM policies p JOIN repositories r ON r.id = p.repository
		WHERE r.account = $1 AND p.repository > $2 ORDER BY p.repository `+atMost(limit), account, after)
}

// Communities lists the accounts that anything was recorded of.
func (tx *Tx) Communities(ctx context.Context) ([]int64, error) {
	return tx.ids(ctx, "communities", `
		SELECT community FROM audit UNION SELECT community FROM audit_heads UNION SELECT community FROM rfcs ORDER BY 1`)
}

// RFCIDs lists a community's RFCs by their ids.
func (tx *Tx) RFCIDs(ctx context.Context, community int64) ([]int64, error) {
	return tx.ids(ctx, "RFCs", `SELECT id FROM rfcs WHERE community = $1 ORDER BY id`, community)
}

func (tx *Tx) ids(ctx context.Context, name, query string, args ...any) (ids []int64, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("listing the %s: %w", name, err)
		}
	}()
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}
