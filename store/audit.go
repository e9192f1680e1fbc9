package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/agora-rfc/agora/app/audit"
)

// AppendAudit adds an entry to its community's trail when the transaction
// commits, and gives it its Seq and Hash then. A trail is appended to by one
// transaction at a time; doing it last keeps that time short, and the lock
// behind all others.
func (tx *Tx) AppendAudit(_ context.Context, entry audit.Entry) error {
	if tx.readOnly {
		return errors.New("appending to the audit trail inside a view")
	}
	tx.trail = append(tx.trail, entry)
	return nil
}

// appendTrail writes what AppendAudit gathered.
func (tx *Tx) appendTrail(ctx context.Context) error {
	for _, entry := range tx.trail {
		if err := tx.appendEntry(ctx, entry); err != nil {
			return fmt.Errorf("appending %s of %s to the audit trail: %w", entry.Kind, entry.Subject, err)
		}
	}
	tx.trail = nil
	return nil
}

func (tx *Tx) appendEntry(ctx context.Context, entry audit.Entry) error {
	var err error
	if entry.Seq, err = tx.next(ctx, entry.Community, "audit"); err != nil { // locks the trail
		return err
	}
	var before string
	err = tx.QueryRowContext(ctx, `SELECT chain FROM audit WHERE community = $1 AND seq = $2`,
		entry.Community, entry.Seq-1).Scan(&before)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	entry.At = entry.At.UTC().Truncate(time.Microsecond)
	entry.Hash = entry.Digest()
	body, err := json.Marshal(entry)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx,
		`INSERT INTO audit (community, seq, subject, chain, body) VALUES ($1, $2, $3, $4, $5)`,
		entry.Community, entry.Seq, clean(entry.Subject), link(before, entry.Hash), body)
	return err
}

// link makes the chain: it covers an entry and, through the link before it,
// every earlier one.
func link(before, hash string) string {
	sum := sha256.Sum256([]byte(before + "\n" + hash))
	return hex.EncodeToString(sum[:])
}

// Audit lists the trail of one subject, or of the whole community when subject
// is "", oldest first, from after a Seq; all of it when limit is 0.
func (tx *Tx) Audit(ctx context.Context, community int64, subject string, after int64, limit int) ([]audit.Entry, error) {
	if err := tx.appendTrail(ctx); err != nil { // what this transaction did belongs to it
		return nil, err
	}
	if subject == "" {
		return list[audit.Entry](ctx, tx, nil, "audit trail",
			`SELECT body FROM audit WHERE community = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
			community, after, bound(limit))
	}
	return list[audit.Entry](ctx, tx, nil, "audit trail",
		`SELECT body FROM audit WHERE community = $1 AND subject = $2 AND seq > $3 ORDER BY seq LIMIT $4`,
		community, clean(subject), after, bound(limit))
}

// RecentAudit lists the newest entries of one subject's trail, oldest first.
func (tx *Tx) RecentAudit(ctx context.Context, community int64, subject string, limit int) ([]audit.Entry, error) {
	if err := tx.appendTrail(ctx); err != nil {
		return nil, err
	}
	entries, err := list[audit.Entry](ctx, tx, nil, "audit trail",
		`SELECT body FROM audit WHERE community = $1 AND subject = $2 ORDER BY seq DESC LIMIT $3`,
		community, clean(subject), bound(limit))
	slices.Reverse(entries)
	return entries, err
}

// bound is a LIMIT: 0 stands for none.
func bound(limit int) int64 {
	if limit <= 0 {
		return math.MaxInt64
	}
	return int64(limit)
}

// next takes the community's next number of a purpose, from 1. The counter
// stays locked to the end of the transaction, so no number is lost or given twice.
func (tx *Tx) next(ctx context.Context, community int64, purpose string) (int64, error) {
	var n int64
	err := tx.QueryRowContext(ctx, `
		INSERT INTO counters (community, purpose, value) VALUES ($1, $2, 1)
		ON CONFLICT (community, purpose) DO UPDATE SET value = counters.value + 1
		RETURNING value`, community, purpose).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("taking the next %s number: %w", purpose, err)
	}
	return n, nil
}

// VerifyAudit reads every trail and recomputes it: each entry's own hash, its
// place, and the chain through all entries. It returns how many entries it read
// and one error for each trail that was changed after the fact, naming the
// first place.
func (s *Store) VerifyAudit(ctx context.Context) (entries int, broken []error, err error) {
	err = s.View(ctx, func(ctx context.Context, tx *Tx) error {
		entries, broken = 0, nil
		rows, err := tx.QueryContext(ctx, `SELECT community, seq, chain, body FROM audit ORDER BY community, seq`)
		if err != nil {
			return err
		}
		defer rows.Close()
		var community, expected int64 // of the row before
		var chain string
		bad := false
		for rows.Next() {
			var trail, seq int64
			var stored string
			var body []byte
			if err := rows.Scan(&trail, &seq, &stored, &body); err != nil {
				return err
			}
			entries++
			if trail != community {
				community, expected, chain, bad = trail, 0, "", false
			}
			expected++
			if bad {
				continue
			}
			if err := verifyEntry(trail, seq, expected, body); err != nil {
				broken, bad = append(broken, err), true
				continue
			}
			var entry audit.Entry
			_ = json.Unmarshal(body, &entry) // verified just now
			if chain = link(chain, entry.Hash); chain != stored {
				broken, bad = append(broken, fmt.Errorf("the audit trail of %d: the chain breaks at %d", trail, seq)), true
			}
		}
		return rows.Err()
	})
	if err != nil {
		return entries, nil, fmt.Errorf("reading the audit trails: %w", err)
	}
	return entries, broken, nil
}

func verifyEntry(community, seq, expected int64, body []byte) error {
	var entry audit.Entry
	if seq != expected {
		return fmt.Errorf("the audit trail of %d: entry %d is missing", community, expected)
	}
	if err := json.Unmarshal(body, &entry); err != nil {
		return fmt.Errorf("the audit trail of %d: entry %d cannot be read: %w", community, seq, err)
	}
	if entry.Community != community || entry.Seq != seq || entry.Hash != entry.Digest() {
		return fmt.Errorf("the audit trail of %d: entry %d was changed", community, seq)
	}
	return nil
}
