package store

import (
	"context"
	"fmt"

	"github.com/agora-rfc/agora/app/community"
)

// AddContribution appends what a member did, once per community and Source, and
// reports whether it is new.
func (tx *Tx) AddContribution(ctx context.Context, account int64, c community.Contribution) (added bool, err error) {
	result, err := tx.ExecContext(ctx, `
		INSERT INTO contributions (community, member, kind, repository, counterpart, at, source, url)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (community, source) DO NOTHING`,
		account, c.Member, string(c.Kind), c.Repository, c.Counterpart, c.At.UnixMicro(), clean(c.Source), clean(c.URL))
	if err != nil {
		return false, fmt.Errorf("adding the contribution %s: %w", c.Source, err)
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// ContributionsOf lists the newest contributions of a member, newest first; all
// when limit is 0.
func (tx *Tx) ContributionsOf(ctx context.Context, account, member int64, limit int) ([]community.Contribution, error) {
	return tx.contributions(ctx, `WHERE community = $1 AND member = $2 ORDER BY at DESC, id DESC `+atMost(limit),
		account, member)
}

func (tx *Tx) contributions(ctx context.Context, where string, args ...any) (_ []community.Contribution, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("listing contributions: %w", err)
		}
	}()
	rows, err := tx.QueryContext(ctx, `
		SELECT member, kind, repository, counterpart, at, source, url FROM contributions `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []community.Contribution
	for rows.Next() {
		var c community.Contribution
		var at int64
		if err := rows.Scan(&c.Member, &c.Kind, &c.Repository, &c.Counterpart, &at, &c.Source, &c.URL); err != nil {
			return nil, err
		}
		c.At = instant(at)
		list = append(list, c)
	}
	return list, rows.Err()
}

// CountContributions counts what a member did in the repositories that a scope may see,
// by kind.
func (tx *Tx) CountContributions(ctx context.Context, scope community.Scope, member int64) (map[string]int, error) {
	return counts[string](ctx, tx, "counting what a member did", `
		SELECT kind, COUNT(*) FROM contributions
		WHERE community = $1 AND member = $3 AND repository IN `+visible+` GROUP BY kind`, scope.Community, scope.Repository, member)
}
