package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/command"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/rfc"
)

// text is a column of bytes as text.
func (d dialect) text(column string) string {
	if d == postgres {
		return `encode(` + column + `, 'escape')` // what is no UTF-8 too
	}
	return `CAST(` + column + ` AS TEXT)`
}

// Erase takes a person's name, by every login they had, and what they wrote, out of
// everything that is kept beside the member; numeric ids stay. Processed deliveries are
// emptied afterwards, by EraseDeliveries.
func (tx *Tx) Erase(ctx context.Context, account, member int64, logins ...string) error {
	for _, statement := range []string{
		`DELETE FROM audit_words WHERE account = $1 AND speaker = $2`,
		`UPDATE acts SET login = '', reason = '', url = '' WHERE voter = $2 AND rfc IN (SELECT id FROM rfcs WHERE community = $1)`,
		`UPDATE electorate SET login = '' WHERE voter = $2 AND rfc IN (SELECT id FROM rfcs WHERE community = $1)`,
		`UPDATE ledger SET note = '' WHERE community = $1 AND (member = $2 OR actor = $2)`,
		`UPDATE contributions SET url = '' WHERE community = $1 AND member = $2`,
	} {
		if _, err := tx.ExecContext(ctx, statement, account, member); err != nil {
			return fmt.Errorf("erasing member %d: %w", member, err)
		}
	}
	if err := tx.eraseNotifications(ctx, account, member); err != nil {
		return err
	}
	if err := tx.eraseSetAside(ctx, account, member, tx.now); err != nil {
		return err
	}
	logins = slices.DeleteFunc(slices.Clone(logins), func(login string) bool { return login == "" })
	if len(logins) == 0 {
		return nil
	}
	for _, login := range logins {
		if err := tx.eraseTitles(ctx, account, member, login); err != nil {
			return err
		}
		if err := tx.eraseReplies(ctx, account, member, login); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, `
		INSERT INTO erasures (community, member, login, left_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (community, member) DO UPDATE SET left_at = excluded.left_at,
			login = CASE WHEN erasures.login = excluded.login THEN excluded.login ELSE erasures.login || ' ' || excluded.login END`,
		account, member, key(strings.Join(logins, " ")), tx.now)
	if err != nil {
		return fmt.Errorf("noting that member %d is to be erased: %w", member, err)
	}
	return nil
}

// eraseSetAside drops the commands of a person that were set aside before they left,
// with the comments they stand in: of who left, nothing is carried out any more.
func (tx *Tx) eraseSetAside(ctx context.Context, account, member, leftAt int64) error {
	for _, in := range []struct {
		list string
		drop func(ctx context.Context, key string) error
	}{
		{`SELECT key, body FROM timers WHERE kind = $1`, tx.CancelTimer},
		{`SELECT CAST(id AS TEXT), body FROM deliveries WHERE kind = $1 AND state IN ('pending', 'running') AND state = 'pending'`, // as the index has it
			func(ctx context.Context, id string) error {
				_, err := tx.ExecContext(ctx, `DELETE FROM deliveries WHERE id = CAST($1 AS BIGINT) AND state = 'pending'`, id)
				return err
			}},
	} {
		keys, err := tx.setAside(ctx, in.list, account, member, leftAt)
		if err != nil {
			return fmt.Errorf("looking for commands of member %d: %w", member, err)
		}
		for _, key := range keys {
			if err := in.drop(ctx, key); err != nil {
				return fmt.Errorf("dropping commands of member %d: %w", member, err)
			}
		}
	}
	return nil
}

func (tx *Tx) setAside(ctx context.Context, query string, account, member, leftAt int64) (keys []string, err error) {
	rows, err := tx.QueryContext(ctx, query, rfc.CommentKind)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		var body packed
		if err := rows.Scan(&key, &body); err != nil {
			return nil, err
		}
		change, err := rfc.ReadCommentChange(body)
		if err == nil && change.Repo.Owner.ID == account && change.Comment.Author.ID == member && change.Comment.UpdatedAt.UnixMicro() <= leftAt {
			keys = append(keys, key)
		}
	}
	return keys, rows.Err()
}

// eraseReplies takes a login out of the replies to commands.
func (tx *Tx) eraseReplies(ctx context.Context, account, member int64, login string) error {
	runs, err := list(ctx, tx, func(r *command.Run) []any { return []any{&r.Repository, &r.CommentID} }, "replies", `
		SELECT repository, comment, body FROM command_runs
		WHERE repository IN (SELECT id FROM repositories WHERE account = $1)
		  AND lower(`+tx.store.dialect.text("body")+`) LIKE $2`, account, "%"+pattern(login)+"%")
	if err != nil {
		return err
	}
	for _, run := range runs {
		for i := range run.Lines {
			run.Lines[i].Say = community.Unname(run.Lines[i].Say, login, community.MemberSubject(member))
		}
		if err := tx.SaveCommandRun(ctx, run); err != nil {
			return err
		}
	}
	return nil
}

// pattern is a login as LIKE compares it. An underscore stands for any character
// there, which may find too much, and harms nothing.
func pattern(login string) string { return strings.NewReplacer("%", "", `\`, "").Replace(key(login)) }

// erasure is a person who left, as the deliveries may still name them.
type erasure struct {
	community, member int64
	logins            string // with a space in between
	leftAt            int64
	waiting           bool // for more that may name them
}

// eraseSpan is how many deliveries one transaction looks through.
const eraseSpan = 2000

// eraseFor is how long after a leave deliveries are emptied at once: what Agora then
// changes on GitHub comes back in events, which name the authors of issues. It is
// only so long that the login is still known.
const eraseFor = time.Hour

// EraseDeliveries empties the deliveries that name somebody who left, as soon as
// they are processed, for all who left in one pass. While somebody is to be erased, the
// next pass is ordered first: whatever becomes of this one, that comes.
func (s *Store) EraseDeliveries(ctx context.Context) error {
	var erasures []erasure
	var last int64
	err := s.InTx(ctx, func(ctx context.Context, tx *Tx) (err error) {
		if erasures, err = tx.erasures(ctx); err != nil || len(erasures) == 0 {
			return err
		}
		if err := tx.SetTimerEarlier(ctx, community.EraseKind, instant(tx.now).Add(eraseFor/6), community.EraseKind, community.EraseKind, nil); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(id), 0) FROM deliveries`).Scan(&last)
	})
	if err != nil {
		return fmt.Errorf("looking for who is to be erased: %w", err)
	}
	if len(erasures) == 0 {
		return nil
	}
	now := s.now()
	for i := range erasures {
		erasures[i].waiting = now < erasures[i].leftAt+eraseFor.Microseconds()
	}
	for after := int64(0); after < last; after += eraseSpan {
		var waiting []bool
		err := s.InTx(ctx, func(ctx context.Context, tx *Tx) (err error) {
			if waiting, err = tx.eraseSpan(ctx, erasures, after, after+eraseSpan); err != nil {
				return fmt.Errorf("erasing who left from deliveries: %w", err)
			}
			return nil
		})
		if err != nil {
			return err
		}
		for i := range erasures {
			erasures[i].waiting = erasures[i].waiting || waiting[i]
		}
	}
	if err := s.InTx(ctx, func(ctx context.Context, tx *Tx) error { return tx.endErasures(ctx, erasures) }); err != nil {
		return err
	}
	return s.truncateLog(ctx)
}

// endErasures forgets the erasures that are done. When all are, no pass follows.
func (tx *Tx) endErasures(ctx context.Context, erasures []erasure) error {
	waiting := false
	for _, e := range erasures {
		if err := tx.eraseSetAside(ctx, e.community, e.member, e.leftAt); err != nil {
			return err
		}
		if waiting = waiting || e.waiting; e.waiting {
			continue
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM erasures WHERE community = $1 AND member = $2 AND left_at = $3`, e.community, e.member, e.leftAt)
		if err != nil {
			return fmt.Errorf("ending the erasure of member %d: %w", e.member, err)
		}
	}
	if waiting {
		return nil
	}
	return tx.CancelTimer(ctx, community.EraseKind)
}

func (tx *Tx) erasures(ctx context.Context) (list []erasure, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT community, member, login, left_at FROM erasures ORDER BY community, member`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var e erasure
		if err := rows.Scan(&e.community, &e.member, &e.logins, &e.leftAt); err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, rows.Err()
}

// eraseSpan empties the deliveries with ids after one and up to another that name any of
// who left; it reports for whom some of them wait yet. What was parked is given up: it
// holds what must go.
func (tx *Tx) eraseSpan(ctx context.Context, erasures []erasure, after, last int64) (waiting []bool, err error) {
	found, waiting, err := tx.naming(ctx, erasures, after, last)
	if err != nil {
		return nil, err
	}
	for _, id := range found {
		for _, statement := range []string{
			`DELETE FROM deliveries WHERE id = $1 AND state = 'done' AND dedup_key IS NULL`,
			`UPDATE deliveries SET body = NULL, error = '', state = 'done', finished_at = COALESCE(finished_at, run_at)
			 WHERE id = $1 AND state IN ('done', 'parked')`,
		} {
			if _, err := tx.ExecContext(ctx, statement, id); err != nil {
				return nil, err
			}
		}
	}
	return waiting, nil
}

// naming finds the deliveries that name any of who left: those that are done with, and
// for whom there are others. They are looked through here because they are packed.
func (tx *Tx) naming(ctx context.Context, erasures []erasure, after, last int64) (found []int64, waiting []bool, err error) {
	waiting = make([]bool, len(erasures))
	rows, err := tx.QueryContext(ctx, `
		SELECT id, state IN ('done', 'parked'), created_at, body, error FROM deliveries
		WHERE id > $1 AND id <= $2 AND (body IS NOT NULL OR error <> '')`, after, last)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id, createdAt int64
		var over, named bool
		var body packed
		var failure string
		if err := rows.Scan(&id, &over, &createdAt, &body, &failure); err != nil {
			return nil, nil, err
		}
		text := bytes.ToLower(append(body, failure...))
		for i, e := range erasures {
			if e.namedIn(text) {
				named = true
				waiting[i] = waiting[i] || !over && createdAt <= e.leftAt
			}
		}
		if named && over {
			found = append(found, id)
		}
	}
	return found, waiting, rows.Err()
}

// namedIn tells whether a text in small letters names who left.
func (e erasure) namedIn(text []byte) bool {
	if bytes.Contains(text, fmt.Appendf(nil, `"id":%d,`, e.member)) {
		return true
	}
	return slices.ContainsFunc(strings.Fields(e.logins), func(login string) bool { return bytes.Contains(text, []byte(login)) })
}

// truncateLog takes what was erased out of SQLite's write-ahead log as well, once no
// reader needs it.
func (s *Store) truncateLog(ctx context.Context) error {
	if s.dialect != sqlite {
		return nil
	}
	var busy, frames, moved int
	if err := s.write.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &frames, &moved); err != nil {
		return fmt.Errorf("emptying the write-ahead log: %w", err)
	}
	if busy != 0 {
		return app.RetryAfter(errors.New("readers still use the write-ahead log"), time.Second)
	}
	return nil
}
