package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/community"
)

// key is a name as it is compared: GitHub does not regard case.
func key(name string) string { return clean(strings.ToLower(name)) }

// Installation is the App on an account.
func (tx *Tx) Installation(ctx context.Context, account int64) (app.Installation, error) {
	return one[app.Installation](tx.QueryRowContext(ctx,
		`SELECT body FROM installations WHERE account = $1`, account), nil, "installation on account %d", account)
}

// InstallationByLogin finds the account that bears the login now, as far as
// Agora heard.
func (tx *Tx) InstallationByLogin(ctx context.Context, login string) (app.Installation, error) {
	return one[app.Installation](tx.QueryRowContext(ctx, `
		SELECT body FROM installations WHERE login_key = $1
		ORDER BY updated_at DESC, account DESC LIMIT 1`, key(login)), nil, "installation on %s", login)
}

// Installations lists all, also suspended and removed ones.
func (tx *Tx) Installations(ctx context.Context) ([]app.Installation, error) {
	return list[app.Installation](ctx, tx, nil, "installations", `SELECT body FROM installations ORDER BY account`)
}

// SaveInstallation keeps how an account is reached. All replicas leave one alone
// that is suspended, and what waited for it goes on when it no longer is.
func (tx *Tx) SaveInstallation(ctx context.Context, installation app.Installation) error {
	if err := tx.standing(ctx, installation); err != nil {
		return err
	}
	return tx.save(ctx, "installation", `
		INSERT INTO installations (account, login_key, updated_at, body) VALUES ($1, $2, $3, $4)
		ON CONFLICT (account) DO UPDATE SET login_key = excluded.login_key,
			updated_at = excluded.updated_at, body = excluded.body`,
		installation, installation.Account.ID, key(installation.Account.Login), tx.now)
}

// Repository is found also when the App no longer reaches it; its Installation
// is 0 then.
func (tx *Tx) Repository(ctx context.Context, id int64) (app.Repository, error) {
	return tx.repository(tx.QueryRowContext(ctx,
		`SELECT installation, body FROM repositories WHERE id = $1`, id), "repository %d", id)
}

// RepositoryByName finds the repository that bears the name now, one that the
// App reaches before one that it does not.
func (tx *Tx) RepositoryByName(ctx context.Context, owner, name string) (app.Repository, error) {
	return tx.repository(tx.QueryRowContext(ctx, `
		SELECT installation, body FROM repositories WHERE owner_key = $1 AND name_key = $2
		ORDER BY CASE WHEN installation = 0 THEN 1 ELSE 0 END, updated_at DESC, id DESC LIMIT 1`,
		key(owner), key(name)), "repository %s/%s", owner, name)
}

// repository lets the column win over the body, which may remember an
// installation from before.
func (tx *Tx) repository(row *sql.Row, name string, args ...any) (app.Repository, error) {
	var installation int64
	r, err := one(row, func(*app.Repository) []any { return []any{&installation} }, name, args...)
	r.Installation = installation
	return r, err
}

// Repositories lists those of the account that the App reaches.
func (tx *Tx) Repositories(ctx context.Context, account int64) ([]app.Repository, error) {
	return list[app.Repository](ctx, tx, nil, "repositories",
		`SELECT body FROM repositories WHERE account = $1 AND installation <> 0 ORDER BY id`, account)
}

// SaveRepository keeps what GitHub said of a repository. What had to wait while it
// was archived, or out of the App's reach, goes on when it no longer is.
func (tx *Tx) SaveRepository(ctx context.Context, r app.Repository) error {
	if known, err := tx.Repository(ctx, r.ID); err == nil && (known.Archived && !r.Archived || known.Installation != r.Installation) {
		if err := tx.resume(ctx, r.ID); err != nil {
			return err
		}
	} else if err != nil && !app.Is(err, app.CodeNotFound) {
		return err
	}
	return tx.save(ctx, "repository", `
		INSERT INTO repositories (id, account, owner_key, name_key, private, installation, updated_at, body)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (id) DO UPDATE SET account = excluded.account, owner_key = excluded.owner_key,
			name_key = excluded.name_key, private = excluded.private, installation = excluded.installation,
			updated_at = excluded.updated_at, body = excluded.body`,
		r, r.ID, r.Owner.ID, key(r.Owner.Login), key(r.Name), r.Private, r.Installation, tx.now)
}

// RemoveRepository forgets that the App reaches it; what was decided there stays.
func (tx *Tx) RemoveRepository(ctx context.Context, id int64) error {
	if _, err := tx.ExecContext(ctx, `UPDATE repositories SET installation = 0 WHERE id = $1`, id); err != nil {
		return fmt.Errorf("removing the repository %d: %w", id, err)
	}
	return nil
}

// Policy is the last good policy of a repository.
func (tx *Tx) Policy(ctx context.Context, repository int64) (community.PolicyRecord, error) {
	return one(tx.QueryRowContext(ctx, `SELECT repository, body FROM policies WHERE repository = $1`, repository),
		func(p *community.PolicyRecord) []any { return []any{&p.Repository} }, "policy of repository %d", repository)
}

// FirstPolicy is the policy of the account's first repository that the App reaches
// and whose policy is known.
func (tx *Tx) FirstPolicy(ctx context.Context, account int64) (community.PolicyRecord, error) {
	for after := int64(0); ; { // nearly always the first one is
		p, err := one(tx.QueryRowContext(ctx, `
			SELECT p.repository, p.body FROM repositories r JOIN policies p ON p.repository = r.id
			WHERE r.account = $1 AND r.installation <> 0 AND r.id > $2 ORDER BY r.id LIMIT 1`, account, after),
			func(p *community.PolicyRecord) []any { return []any{&p.Repository} }, "policy of account %d", account)
		if err != nil || p.Known() {
			return p, err
		}
		after = p.Repository
	}
}

// SavePolicy keeps a repository's policy.
func (tx *Tx) SavePolicy(ctx context.Context, record community.PolicyRecord) error {
	return tx.save(ctx, "policy", `
		INSERT INTO policies (repository, body) VALUES ($1, $2)
		ON CONFLICT (repository) DO UPDATE SET body = excluded.body`, record, record.Repository)
}

func memberKeys(m *community.Member) []any { return []any{&m.Community, &m.ID, &m.Login} }

// Member is a person in a community, also one who left.
func (tx *Tx) Member(ctx context.Context, account, id int64) (community.Member, error) {
	return one(tx.QueryRowContext(ctx, `
		SELECT community, id, login, body FROM members WHERE community = $1 AND id = $2`+tx.forUpdate(),
		account, id), memberKeys, "member %d", id)
}

// MemberByLogin finds the member who bears the login now, as far as Agora heard.
func (tx *Tx) MemberByLogin(ctx context.Context, account int64, login string) (community.Member, error) {
	return one(tx.QueryRowContext(ctx, `
		SELECT community, id, login, body FROM members WHERE community = $1 AND login_key = $2 AND login_key <> ''
		ORDER BY updated_at DESC, id DESC LIMIT 1`+tx.forUpdate(), account, key(login)), memberKeys, "member %s", login)
}

// Members lists all, also those who left.
func (tx *Tx) Members(ctx context.Context, account int64) ([]community.Member, error) {
	return list(ctx, tx, memberKeys, "members",
		`SELECT community, id, login, body FROM members WHERE community = $1 ORDER BY id`, account)
}

// ActiveMembers lists those who are members now and known within a scope, from after
// one, by id.
func (tx *Tx) ActiveMembers(ctx context.Context, scope community.Scope, after int64, limit int) ([]community.Member, error) {
	return list(ctx, tx, memberKeys, "members", `
		SELECT community, id, login, body FROM members WHERE community = $1 AND active
		  AND (seen_in = 0 OR seen_in IN `+visible+`) AND id > $3 ORDER BY id `+atMost(limit), scope.Community, scope.Repository, after)
}

// ListedMembers lists whom a leaderboard may name within a scope.
func (tx *Tx) ListedMembers(ctx context.Context, scope community.Scope) ([]int64, error) {
	return tx.ids(ctx, "listed members", `
		SELECT id FROM members WHERE community = $1 AND listed AND (seen_in = 0 OR seen_in IN `+visible+`) ORDER BY id`,
		scope.Community, scope.Repository)
}

// SaveMember keeps a member whole; what the member no longer has is erased.
func (tx *Tx) SaveMember(ctx context.Context, m community.Member) error {
	return tx.save(ctx, "member", `
		INSERT INTO members (community, id, login, login_key, joined_at, left_at, updated_at, active, listed, seen_in, body)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (community, id) DO UPDATE SET login = excluded.login, login_key = excluded.login_key,
			joined_at = excluded.joined_at, left_at = excluded.left_at, updated_at = excluded.updated_at,
			active = excluded.active, listed = excluded.listed, seen_in = excluded.seen_in, body = excluded.body`,
		m, m.Community, m.ID, clean(m.Login), key(m.Login), micros(m.JoinedAt), micros(m.LeftAt), tx.now, m.Active(), m.Listed(), m.SeenIn)
}
