package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/agora-rfc/agora/app/notification"
)

// Settings are how a member wants to be told; the zero value for one who never said so.
func (tx *Tx) Settings(ctx context.Context, account, member int64) (s notification.Settings, err error) {
	var digestAt sql.NullInt64
	err = tx.QueryRowContext(ctx, `
		SELECT mail, address, mail_position, digest_at FROM notification_settings
		WHERE community = $1 AND member = $2`+tx.forUpdate(), account, member).Scan(&s.Mail, &s.Address, &s.After, &digestAt)
	if errors.Is(err, sql.ErrNoRows) {
		return notification.Settings{}, nil
	}
	if err != nil {
		return s, fmt.Errorf("reading the settings of member %d: %w", member, err)
	}
	if digestAt.Valid {
		s.DigestAt = instant(digestAt.Int64)
	}
	return s, nil
}

// SaveSettings keeps how a member wants to be told, and leaves the mark in their inbox.
func (tx *Tx) SaveSettings(ctx context.Context, account, member int64, s notification.Settings) error {
	var digestAt sql.NullInt64
	if !s.DigestAt.IsZero() {
		digestAt = sql.NullInt64{Int64: s.DigestAt.UnixMicro(), Valid: true}
	}
	_, err := tx.ExecContext(ctx, `
		INSERT INTO notification_settings (community, member, mail, address, mail_position, digest_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (community, member) DO UPDATE SET mail = excluded.mail, address = excluded.address,
			mail_position = excluded.mail_position, digest_at = excluded.digest_at`,
		account, member, string(cmp.Or(s.Mail, notification.MailOff)), clean(s.Address), s.After, digestAt)
	if err != nil {
		return fmt.Errorf("saving the settings of member %d: %w", member, err)
	}
	return nil
}

// AnybodyMailed reports whether some member of the community wants letters one by one.
func (tx *Tx) AnybodyMailed(ctx context.Context, account int64) (mailed bool, err error) {
	err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM notification_settings WHERE mail = 'each' AND community = $1)`, account).Scan(&mailed)
	if err != nil {
		return false, fmt.Errorf("looking for who wants letters: %w", err)
	}
	return mailed, nil
}

// NextMailed lists up to limit members who are to have a letter about a notification and
// for whom none was ordered, in the order of their ids, and notes that one is.
func (tx *Tx) NextMailed(ctx context.Context, n notification.Notification, limit int) ([]int64, error) {
	var after int64
	err := tx.QueryRowContext(ctx, `SELECT mailed FROM notifications WHERE community = $1 AND position = $2`+tx.forUpdate(),
		n.Community, n.Position).Scan(&after)
	if err != nil {
		return nil, fmt.Errorf("reading for whom letters were ordered: %w", err)
	}
	members, err := tx.pairsOf(ctx, `
		SELECT s.community, s.member FROM notification_settings s
		WHERE s.mail = 'each' AND s.community = $1 AND s.mail_position < $2 AND s.member > $3
		  AND (CAST($4 AS BOOLEAN) OR EXISTS (SELECT 1 FROM notification_recipients r
			WHERE r.community = s.community AND r.member = s.member AND r.position = $2))
		ORDER BY s.member `+atMost(limit), n.Community, n.Position, after, n.Type.Broadcast())
	if err != nil || len(members) == 0 {
		return nil, err
	}
	list := make([]int64, len(members))
	for i, m := range members {
		list[i] = m[1]
	}
	_, err = tx.ExecContext(ctx, `UPDATE notifications SET mailed = $3 WHERE community = $1 AND position = $2`,
		n.Community, n.Position, list[len(list)-1])
	if err != nil {
		return nil, fmt.Errorf("noting for whom letters are ordered: %w", err)
	}
	return list, nil
}

// NextDigests lists up to limit members whose digest is due, and sets when their next
// one is.
func (tx *Tx) NextDigests(ctx context.Context, now, next time.Time, limit int) ([]notification.Order, error) {
	due, err := tx.pairsOf(ctx, `
		SELECT community, member FROM notification_settings
		WHERE mail = 'digest' AND digest_at <= $1 ORDER BY digest_at, community, member `+atMost(limit)+tx.forUpdate(), now.UnixMicro())
	if err != nil {
		return nil, err
	}
	orders := make([]notification.Order, len(due))
	for i, m := range due {
		orders[i] = notification.Order{Community: m[0], Member: m[1]}
		_, err := tx.ExecContext(ctx, `UPDATE notification_settings SET digest_at = $3 WHERE community = $1 AND member = $2`,
			m[0], m[1], next.UnixMicro())
		if err != nil {
			return nil, fmt.Errorf("setting the next digest of member %d: %w", m[1], err)
		}
	}
	return orders, nil
}

// pairsOf lists communities and members.
func (tx *Tx) pairsOf(ctx context.Context, query string, args ...any) (_ [][2]int64, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("listing who is to have a letter: %w", err)
		}
	}()
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list [][2]int64
	for rows.Next() {
		var pair [2]int64
		if err := rows.Scan(&pair[0], &pair[1]); err != nil {
			return nil, err
		}
		list = append(list, pair)
	}
	return list, rows.Err()
}

// MailedUpTo notes that no letter is due any more up to a place.
func (tx *Tx) MailedUpTo(ctx context.Context, account, member, position int64) error {
	_, err := tx.ExecContext(ctx, `
		UPDATE notification_settings SET mail_position = $3
		WHERE community = $1 AND member = $2 AND mail_position < $3`, account, member, position)
	if err != nil {
		return fmt.Errorf("noting what was sent to member %d: %w", member, err)
	}
	return nil
}

// ReadyLanes counts the lanes with a prefix that wait for a worker, as far as limit.
func (tx *Tx) ReadyLanes(ctx context.Context, prefix string, limit int) (ready int, err error) {
	err = tx.QueryRowContext(ctx, `
		SELECT COUNT(*) FROM (SELECT 1 FROM lanes
		WHERE lease_token IS NULL AND ready_at <= $1 AND key >= $2 AND key < $3 `+atMost(limit)+`) ready`,
		tx.now, prefix, after(prefix)).Scan(&ready)
	if err != nil {
		return 0, fmt.Errorf("counting the lanes of %s: %w", prefix, err)
	}
	return ready, nil
}

// after is the first text that is greater than every one with the prefix.
func after(prefix string) string {
	last := len(prefix) - 1
	return prefix[:last] + string(prefix[last]+1)
}
