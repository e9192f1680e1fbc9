package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/agora-rfc/agora/app/community"
)

// AddEntry appends to the ledger once per community and Source, and reports
// whether the entry is new. The store gives it its ID.
func (tx *Tx) AddEntry(ctx context.Context, account int64, e community.Entry) (added bool, err error) {
	var id int64
	err = tx.QueryRowContext(ctx, `
		INSERT INTO ledger (community, member, actor, kind, points, factor, at, voids, source, note)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (community, source) DO NOTHING RETURNING id`,
		account, e.Member, e.Actor, string(e.Kind), e.Points, e.Factor, e.At.UnixMicro(), e.Voids,
		clean(e.Source), printable(e.Note)).Scan(&id)
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, sql.ErrNoRows):
		return false, nil
	}
	return false, fmt.Errorf("entering %s in the ledger: %w", e.Source, err)
}

// Ledger lists the entries about one member in the order in which they were
// entered.
func (tx *Tx) Ledger(ctx context.Context, account, member int64) ([]community.Entry, error) {
	return tx.ledger(ctx, `WHERE community = $1 AND member = $2 ORDER BY id`, account, member)
}

// LedgerOfAll is a community's whole ledger, grouped by member.
func (tx *Tx) LedgerOfAll(ctx context.Context, account int64) (map[int64][]community.Entry, error) {
	entries, err := tx.ledger(ctx, `WHERE community = $1 ORDER BY id`, account)
	if err != nil {
		return nil, err
	}
	ledger := map[int64][]community.Entry{}
	for _, e := range entries {
		ledger[e.Member] = append(ledger[e.Member], e)
	}
	return ledger, nil
}

func (tx *Tx) ledger(ctx context.Context, where string, args ...any) (_ []community.Entry, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("reading the ledger: %w", err)
		}
	}()
	rows, err := tx.QueryContext(ctx,
		`SELECT id, member, actor, kind, points, factor, at, voids, source, note FROM ledger `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var entries []community.Entry
	for rows.Next() {
		var e community.Entry
		var at int64
		if err := rows.Scan(&e.ID, &e.Member, &e.Actor, &e.Kind, &e.Points, &e.Factor, &at, &e.Voids,
			&e.Source, &e.Note); err != nil {
			return nil, err
		}
		e.At = instant(at)
		entries = append(entries, e)
	}
	return entries, rows.Err()
}

// EntryRepository is the repository that an entry comes from, by what its Source names:
// the repository itself, an RFC, or the comment of a command. It is 0 when none is known.
func (tx *Tx) EntryRepository(ctx context.Context, account int64, source string) (repository int64, err error) {
	const byRFC, byCommand, byContribution = `SELECT repository FROM rfcs WHERE community = $1 AND id = $2`,
		`SELECT repository FROM command_runs WHERE repository IN (SELECT id FROM repositories WHERE account = $1) AND comment = $2`,
		`SELECT repository FROM contributions WHERE community = $1 AND source = $2`
	parts := strings.Split(source, "/")
	number := func(i int) int64 {
		n, _ := strconv.ParseInt(parts[min(i, len(parts)-1)], 10, 64) // what is no number names nothing
		return n
	}
	query, id := byContribution, any(clean(source))
	switch parts[0] {
	case "genesis", "merged":
		return number(1), nil
	case "accepted", "rejected", "implemented", "vote", "concern":
		query, id = byRFC, number(1)
	case "endorsement", "penalty":
		query, id = byCommand, number(1)
	case "void":
		query, id = byCommand, number(2)
	}
	err = tx.QueryRowContext(ctx, query, account, id).Scan(&repository)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("looking where %s comes from: %w", source, err)
	}
	return repository, nil
}
