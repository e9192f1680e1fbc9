package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/community/engagement"
)

// visible are the repositories whose sums a scope may see: public and within the App's
// reach, or the one it is read from. What is not known is not visible.
const visible = `(SELECT id FROM repositories WHERE account = $1 AND (NOT private AND installation <> 0 OR id = $2))`

// Did sums up what a member did within a span by day, kind and counterpart.
func (tx *Tx) Did(ctx context.Context, scope community.Scope, member int64, within engagement.Span) (did []engagement.Did, err error) {
	err = tx.each(ctx, "summing up what a member did", func(row scanner) error {
		var d engagement.Did
		if err := row.Scan(&d.Day, &d.Kind, &d.Counterpart, &d.Count); err != nil {
			return err
		}
		did = append(did, d)
		return nil
	}, `SELECT at / 86400000000, kind, counterpart, COUNT(*) FROM contributions
		WHERE community = $1 AND member = $3 AND at >= $4 AND at < $5 AND repository IN `+visible+`
		GROUP BY at / 86400000000, kind, counterpart ORDER BY 1, 2, 3`,
		scope.Community, scope.Repository, member, micros(within.From), micros(within.To))
	return did, err
}

// Activities sums up, by member, what everybody did within a span.
func (tx *Tx) Activities(ctx context.Context, scope community.Scope, within, earlier engagement.Span) (found []engagement.Activity, err error) {
	err = tx.each(ctx, "summing up what members did", func(row scanner) error {
		var a engagement.Activity
		var last int64
		if err := row.Scan(&a.Member, &a.Contributions, &last, &a.Earlier); err != nil {
			return err
		}
		a.Last = instant(last)
		found = append(found, a)
		return nil
	}, `SELECT member, COUNT(*), MAX(at), SUM(CASE WHEN at >= $5 AND at < $6 THEN 1 ELSE 0 END)
		FROM contributions
		WHERE community = $1 AND at >= $3 AND at < $4 AND repository IN `+visible+` GROUP BY member`,
		scope.Community, scope.Repository, micros(within.From), micros(within.To), micros(earlier.From), micros(earlier.To))
	return found, err
}

// Activated counts who joined within a span and contributed at least so often before
// they had been members for a time.
func (tx *Tx) Activated(ctx context.Context, scope community.Scope, joined engagement.Span, within time.Duration, least int) (n int, err error) {
	err = tx.QueryRowContext(ctx, `
		SELECT COUNT(*) FROM members m WHERE m.community = $1 AND m.joined_at >= $3 AND m.joined_at < $4
		  AND (SELECT COUNT(*) FROM contributions c WHERE c.community = m.community AND c.member = m.id
			AND c.at >= $3 AND c.at < m.joined_at + $5 AND c.repository IN `+visible+`) >= $6`,
		scope.Community, scope.Repository, micros(joined.From), micros(joined.To), within.Microseconds(), least).Scan(&n)
	if err != nil {
		err = fmt.Errorf("counting newcomers who contributed: %w", err)
	}
	return n, err
}

// ContributionKinds counts the contributions within a span by kind.
func (tx *Tx) ContributionKinds(ctx context.Context, scope community.Scope, kinds []community.ContributionKind, within engagement.Span) (map[community.ContributionKind]int, error) {
	args := []any{scope.Community, scope.Repository, micros(within.From), micros(within.To)}
	rows := make([]string, len(kinds))
	for i, kind := range kinds {
		args = append(args, string(kind))
		rows[i] = fmt.Sprintf("(CAST($%d AS TEXT))", len(args))
	}
	// Each count is a stretch of an index: grouping all of them would sort them first.
	return counts[community.ContributionKind](ctx, tx, "counting contributions", `
		WITH kinds (kind) AS (VALUES `+strings.Join(rows, ", ")+`)
		SELECT k.kind, CAST(SUM((SELECT COUNT(*) FROM contributions c
			WHERE c.community = $1 AND c.repository = r.id AND c.kind = k.kind AND c.at >= $3 AND c.at < $4)) AS BIGINT)
		FROM repositories r CROSS JOIN kinds k WHERE r.id IN `+visible+` GROUP BY k.kind`, args...)
}

// MemberCounts counts the members there are, and how many joined within a span.
func (tx *Tx) MemberCounts(ctx context.Context, account int64, joined engagement.Span) (members, fresh int, err error) {
	err = tx.QueryRowContext(ctx, `
		SELECT COUNT(*), COALESCE(SUM(CASE WHEN joined_at >= $2 AND joined_at < $3 THEN 1 ELSE 0 END), 0)
		FROM members WHERE community = $1 AND joined_at > 0 AND left_at = 0`,
		account, micros(joined.From), micros(joined.To)).Scan(&members, &fresh)
	if err != nil {
		err = fmt.Errorf("counting the members: %w", err)
	}
	return members, fresh, err
}

// Joined counts who joined within a span, also who left since.
func (tx *Tx) Joined(ctx context.Context, account int64, joined engagement.Span) (n int, err error) {
	err = tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM members WHERE community = $1 AND joined_at >= $2 AND joined_at < $3`,
		account, micros(joined.From), micros(joined.To)).Scan(&n)
	if err != nil {
		err = fmt.Errorf("counting who joined: %w", err)
	}
	return n, err
}

// ActiveOf counts who joined within one span and contributed within another.
func (tx *Tx) ActiveOf(ctx context.Context, scope community.Scope, joined, active engagement.Span) (n int, err error) {
	err = tx.QueryRowContext(ctx, `
		SELECT COUNT(*) FROM members m WHERE m.community = $1 AND m.joined_at >= $3 AND m.joined_at < $4
		  AND EXISTS (SELECT 1 FROM contributions c WHERE c.community = m.community AND c.member = m.id
			AND c.at >= $5 AND c.at < $6 AND c.repository IN `+visible+`)`,
		scope.Community, scope.Repository, micros(joined.From), micros(joined.To), micros(active.From), micros(active.To)).Scan(&n)
	if err != nil {
		err = fmt.Errorf("counting who stayed: %w", err)
	}
	return n, err
}

// Threads lists when the RFCs opened within a span were opened and answered.
func (tx *Tx) Threads(ctx context.Context, scope community.Scope, opened engagement.Span) (threads []engagement.Thread, err error) {
	err = tx.each(ctx, "listing discussions", func(row scanner) error {
		var at, replied int64
		if err := row.Scan(&at, &replied); err != nil {
			return err
		}
		t := engagement.Thread{Opened: instant(at)}
		if replied > 0 {
			t.Replied = instant(replied)
		}
		threads = append(threads, t)
		return nil
	}, `SELECT opened_at, replied_at FROM rfcs
		WHERE community = $1 AND opened_at >= $3 AND opened_at < $4 AND repository IN `+visible+` ORDER BY opened_at, id`,
		scope.Community, scope.Repository, micros(opened.From), micros(opened.To))
	return threads, err
}

// Turnouts lists those of the rounds decided by a vote within a span.
func (tx *Tx) Turnouts(ctx context.Context, scope community.Scope, decided engagement.Span) (turnouts []engagement.Turnout, err error) {
	err = tx.each(ctx, "listing turnouts", func(row scanner) error {
		var t engagement.Turnout
		if err := row.Scan(&t.Voters, &t.Heads); err != nil {
			return err
		}
		turnouts = append(turnouts, t)
		return nil
	}, `SELECT o.voters, o.heads FROM rfcs r JOIN rounds o ON o.rfc = r.id
		WHERE r.community = $1 AND o.decided_at >= $3 AND o.decided_at < $4 AND r.repository IN `+visible+` ORDER BY o.decided_at, r.id`,
		scope.Community, scope.Repository, micros(decided.From), micros(decided.To))
	return turnouts, err
}

// RFCStates counts a community's RFCs by their state.
func (tx *Tx) RFCStates(ctx context.Context, scope community.Scope) (map[string]int, error) {
	return counts[string](ctx, tx, "counting RFCs", `
		SELECT state, COUNT(*) FROM rfcs WHERE community = $1 AND repository IN `+visible+` GROUP BY state`,
		scope.Community, scope.Repository)
}

// micros is an instant as it is stored; 0 for none.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

type scanner interface{ Scan(...any) error }

// each reads the rows of a query.
func (tx *Tx) each(ctx context.Context, doing string, read func(row scanner) error, query string, args ...any) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: %w", doing, err)
		}
	}()
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := read(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// counts reads a query that counts by a word.
func counts[K ~string](ctx context.Context, tx *Tx, doing, query string, args ...any) (map[K]int, error) {
	found := map[K]int{}
	err := tx.each(ctx, doing, func(row scanner) error {
		var key K
		var n int
		if err := row.Scan(&key, &n); err != nil {
			return err
		}
		if n > 0 {
			found[key] = n
		}
		return nil
	}, query, args...)
	return found, err
}
