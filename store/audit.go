package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agora-rfc/agora/app/audit"
)

// AppendAudit adds an entry to its community's trail. It waits for nobody: the
// entry's place in the chain is given by SealAudit, after the commit.
func (tx *Tx) AppendAudit(ctx context.Context, entry audit.Entry) error {
	entry.At = entry.At.UTC().Truncate(time.Microsecond)
	spoken := entry.Spoken(printable(entry.Words))
	entry = spoken
	entry.Seq, entry.Words, entry.Salt, entry.Hash, entry.Chain = 0, "", "", "", ""
	body, err := json.Marshal(entry)
	var id int64
	if err == nil {
		err = tx.QueryRowContext(ctx, `INSERT INTO audit (community, subject, hash, body) VALUES ($1, $2, $3, $4) RETURNING id`,
			entry.Community, clean(entry.Subject), entry.Digest(), body).Scan(&id)
	}
	if err == nil && spoken.Words != "" {
		_, err = tx.ExecContext(ctx, `INSERT INTO audit_words (entry, account, speaker, words) VALUES ($1, $2, $3, $4)`,
			id, entry.Community, entry.Actor, spoken.Salt+" "+spoken.Words)
	}
	if err != nil {
		return fmt.Errorf("appending %s of %s to the audit trail: %w", entry.Kind, entry.Subject, err)
	}
	return nil
}

// Audit lists the trail of one subject, oldest first, from after an ID; all of it
// when limit is 0.
func (tx *Tx) Audit(ctx context.Context, community int64, subject string, after int64, limit int) ([]audit.Entry, error) {
	return tx.entries(ctx, `WHERE community = $1 AND subject = $2 AND id > $3 ORDER BY id `+atMost(limit),
		community, clean(subject), after)
}

// RecentAudit lists the newest entries of one subject's trail, oldest first.
func (tx *Tx) RecentAudit(ctx context.Context, community int64, subject string, limit int) ([]audit.Entry, error) {
	entries, err := tx.entries(ctx, `WHERE community = $1 AND subject = $2 ORDER BY id DESC `+atMost(limit),
		community, clean(subject))
	slices.Reverse(entries)
	return entries, err
}

// SealedAudit lists a community's sealed entries in the order of the chain, from
// after a Seq; all when limit is 0.
func (tx *Tx) SealedAudit(ctx context.Context, community, after int64, limit int) ([]audit.Entry, error) {
	return tx.entries(ctx, `WHERE community = $1 AND seq > $2 ORDER BY seq `+atMost(limit), community, after)
}

// UnsealedAudit lists a community's entries that have no place in the chain yet,
// from after an ID; all when limit is 0.
func (tx *Tx) UnsealedAudit(ctx context.Context, community, after int64, limit int) ([]audit.Entry, error) {
	return tx.entries(ctx, `WHERE community = $1 AND seq IS NULL AND id > $2 ORDER BY id `+atMost(limit),
		community, after)
}

// AuditHead is the end of a community's chain; the zero Head when nothing is
// sealed yet.
func (tx *Tx) AuditHead(ctx context.Context, community int64) (audit.Head, error) {
	return tx.auditHead(ctx, community, ``)
}

func (tx *Tx) auditHead(ctx context.Context, community int64, lock string) (audit.Head, error) {
	var head audit.Head
	err := tx.QueryRowContext(ctx, `SELECT seq, chain FROM audit_heads WHERE community = $1`+lock, community).
		Scan(&head.Seq, &head.Hash)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return head, fmt.Errorf("reading the head of the audit trail of %d: %w", community, err)
	}
	return head, nil
}

// entries reads entries and what the columns say of their place.
func (tx *Tx) entries(ctx context.Context, where string, args ...any) (_ []audit.Entry, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("listing the audit trail: %w", err)
		}
	}()
	rows, err := tx.QueryContext(ctx, `
		SELECT id, community, hash, seq, chain, (SELECT words FROM audit_words WHERE entry = audit.id), body FROM audit `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var entries []audit.Entry
	for rows.Next() {
		var e audit.Entry
		var id, community int64
		var hash string
		var seq sql.NullInt64
		var chain, said sql.NullString
		var body []byte
		if err := rows.Scan(&id, &community, &hash, &seq, &chain, &said, &body); err != nil {
			return nil, err
		}
		// What cannot be read is not the entry that was written: its hash will tell.
		if err := json.Unmarshal(body, &e); err != nil {
			e = audit.Entry{Reason: "unreadable: " + err.Error()}
		}
		e.Salt, e.Words, _ = strings.Cut(said.String, " ")
		e.ID, e.Community, e.Seq, e.Hash, e.Chain = id, community, seq.Int64, hash, chain.String
		if hash == "" {
			e.Hash = e.Digest()
		}
		entries = append(entries, e)
	}
	return entries, rows.Err()
}

// atMost is a LIMIT; 0 stands for none. It is part of the text because SQLite reads a
// statement anew, each time it runs, when the limit is one of its parameters; and
// because a plan for any limit would rather sort everything.
func atMost(limit int) string {
	if limit <= 0 {
		return ""
	}
	return "LIMIT " + strconv.Itoa(limit)
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
