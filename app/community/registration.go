package community

import (
	"context"
	"fmt"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/audit"
)

// MemberSubject is a member's name in the audit trail.
func MemberSubject(id int64) string { return fmt.Sprintf("member/%d", id) }

// Register makes the person a member inside a transaction, or notes that a member
// was active; in is the repository where they were seen. Bots and deleted accounts never register (RULES §1), and who left only by
// the command: an erasure is undone by nobody else. It reports whether the person is a
// member afterwards.
func Register(ctx context.Context, tx Tx, community, in int64, user app.User, by Join, at time.Time) (Member, bool, error) {
	if user.Gone() || user.Bot {
		return Member{}, false, nil
	}
	m, err := tx.Member(ctx, community, user.ID)
	if err != nil && !app.Is(err, app.CodeNotFound) {
		return m, false, err
	}
	if err == nil && m.Active() {
		return touch(ctx, tx, m, in, user, by, at)
	}
	if by != JoinedByCommand && !m.LeftAt.IsZero() {
		return m, false, nil // who left comes back only by asking
	}
	m.rename(user.Login)
	m.Community, m.ID, m.Name = community, user.ID, user.Name
	if !user.CreatedAt.IsZero() {
		m.AccountCreatedAt = user.CreatedAt
	}
	m.SeenIn = in
	m.JoinedAt, m.JoinedBy, m.LeftAt, m.LastActiveAt, m.Role = at, by, time.Time{}, at, "member"
	if err := tx.SaveMember(ctx, m); err != nil {
		return m, false, err
	}
	return m, true, tx.AppendAudit(ctx, audit.Entry{
		Community: community, Subject: MemberSubject(m.ID), At: at, Actor: m.ID, Kind: "joined", Reason: string(by),
	})
}

// touch keeps a member's login and activity current; joining by command makes a
// regular of somebody who was registered without asking.
func touch(ctx context.Context, tx Tx, m Member, in int64, user app.User, by Join, at time.Time) (Member, bool, error) {
	changed := m.Login != user.Login || at.Sub(m.LastActiveAt) > time.Hour
	m.rename(user.Login)
	if at.After(m.LastActiveAt) {
		m.LastActiveAt = at
	}
	if m.AccountCreatedAt.IsZero() && !user.CreatedAt.IsZero() {
		m.AccountCreatedAt, changed = user.CreatedAt, true
	}
	if by == JoinedByCommand && m.JoinedBy != JoinedByCommand {
		m.JoinedBy, changed = by, true
	}
	seen, err := seenIn(ctx, tx, m, in)
	if err != nil {
		return m, true, err
	}
	if !changed && seen == m.SeenIn {
		return m, true, nil
	}
	m.SeenIn = seen
	return m, true, tx.SaveMember(ctx, m)
}

// seenIn is the repository that a member is known from when they were seen in another:
// that one, when it is public and the one until now is not, or is another community's now.
func seenIn(ctx context.Context, tx Tx, m Member, in int64) (int64, error) {
	if m.SeenIn == 0 || m.SeenIn == in {
		return m.SeenIn, nil
	}
	for _, id := range []int64{m.SeenIn, in} {
		repo, err := tx.Repository(ctx, id)
		if err == nil && repo.Public() && repo.Owner.ID == m.Community {
			return id, nil
		}
		if err != nil && !app.Is(err, app.CodeNotFound) {
			return 0, err
		}
	}
	return m.SeenIn, nil
}

// KnownIn reports whether a member may be named within a scope.
func (m Member) KnownIn(ctx context.Context, tx Tx, scope Scope) (bool, error) {
	if m.SeenIn == 0 || m.SeenIn == scope.Repository {
		return true, nil
	}
	repo, err := tx.Repository(ctx, m.SeenIn)
	if app.Is(err, app.CodeNotFound) {
		return false, nil
	}
	return err == nil && repo.Public(), err
}

// EraseKind is the kind, and the lane, of the entry that empties the deliveries of all who
// left.
const EraseKind = "deliveries.erase"

// Leave erases a member's personal data, wherever it is kept, and keeps the ledger
// under the bare numeric id (RULES §1).
func (s *Service) Leave(ctx context.Context, tx Tx, m Member, at time.Time) error {
	erased := Member{Community: m.Community, ID: m.ID, JoinedAt: m.JoinedAt, JoinedBy: m.JoinedBy, LeftAt: at,
		Genesis: m.Genesis, Blocked: m.Blocked, HeldAt: m.HeldAt, Contributions: m.Contributions}
	if err := tx.SaveMember(ctx, erased); err != nil {
		return err
	}
	if err := tx.Erase(ctx, m.Community, m.ID, append([]string{m.Login}, m.FormerLogins...)...); err != nil {
		return err
	}
	if err := s.RFCs.Forget(ctx, m.Community, m.ID); err != nil {
		return err
	}
	// One pass looks for everybody who left.
	if err := tx.Enqueue(ctx, EraseKind, EraseKind, EraseKind, nil); err != nil {
		return err
	}
	return tx.AppendAudit(ctx, audit.Entry{Community: m.Community, Subject: MemberSubject(m.ID), At: at, Actor: m.ID, Kind: "left"})
}

// CompleteProfiles reads the GitHub profiles of members whose account's age is not
// known yet: without it they are not eligible. Those that cannot be read stay as
// they are; the error of the last one is returned.
func (s *Service) CompleteProfiles(ctx context.Context, repo app.Repository) error {
	var missing []Member
	err := s.store.View(ctx, func(ctx context.Context, tx Tx) error {
		members, err := tx.Members(ctx, repo.Owner.ID)
		for _, m := range members {
			if m.Active() && m.AccountCreatedAt.IsZero() {
				missing = append(missing, m)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	var unread error
	for _, m := range missing {
		user, err := s.repos(repo).User(ctx, m.Login)
		if app.Is(err, app.CodeNotFound) || err == nil && user.ID != m.ID {
			continue // deleted, or the login is somebody else's by now
		}
		if err != nil {
			unread = fmt.Errorf("reading the profile of %s: %w", m.Login, err)
			continue
		}
		err = s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
			fresh, err := tx.Member(ctx, m.Community, m.ID)
			if err != nil || !fresh.Active() {
				return err
			}
			fresh.AccountCreatedAt, fresh.Name = user.CreatedAt, user.Name
			return tx.SaveMember(ctx, fresh)
		})
		if err != nil {
			return err
		}
	}
	return unread
}
