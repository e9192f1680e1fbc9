package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/rfc"
)

func pullKeys(p *rfc.Pull) []any {
	return []any{&p.Ref.Repository, &p.Ref.Number, &p.Community, &p.HeadSHA, &p.Open}
}

// Pull is a pull request as the gate knows it.
func (tx *Tx) Pull(ctx context.Context, ref app.IssueRef) (rfc.Pull, error) {
	return one(tx.QueryRowContext(ctx, `
		SELECT repository, number, community, head_sha, open, body FROM pulls
		WHERE repository = $1 AND number = $2`+tx.forUpdate(), ref.Repository, ref.Number),
		pullKeys, "pull request %d in repository %d", ref.Number, ref.Repository)
}

// SavePull keeps a pull request and what it is bound to. What is older by
// GitHub's instant than what is known is ignored.
func (tx *Tx) SavePull(ctx context.Context, p rfc.Pull) error {
	body, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("saving a pull request: %w", err)
	}
	var updatedAt int64
	if !p.UpdatedAt.IsZero() {
		updatedAt = p.UpdatedAt.UnixMicro()
	}
	result, err := tx.ExecContext(ctx, `
		INSERT INTO pulls (repository, number, community, head_sha, open, updated_at, body)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (repository, number) DO UPDATE SET community = excluded.community, head_sha = excluded.head_sha,
			open = excluded.open, updated_at = excluded.updated_at, body = excluded.body
		WHERE excluded.updated_at = 0 OR excluded.updated_at >= pulls.updated_at`,
		p.Ref.Repository, p.Ref.Number, p.Community, clean(p.HeadSHA), p.Open, updatedAt, body)
	if err != nil {
		return fmt.Errorf("saving a pull request: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM pull_bindings WHERE repository = $1 AND number = $2`,
		p.Ref.Repository, p.Ref.Number); err != nil {
		return fmt.Errorf("unbinding a pull request: %w", err)
	}
	for _, number := range p.Bound {
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO pull_bindings (repository, number, community, rfc_number) VALUES ($1, $2, $3, $4)
			ON CONFLICT (repository, number, rfc_number) DO NOTHING`,
			p.Ref.Repository, p.Ref.Number, p.Community, number); err != nil {
			return fmt.Errorf("binding a pull request to RFC-%d: %w", number, err)
		}
	}
	return nil
}

// PullsAt lists the pull requests of the repository whose head is a commit.
func (tx *Tx) PullsAt(ctx context.Context, repository int64, sha string) ([]rfc.Pull, error) {
	return list(ctx, tx, pullKeys, "pull requests", `
		SELECT repository, number, community, head_sha, open, body FROM pulls
		WHERE repository = $1 AND head_sha = $2 ORDER BY number`, repository, clean(sha))
}

// PullsBoundTo lists the open pull requests of the community that ever named
// the RFC.
func (tx *Tx) PullsBoundTo(ctx context.Context, community int64, number int) ([]rfc.Pull, error) {
	return list(ctx, tx, pullKeys, "pull requests", `
		SELECT p.repository, p.number, p.community, p.head_sha, p.open, p.body
		FROM pull_bindings b JOIN pulls p ON p.repository = b.repository AND p.number = b.number
		WHERE b.community = $1 AND b.rfc_number = $2 AND p.open ORDER BY p.repository, p.number`, community, number)
}

func checkKeys(c *rfc.CheckRecord) []any { return []any{&c.Repository, &c.HeadSHA, &c.Name} }

// Check is a check run that Agora keeps on a commit.
func (tx *Tx) Check(ctx context.Context, repository int64, headSHA, name string) (rfc.CheckRecord, error) {
	return one(tx.QueryRowContext(ctx, `
		SELECT repository, head_sha, name, body FROM checks
		WHERE repository = $1 AND head_sha = $2 AND name = $3`+tx.forUpdate(), repository, clean(headSHA), clean(name)),
		checkKeys, "check %s on %s", name, headSHA)
}

// SaveCheck keeps a check run.
func (tx *Tx) SaveCheck(ctx context.Context, c rfc.CheckRecord) error {
	err := tx.save(ctx, "check", `
		INSERT INTO checks (repository, head_sha, name, body) VALUES ($1, $2, $3, $4)
		ON CONFLICT (repository, head_sha, name) DO UPDATE SET body = excluded.body`,
		c, c.Repository, clean(c.HeadSHA), clean(c.Name))
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx,
		`DELETE FROM merge_group_pulls WHERE repository = $1 AND head_sha = $2 AND name = $3`,
		c.Repository, clean(c.HeadSHA), clean(c.Name)); err != nil {
		return fmt.Errorf("saving the pull requests of a check: %w", err)
	}
	if !c.MergeGroup {
		return nil
	}
	for _, number := range c.Pulls {
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO merge_group_pulls (repository, head_sha, name, number) VALUES ($1, $2, $3, $4)
			ON CONFLICT (repository, number, head_sha, name) DO NOTHING`,
			c.Repository, clean(c.HeadSHA), clean(c.Name), number); err != nil {
			return fmt.Errorf("saving the pull requests of a check: %w", err)
		}
	}
	return nil
}

// MergeGroupsOf lists the checks of merge groups that hold the pull request.
func (tx *Tx) MergeGroupsOf(ctx context.Context, ref app.IssueRef) ([]rfc.CheckRecord, error) {
	return list(ctx, tx, checkKeys, "merge groups", `
		SELECT c.repository, c.head_sha, c.name, c.body FROM merge_group_pulls m
		JOIN checks c ON c.repository = m.repository AND c.head_sha = m.head_sha AND c.name = m.name
		WHERE m.repository = $1 AND m.number = $2 ORDER BY c.head_sha, c.name`, ref.Repository, ref.Number)
}

func writtenKeys(w *rfc.Written) []any { return []any{&w.Ref.Repository, &w.Ref.Number, &w.Key} }

// WrittenComment is one comment that Agora keeps on an issue.
func (tx *Tx) WrittenComment(ctx context.Context, ref app.IssueRef, key string) (rfc.Written, error) {
	return one(tx.QueryRowContext(ctx, `
		SELECT repository, issue, key, body FROM written_comments
		WHERE repository = $1 AND issue = $2 AND key = $3`+tx.forUpdate(), ref.Repository, ref.Number, clean(key)),
		writtenKeys, "comment %s on issue %d", key, ref.Number)
}

// SaveWrittenComment keeps what is known of a comment of ours.
func (tx *Tx) SaveWrittenComment(ctx context.Context, w rfc.Written) error {
	return tx.save(ctx, "comment", `
		INSERT INTO written_comments (repository, issue, key, body) VALUES ($1, $2, $3, $4)
		ON CONFLICT (repository, issue, key) DO UPDATE SET body = excluded.body`,
		w, w.Ref.Repository, w.Ref.Number, clean(w.Key))
}
