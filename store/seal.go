package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/agora-rfc/agora/app/audit"
)

const (
	// sealBatch is how many entries one transaction seals: a few milliseconds in
	// which SQLite's one writer serves nobody else.
	sealBatch = 100
	// sealsAtOnce is how many one statement writes: fewer are more round trips to
	// PostgreSQL, and with more SQLite takes longer to bind them than to write them.
	sealsAtOnce = 25
)

// SealAudit gives every entry that is committed and has none its place in its
// community's chain, in batches of one transaction each, and returns how many. The
// order of the chain is the order of sealing: an entry with a smaller ID may become
// visible after one with a larger. It can be stopped at any moment and run again;
// when several run, each entry is sealed once.
func (s *Store) SealAudit(ctx context.Context) (sealed int, err error) {
	for {
		var batch int
		err := s.InTx(ctx, func(ctx context.Context, tx *Tx) (err error) {
			batch, err = tx.sealBatch(ctx)
			return err
		})
		if err != nil {
			return sealed, fmt.Errorf("sealing the audit trail: %w", err)
		}
		sealed += batch
		if batch < sealBatch {
			return sealed, nil
		}
	}
}

func (tx *Tx) sealBatch(ctx context.Context) (int, error) {
	entries, err := tx.entries(ctx, `WHERE seq IS NULL ORDER BY id `+atMost(sealBatch)+tx.forUpdate())
	if err != nil || len(entries) == 0 {
		return 0, err
	}
	communities := map[int64][]*audit.Entry{}
	for i := range entries {
		e := &entries[i]
		communities[e.Community] = append(communities[e.Community], e)
	}
	for _, community := range slices.Sorted(maps.Keys(communities)) { // locked in one order
		head, err := tx.auditHead(ctx, community, tx.forUpdate())
		if err != nil {
			return 0, err
		}
		for _, e := range communities[community] {
			head = head.Next(e.Hash)
			e.Seq, e.Chain = head.Seq, head.Hash
		}
		_, err = tx.ExecContext(ctx, `
			INSERT INTO audit_heads (community, seq, chain) VALUES ($1, $2, $3)
			ON CONFLICT (community) DO UPDATE SET seq = excluded.seq, chain = excluded.chain`,
			community, head.Seq, head.Hash)
		if err != nil {
			return 0, fmt.Errorf("moving the head of %d to %d: %w", community, head.Seq, err)
		}
	}
	for seals := range slices.Chunk(entries, sealsAtOnce) {
		if err := tx.saveSeals(ctx, seals); err != nil {
			return 0, err
		}
	}
	return len(entries), nil
}

// saveSeals writes the places of entries in one statement.
func (tx *Tx) saveSeals(ctx context.Context, entries []audit.Entry) error {
	rows := make([]string, len(entries))
	args := make([]any, 0, 4*len(entries))
	for i, e := range entries {
		rows[i] = fmt.Sprintf("(CAST($%d AS BIGINT), CAST($%d AS BIGINT), CAST($%d AS TEXT), CAST($%d AS TEXT))", 4*i+1, 4*i+2, 4*i+3, 4*i+4)
		args = append(args, e.ID, e.Seq, e.Hash, e.Chain)
	}
	result, err := tx.ExecContext(ctx, `
		UPDATE audit SET seq = v.column2, hash = v.column3, chain = v.column4
		FROM (VALUES `+strings.Join(rows, ", ")+`) AS v
		WHERE audit.id = v.column1 AND audit.seq IS NULL`, args...)
	if err != nil {
		return fmt.Errorf("saving %d seals: %w", len(entries), err)
	}
	n, err := result.RowsAffected()
	if err == nil && n != int64(len(entries)) {
		err = fmt.Errorf("%d of %d entries were there to be sealed", n, len(entries))
	}
	return err
}

// SealLag tells how many entries wait to be sealed, and for how long the oldest.
func (s *Store) SealLag(ctx context.Context) (unsealed int64, oldest time.Duration, err error) {
	err = s.View(ctx, func(ctx context.Context, tx *Tx) error {
		unsealed, oldest = 0, 0
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM audit WHERE seq IS NULL`).Scan(&unsealed); err != nil || unsealed == 0 {
			return err
		}
		entries, err := tx.entries(ctx, `WHERE seq IS NULL ORDER BY id LIMIT 1`)
		if err == nil {
			oldest = max(0, tx.Now().Sub(entries[0].At))
		}
		return err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("looking for what is not sealed: %w", err)
	}
	return unsealed, oldest, nil
}
