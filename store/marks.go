package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/agora-rfc/agora/app/notification"
)

// Unread lists the newest notifications of a member after their mark, newest first, and
// those that were withheld when it was set, but for what is withheld now. That takes no
// room from what is shown, however much it is.
func (tx *Tx) Unread(ctx context.Context, account, member int64, joined time.Time, withheld notification.Secret, limit int) ([]notification.Header, error) {
	mark, err := tx.mark(ctx, account, member)
	if err != nil {
		return nil, err
	}
	var list []notification.Header
	for upTo, more := int64(1<<63-1), true; more && len(list) < limit; {
		page, err := tx.Received(ctx, account, member, joined, mark, upTo, limit)
		if err != nil {
			return nil, err
		}
		if more = len(page) == limit; more {
			upTo = page[limit-1].Position - 1
		}
		if page, err = leaveOut(ctx, page, withheld); err != nil {
			return nil, err
		}
		list = append(list, page...)
	}
	if len(list) < limit {
		kept, err := tx.kept(ctx, account, member, joined, mark, withheld, limit-len(list))
		if err != nil {
			return nil, err
		}
		list = append(list, kept...)
	}
	return list[:min(len(list), limit)], nil
}

// kept lists the newest of what was withheld up to the mark and is not any more.
func (tx *Tx) kept(ctx context.Context, account, member int64, joined time.Time, mark int64, withheld notification.Secret, limit int) ([]notification.Header, error) {
	starts, err := tx.headers(ctx, `SELECT position, repository FROM notifications_kept WHERE community = $1 AND member = $2`, account, member)
	if err != nil {
		return nil, err
	}
	if starts, err = leaveOut(ctx, starts, withheld); err != nil {
		return nil, err
	}
	var list []notification.Header
	for _, after := range starts {
		part, err := tx.headers(ctx, `
			SELECT position, repository FROM (
				SELECT position, repository FROM notifications
				WHERE broadcast AND community = $1 AND repository = $3 AND position > $4 AND position <= $5 AND at >= $6
				ORDER BY position DESC `+atMost(limit)+`) everybodys
			UNION ALL
			SELECT n.position, n.repository FROM notification_recipients r
			JOIN notifications n ON n.community = r.community AND n.position = r.position AND n.repository = $3
			WHERE r.community = $1 AND r.member = $2 AND r.position > $4 AND r.position <= $5 AND n.at >= $6
			ORDER BY position DESC `+atMost(limit), account, member, after.Repository, after.Position, mark, joined.UnixMicro())
		if err != nil {
			return nil, err
		}
		list = append(list, part...)
	}
	slices.SortFunc(list, func(a, b notification.Header) int { return cmp.Compare(b.Position, a.Position) })
	return list[:min(len(list), limit)], nil
}

// leaveOut takes what is withheld out of a list.
func leaveOut(ctx context.Context, list []notification.Header, withheld notification.Secret) (shown []notification.Header, err error) {
	for _, h := range list {
		secret, err := withheld(ctx, h.Repository)
		if err != nil {
			return nil, err
		}
		if !secret {
			shown = append(shown, h)
		}
	}
	return shown, nil
}

// mark is the place up to which a member has read.
func (tx *Tx) mark(ctx context.Context, account, member int64) (mark int64, err error) {
	err = tx.QueryRowContext(ctx,
		`SELECT read_position FROM notification_settings WHERE community = $1 AND member = $2`, account, member).Scan(&mark)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("reading the mark of member %d: %w", member, err)
	}
	return mark, nil
}

// MarkRead marks what has its place now as read, but for what is withheld. A mark never
// goes back.
func (tx *Tx) MarkRead(ctx context.Context, account, member int64, joined time.Time, withheld notification.Secret) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("marking the inbox of member %d: %w", member, err)
		}
	}()
	head, err := tx.NotificationHead(ctx, account)
	if err != nil {
		return err
	}
	mark, err := tx.mark(ctx, account, member)
	if err != nil || head < mark {
		return err
	}
	unread, err := tx.headers(ctx, `
		SELECT position, repository FROM notifications_kept WHERE community = $1 AND member = $2
		UNION ALL
		SELECT DISTINCT CAST($3 AS BIGINT), repository FROM notifications
		WHERE broadcast AND community = $1 AND position > $3 AND position <= $4 AND at >= $5
		UNION ALL
		SELECT DISTINCT CAST($3 AS BIGINT), n.repository FROM notification_recipients r
		JOIN notifications n ON n.community = r.community AND n.position = r.position
		WHERE r.community = $1 AND r.member = $2 AND r.position > $3 AND r.position <= $4 AND n.at >= $5`,
		account, member, mark, head, joined.UnixMicro())
	if err != nil {
		return err
	}
	for _, after := range unread {
		keep, err := withheld(ctx, after.Repository)
		if err != nil {
			return err
		}
		if !keep {
			_, err = tx.ExecContext(ctx, `DELETE FROM notifications_kept WHERE community = $1 AND member = $2 AND repository = $3`,
				account, member, after.Repository)
		} else {
			_, err = tx.ExecContext(ctx, `
				INSERT INTO notifications_kept (community, member, repository, position) VALUES ($1, $2, $3, $4)
				ON CONFLICT (community, member, repository) DO NOTHING`, account, member, after.Repository, after.Position)
		}
		if err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO notification_settings (community, member, read_position) VALUES ($1, $2, $3)
		ON CONFLICT (community, member) DO UPDATE SET read_position = excluded.read_position
		WHERE notification_settings.read_position < excluded.read_position`, account, member, head)
	return err
}

// moveKept keeps unread in one repository what may have come to it from another, where it
// was unread. Something read may so become unread, never the reverse.
func (tx *Tx) moveKept(ctx context.Context, account, from, to int64) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO notifications_kept (community, member, repository, position)
		SELECT community, member, CAST($3 AS BIGINT), position FROM notifications_kept WHERE community = $1 AND repository = $2
		ON CONFLICT (community, member, repository) DO UPDATE SET position = excluded.position
		WHERE excluded.position < notifications_kept.position`, account, from, to)
	if err != nil {
		return fmt.Errorf("keeping unread what moves to repository %d: %w", to, err)
	}
	return nil
}

// headers reads places and repositories.
func (tx *Tx) headers(ctx context.Context, query string, args ...any) ([]notification.Header, error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("reading an inbox: %w", err)
	}
	defer rows.Close()
	var list []notification.Header
	for rows.Next() {
		var h notification.Header
		if err := rows.Scan(&h.Position, &h.Repository); err != nil {
			return nil, fmt.Errorf("reading an inbox: %w", err)
		}
		list = append(list, h)
	}
	return list, rows.Err()
}
