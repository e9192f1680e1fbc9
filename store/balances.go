package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/agora-rfc/agora/app/community"
)

// BalancesMade tells by which version the balances that are kept were made, "" when
// none are.
func (tx *Tx) BalancesMade(ctx context.Context, account int64) (version string, err error) {
	err = tx.QueryRowContext(ctx, `SELECT version FROM balances_made WHERE community = $1`, account).Scan(&version)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("asking for the version of balances: %w", err)
	}
	return version, nil
}

// LockBalances is BalancesMade; nobody else changes balances of the community until
// the transaction ends.
func (tx *Tx) LockBalances(ctx context.Context, account int64) (version string, err error) {
	err = tx.QueryRowContext(ctx, `
		INSERT INTO balances_made (community, version) VALUES ($1, '')
		ON CONFLICT (community) DO UPDATE SET version = balances_made.version RETURNING version`, account).Scan(&version)
	if err != nil {
		return "", fmt.Errorf("locking the balances: %w", err)
	}
	return version, nil
}

// atOnce bounds the members that one statement names.
const atOnce = 100

// Balances are those kept of some members, or of all when none is named.
func (tx *Tx) Balances(ctx context.Context, account int64, members ...int64) (map[int64]community.Balance, error) {
	if len(members) == 0 {
		return tx.balances(ctx, `SELECT member, from_at, days FROM balances WHERE community = $1`, account)
	}
	all := map[int64]community.Balance{}
	for some := range slices.Chunk(members, atOnce) {
		args := []any{account}
		for _, member := range some {
			args = append(args, member)
		}
		// By a join, because of IN PostgreSQL may read the whole community.
		found, err := tx.balances(ctx, `
			WITH named (member) AS (VALUES (CAST($2 AS BIGINT))`+placeholders(3, len(some)-1)+`)
			SELECT b.member, b.from_at, b.days FROM named n CROSS JOIN balances b WHERE b.community = $1 AND b.member = n.member`, args...)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, found)
	}
	return all, nil
}

// placeholders are n more rows of one, from a number on: , ($3), ($4).
func placeholders(from, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ", ($%d)", from+i)
	}
	return b.String()
}

func (tx *Tx) balances(ctx context.Context, query string, args ...any) (_ map[int64]community.Balance, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("reading balances: %w", err)
		}
	}()
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	balances := map[int64]community.Balance{}
	var member, from int64
	var encoded sql.RawBytes
	days := []community.DayBalance{} // of many, so that few pieces of memory are asked for
	for rows.Next() {
		if err := rows.Scan(&member, &from, &encoded); err != nil {
			return nil, err
		}
		if most := len(encoded) / leastDay; cap(days)-len(days) < most {
			days = make([]community.DayBalance, 0, max(most, 1024))
		}
		first := len(days)
		if days, err = readDays(days, encoded); err != nil {
			return nil, fmt.Errorf("of member %d: %w", member, err)
		}
		balances[member] = community.Balance{From: instant(from), Days: days[first:len(days):len(days)]}
	}
	return balances, rows.Err()
}

// SaveBalances keeps members' balances.
func (tx *Tx) SaveBalances(ctx context.Context, account int64, balances map[int64]community.Balance) error {
	members := slices.Sorted(maps.Keys(balances))
	for some := range slices.Chunk(members, atOnce) {
		var rows []string
		var args []any
		for _, member := range some {
			n := len(args)
			rows = append(rows, fmt.Sprintf(`($%d, $%d, $%d, $%d)`, n+1, n+2, n+3, n+4))
			args = append(args, account, member, balances[member].From.UnixMicro(), writeDays(balances[member].Days))
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO balances (community, member, from_at, days) VALUES `+strings.Join(rows, ", ")+`
			ON CONFLICT (community, member) DO UPDATE SET from_at = excluded.from_at, days = excluded.days`, args...)
		if err != nil {
			return fmt.Errorf("saving balances: %w", err)
		}
	}
	return nil
}

// ReplaceBalances keeps these and no others, as made by a version.
func (tx *Tx) ReplaceBalances(ctx context.Context, account int64, version string, balances map[int64]community.Balance) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM balances WHERE community = $1`, account); err != nil {
		return fmt.Errorf("replacing the balances: %w", err)
	}
	if err := tx.SaveBalances(ctx, account, balances); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `
		INSERT INTO balances_made (community, version) VALUES ($1, $2)
		ON CONFLICT (community) DO UPDATE SET version = excluded.version`, account, version)
	if err != nil {
		return fmt.Errorf("replacing the balances: %w", err)
	}
	return nil
}

// The bits that mark which sums of a day there are.
const (
	sumA = 1 << iota
	sumG
	sumS
	sumN
)

// leastDay is the length of the shortest day.
const leastDay = 3

// writeDays encodes days in about six bytes each: how many days after the one before,
// which sums there are, and these, as variable-length integers.
func writeDays(days []community.DayBalance) []byte {
	encoded := make([]byte, 0, 8*len(days))
	last := int64(0)
	for _, d := range days {
		encoded = binary.AppendVarint(encoded, d.Day-last)
		last = d.Day
		mask := len(encoded)
		encoded = append(encoded, 0)
		for i, units := range [...]int64{d.A, d.G, d.S, d.N} {
			if units != 0 {
				encoded[mask] |= 1 << i
				encoded = binary.AppendVarint(encoded, units)
			}
		}
	}
	return encoded
}

// readDays reads what writeDays wrote, and appends it.
func readDays(days []community.DayBalance, encoded []byte) ([]community.DayBalance, error) {
	broken := false
	next := func() int64 {
		n, size := binary.Varint(encoded)
		if size <= 0 {
			broken = true
			return 0
		}
		encoded = encoded[size:]
		return n
	}
	sum := func(mask, bit byte) int64 {
		if mask&bit == 0 {
			return 0
		}
		return next()
	}
	for day := int64(0); len(encoded) > 0; {
		day += next()
		if len(encoded) < leastDay-1 {
			broken = true
		}
		if broken {
			return nil, errors.New("its days cannot be read")
		}
		mask := encoded[0]
		encoded = encoded[1:]
		days = append(days, community.DayBalance{Day: day, A: sum(mask, sumA), G: sum(mask, sumG), S: sum(mask, sumS), N: sum(mask, sumN)})
	}
	if broken {
		return nil, errors.New("its days cannot be read")
	}
	return days, nil
}

// LedgerAround is what one member's standing rests on: the entries about them; of
// those who caused any of these, the entries that the member caused in return; and
// what voids these. Notes are left out.
func (tx *Tx) LedgerAround(ctx context.Context, account, member int64) (map[int64][]community.Entry, error) {
	own, err := tx.ledger(ctx, `WHERE community = $1 AND member = $2 ORDER BY id`, account, member)
	if err != nil {
		return nil, err
	}
	around := map[int64][]community.Entry{}
	others := map[int64]bool{}
	for i := range own {
		own[i].Note = ""
		if actor := own[i].Actor; actor != 0 && actor != member {
			others[actor] = true
		}
	}
	if len(own) > 0 {
		around[member] = own
	}
	if len(others) == 0 {
		return around, nil
	}
	const given = `actor = $2 AND member <> $2 AND member IN (SELECT actor FROM ledger WHERE community = $1 AND member = $2)`
	back, err := tx.ledger(ctx, `WHERE community = $1 AND `+given+` ORDER BY id`, account, member)
	if err != nil || len(back) == 0 {
		return around, err
	}
	voids, err := tx.ledger(ctx, `WHERE community = $1 AND voids <> 0 AND actor <> $2 AND member IN (
		SELECT member FROM ledger WHERE community = $1 AND `+given+`) ORDER BY id`, account, member)
	for _, e := range append(back, voids...) {
		e.Note = ""
		around[e.Member] = append(around[e.Member], e)
	}
	return around, err
}
