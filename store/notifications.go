package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/notification"
)

// AddNotification appends what happened once per community and Source. It locks nothing
// that others wait for.
func (tx *Tx) AddNotification(ctx context.Context, n notification.Notification) error {
	participants := ""
	if len(n.For) > 0 {
		list, err := json.Marshal(n.For)
		if err != nil {
			return fmt.Errorf("entering the notification %s: %w", n.Source, err)
		}
		participants = string(list)
	}
	_, err := tx.ExecContext(ctx, `
		INSERT INTO notifications (community, type, broadcast, actor, repository, rfc, subject, title, text, url, at, source, participants, mailed)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0)
		ON CONFLICT (community, source) DO NOTHING`,
		n.Community, string(n.Type), n.Type.Broadcast(), n.Actor, n.Repository, n.RFC, clean(n.Subject), clean(n.Title),
		clean(n.Text), clean(n.URL), n.At.UnixMicro(), clean(n.Source), participants)
	if err != nil {
		return fmt.Errorf("entering the notification %s: %w", n.Source, err)
	}
	return nil
}

const notificationColumns = `community, COALESCE(position, 0), type, actor, repository, rfc, subject, title, text, url, at, source, participants, id`

// notificationRow is a notification with its key in the table.
type notificationRow struct {
	notification.Notification
	id int64
}

func (tx *Tx) notifications(ctx context.Context, where string, args ...any) (_ []notificationRow, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("listing notifications: %w", err)
		}
	}()
	rows, err := tx.QueryContext(ctx, `SELECT `+notificationColumns+` FROM notifications `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []notificationRow
	for rows.Next() {
		var n notificationRow
		var at int64
		var participants string
		if err := rows.Scan(&n.Community, &n.Position, &n.Type, &n.Actor, &n.Repository, &n.RFC, &n.Subject, &n.Title,
			&n.Text, &n.URL, &at, &n.Source, &participants, &n.id); err != nil {
			return nil, err
		}
		n.At = instant(at)
		if participants != "" {
			if err := json.Unmarshal([]byte(participants), &n.For); err != nil {
				return nil, err
			}
		}
		list = append(list, n)
	}
	return list, rows.Err()
}

// numbered is the purpose of the counter of a community's notifications.
const numbered = "notification"

// NumberNotifications gives up to limit new notifications the next places in their
// communities, in the order of their ids, and puts those for some into their inboxes.
func (tx *Tx) NumberNotifications(ctx context.Context, limit int) ([]notification.Notification, error) {
	fresh, err := tx.notifications(ctx, `WHERE position IS NULL ORDER BY id `+atMost(limit)+tx.forUpdate())
	if err != nil || len(fresh) == 0 {
		return nil, err
	}
	many := map[int64]int64{}
	for _, n := range fresh {
		many[n.Community]++
	}
	last := map[int64]int64{}
	for _, community := range slices.Sorted(maps.Keys(many)) { // locked in one order
		end, err := tx.advance(ctx, community, numbered, many[community])
		if err != nil {
			return nil, err
		}
		last[community] = end - many[community]
	}
	list := make([]notification.Notification, len(fresh))
	for i, n := range fresh {
		last[n.Community]++
		n.Position = last[n.Community]
		if _, err := tx.ExecContext(ctx, `UPDATE notifications SET position = $1, participants = '' WHERE id = $2`, n.Position, n.id); err != nil {
			return nil, fmt.Errorf("giving the notification %s its place: %w", n.Source, err)
		}
		if err := tx.addRecipients(ctx, n.Notification); err != nil {
			return nil, fmt.Errorf("putting the notification %s into inboxes: %w", n.Source, err)
		}
		list[i] = n.Notification
	}
	return list, nil
}

// advance takes the community's next n numbers of a purpose and returns the last.
func (tx *Tx) advance(ctx context.Context, community int64, purpose string, n int64) (last int64, err error) {
	err = tx.QueryRowContext(ctx, `
		INSERT INTO counters (community, purpose, value) VALUES ($1, $2, $3)
		ON CONFLICT (community, purpose) DO UPDATE SET value = counters.value + excluded.value
		RETURNING value`, community, purpose, n).Scan(&last)
	if err != nil {
		return 0, fmt.Errorf("taking the next %s numbers: %w", purpose, err)
	}
	return last, nil
}

// recipientsAtOnce is how many one statement writes.
const recipientsAtOnce = 500

// addRecipients puts a notification into the inboxes of those whom it is for and who are
// members. The repository is written for replicas of an older program, which read it here.
func (tx *Tx) addRecipients(ctx context.Context, n notification.Notification) error {
	for part := range slices.Chunk(n.For, recipientsAtOnce) {
		args := []any{n.Community, n.Position, n.At.UnixMicro(), n.Repository}
		var ids strings.Builder
		for i, id := range part {
			if i > 0 {
				ids.WriteString(", ")
			}
			args = append(args, id)
			fmt.Fprintf(&ids, "$%d", len(args))
		}
		_, err := tx.ExecContext(ctx, `
			INSERT INTO notification_recipients (community, member, position, at, repository)
			SELECT community, id, CAST($2 AS BIGINT), CAST($3 AS BIGINT), CAST($4 AS BIGINT) FROM members
			WHERE community = $1 AND login <> '' AND id IN (`+ids.String()+`)
			ON CONFLICT (community, member, position) DO NOTHING`, args...)
		if err != nil {
			return err
		}
	}
	return nil
}

// NotificationLag tells whether notifications wait for their places, and for how long the
// oldest.
func (s *Store) NotificationLag(ctx context.Context) (waiting bool, oldest time.Duration, err error) {
	var at int64
	err = s.read.QueryRowContext(ctx, `SELECT at FROM notifications WHERE position IS NULL ORDER BY id LIMIT 1`).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return false, 0, nil
	}
	if err != nil {
		return false, 0, fmt.Errorf("looking for notifications without a place: %w", err)
	}
	return true, max(0, s.clock().Sub(instant(at))), nil
}

// NotificationHead is the place of the community's newest notification, 0 for none.
func (tx *Tx) NotificationHead(ctx context.Context, account int64) (head int64, err error) {
	err = tx.QueryRowContext(ctx, `SELECT value FROM counters WHERE community = $1 AND purpose = $2`, account, numbered).Scan(&head)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("reading where the notifications end: %w", err)
	}
	return head, nil
}

// NotificationsAt finds notifications by their places, newest first.
func (tx *Tx) NotificationsAt(ctx context.Context, account int64, positions ...int64) ([]notification.Notification, error) {
	var list []notification.Notification
	for part := range slices.Chunk(positions, recipientsAtOnce) {
		args := []any{account}
		places := make([]string, len(part))
		for i, position := range part {
			args = append(args, position)
			places[i] = fmt.Sprintf("$%d", len(args))
		}
		found, err := tx.notifications(ctx, `WHERE community = $1 AND position IN (`+strings.Join(places, ", ")+`)`, args...)
		if err != nil {
			return nil, err
		}
		for _, n := range found {
			list = append(list, n.Notification)
		}
	}
	slices.SortFunc(list, func(a, b notification.Notification) int { return cmp.Compare(b.Position, a.Position) })
	return list, nil
}

// Received lists the newest notifications of a member after one place and up to another,
// newest first. Places and instants go up together but for what happened at the same
// time, so only the newest are looked at, however many there are from before they joined.
// Where a notification belongs is asked of itself alone: what is transferred moves there.
func (tx *Tx) Received(ctx context.Context, account, member int64, joined time.Time, after, upTo int64, limit int) ([]notification.Header, error) {
	return tx.headers(ctx, `
		SELECT position, repository FROM (
			SELECT position, repository, at FROM notifications
			WHERE broadcast AND community = $1 AND position > $3 AND position <= $4
			ORDER BY position DESC `+atMost(limit)+`) everybodys
		WHERE at >= $5
		UNION ALL
		SELECT n.position, n.repository FROM (
			SELECT position FROM notification_recipients
			WHERE community = $1 AND member = $2 AND position > $3 AND position <= $4
			ORDER BY position DESC `+atMost(limit)+`) theirs
		JOIN notifications n ON n.community = $1 AND n.position = theirs.position
		WHERE n.at >= $5
		ORDER BY position DESC `+atMost(limit),
		account, member, after, upTo, joined.UnixMicro())
}

// Person is a member as notifications reach them.
func (tx *Tx) Person(ctx context.Context, account, member int64) (notification.Person, error) {
	m, err := tx.Member(ctx, account, member)
	p := notification.Person{User: app.User{ID: m.ID, Login: m.Login, Name: m.Name}}
	if m.Active() {
		p.JoinedAt = m.JoinedAt
	}
	return p, err
}

// DropNotifications forgets what happened before an instant.
func (s *Store) DropNotifications(ctx context.Context, before time.Time) error {
	const batch = 1000 // so that no transaction holds up the others for long
	for _, statement := range []string{
		`DELETE FROM notification_recipients WHERE at < $1 AND (community, member, position) IN (
			SELECT community, member, position FROM notification_recipients WHERE at < $1 ORDER BY at ` + atMost(batch) + `)`,
		`DELETE FROM notifications WHERE position IS NOT NULL AND id IN (
			SELECT id FROM notifications WHERE at < $1 ORDER BY at ` + atMost(batch) + `)`,
	} {
		for dropped := int64(batch); dropped == batch; {
			err := s.InTx(ctx, func(ctx context.Context, tx *Tx) error {
				result, err := tx.ExecContext(ctx, statement, before.UnixMicro())
				if err == nil {
					dropped, err = result.RowsAffected()
				}
				return err
			})
			if err != nil {
				return fmt.Errorf("dropping old notifications: %w", err)
			}
		}
	}
	return nil
}

// eraseNotifications takes what is personal of a member out of notifications: how they
// want to be told, their inbox, and where they wrote.
func (tx *Tx) eraseNotifications(ctx context.Context, account, member int64) error {
	for _, statement := range []string{
		`DELETE FROM notification_settings WHERE community = $1 AND member = $2`,
		`DELETE FROM notifications_kept WHERE community = $1 AND member = $2`,
		`DELETE FROM notification_recipients WHERE community = $1 AND member = $2`,
		`UPDATE notifications SET url = '' WHERE community = $1 AND actor = $2 AND type = '` + string(notification.RFCComment) + `'`,
	} {
		if _, err := tx.ExecContext(ctx, statement, account, member); err != nil {
			return fmt.Errorf("erasing member %d from notifications: %w", member, err)
		}
	}
	return nil
}

// eraseTitles takes a login out of the titles of notifications.
func (tx *Tx) eraseTitles(ctx context.Context, account, member int64, login string) error {
	found, err := tx.notifications(ctx, `WHERE community = $1 AND lower(title) LIKE $2`, account, "%"+pattern(login)+"%")
	if err != nil {
		return err
	}
	for _, n := range found {
		title := community.Unname(n.Title, login, community.MemberSubject(member))
		if _, err := tx.ExecContext(ctx, `UPDATE notifications SET title = $2 WHERE id = $1`, n.id, title); err != nil {
			return fmt.Errorf("erasing member %d from notifications: %w", member, err)
		}
	}
	return nil
}
