package store

import (
	"context"
	"fmt"

	"github.com/agora-rfc/agora/app/community"
)

// Roster is who had which permission when the repository was first set up in the
// community.
func (tx *Tx) Roster(ctx context.Context, account, repository int64) (community.Roster, error) {
	return one(tx.QueryRowContext(ctx, `SELECT community, repository, entered, body FROM rosters WHERE community = $1 AND repository = $2`, account, repository),
		func(r *community.Roster) []any { return []any{&r.Community, &r.Repository, &r.Entered} }, "roster of repository %d", repository)
}

// AddRoster keeps a repository's first roster, and no later one.
func (tx *Tx) AddRoster(ctx context.Context, roster community.Roster) error {
	return tx.save(ctx, "roster", `
		INSERT INTO rosters (community, repository, entered, body) VALUES ($1, $2, $3, $4)
		ON CONFLICT (community, repository) DO NOTHING`, roster, roster.Community, roster.Repository, roster.Entered)
}

// RosterEntered notes that the ledger has what the roster gives.
func (tx *Tx) RosterEntered(ctx context.Context, account, repository int64) error {
	_, err := tx.ExecContext(ctx, `UPDATE rosters SET entered = TRUE WHERE community = $1 AND repository = $2`, account, repository)
	if err != nil {
		return fmt.Errorf("noting that the roster of repository %d is entered: %w", repository, err)
	}
	return nil
}
