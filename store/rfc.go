package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/rfc"
)

const rfcColumns = `r.id, r.version, r.community, r.number, r.state, r.repository, r.issue, r.body`

func rfcKeys(r *rfc.RFC) []any {
	return []any{&r.ID, &r.Version, &r.Community, &r.Number, &r.State, &r.Ref.Repository, &r.Ref.Number}
}

// RFC finds an RFC by its id in the store.
func (tx *Tx) RFC(ctx context.Context, id int64) (*rfc.RFC, error) {
	return tx.loaded(one(tx.QueryRowContext(ctx,
		`SELECT `+rfcColumns+` FROM rfcs r WHERE r.id = $1`+tx.forUpdate(), id), rfcKeys, "RFC with id %d", id))
}

// RFCByIssue finds the RFC that an issue or pull request is.
func (tx *Tx) RFCByIssue(ctx context.Context, ref app.IssueRef) (*rfc.RFC, error) {
	return tx.loaded(one(tx.QueryRowContext(ctx,
		`SELECT `+rfcColumns+` FROM rfcs r WHERE r.repository = $1 AND r.issue = $2`+tx.forUpdate(),
		ref.Repository, ref.Number), rfcKeys, "RFC at issue %d of repository %d", ref.Number, ref.Repository))
}

// RFCByNumber finds RFC-n of a community.
func (tx *Tx) RFCByNumber(ctx context.Context, community int64, number int) (*rfc.RFC, error) {
	if number <= 0 {
		return nil, app.Errorf(app.CodeNotFound, "There is no RFC-%d.", number)
	}
	return tx.loaded(one(tx.QueryRowContext(ctx,
		`SELECT `+rfcColumns+` FROM rfcs r WHERE r.community = $1 AND r.number = $2 AND r.number > 0`+tx.forUpdate(),
		community, number), rfcKeys, "RFC-%d", number))
}

// loaded is an RFC that was read alone: in a transaction that may change it, its row is
// locked.
func (tx *Tx) loaded(r rfc.RFC, err error) (*rfc.RFC, error) {
	if err != nil {
		return nil, err
	}
	if tx.readOnly {
		return &r, nil
	}
	body, err := json.Marshal(&r)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", r.Name(), err)
	}
	tx.remember(rfcRow(&r, body))
	return &r, nil
}

// rfcRow is the row of an RFC, and what it says.
func rfcRow(r *rfc.RFC, body []byte) (row, says string) {
	return fmt.Sprintf("rfcs %d", r.ID),
		fmt.Sprintf("%d %d %d %s %d %d %s", r.Version, r.Community, r.Number, r.State, r.Ref.Repository, r.Ref.Number, body)
}

// RFCs lists by number, newest first; drafts without a number come first, on
// the first page.
func (tx *Tx) RFCs(ctx context.Context, filter rfc.Filter) ([]*rfc.RFC, error) {
	below := int64(math.MaxInt64)
	if filter.BeforeNumber > 0 {
		below = int64(filter.BeforeNumber)
	}
	// An empty text and a zero stand for "any".
	found, err := list(ctx, tx, rfcKeys, "RFCs", `
		SELECT `+rfcColumns+` FROM rfcs r LEFT JOIN repositories p ON p.id = r.repository
		WHERE (r.community = $1 OR CAST($1 AS BIGINT) = 0)
		  AND (r.state = $2 OR CAST($2 AS TEXT) = '')
		  AND (r.type = $3 OR CAST($3 AS TEXT) = '')
		  AND (NOT CAST($4 AS BOOLEAN) OR NOT p.private AND p.installation <> 0 OR r.repository = $5)
		  AND (r.repository = $8 OR CAST($8 AS BIGINT) = 0)
		  AND r.number < $6 AND (r.number > 0 OR CAST($7 AS BIGINT) = 0)
		ORDER BY CASE WHEN r.number = 0 THEN 0 ELSE 1 END, r.number DESC, r.id DESC `+atMost(filter.Limit),
		filter.Community, string(filter.State), filter.Type, filter.Public, filter.From, below, filter.BeforeNumber, filter.Repository)
	rfcs := make([]*rfc.RFC, len(found))
	for i := range found {
		rfcs[i] = &found[i]
	}
	return rfcs, err
}

// SaveRFC inserts when ID is 0 and sets it; else it updates the very Version
// that was loaded; without a change nothing is written and the Version stays. It answers app.CodeConflict when somebody else was faster,
// when another RFC stands at that issue, or has that number.
func (tx *Tx) SaveRFC(ctx context.Context, r *rfc.RFC) error {
	body, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("saving %s: %w", r.Name(), err)
	}
	if tx.unchanged(rfcRow(r, body)) {
		return nil
	}
	keys := []any{r.Community, r.Number, string(r.State), clean(string(r.Type)), r.Ref.Repository, r.Ref.Number, body,
		micros(r.NumberedAt), micros(r.RepliedAt)}
	id := r.ID
	if id == 0 {
		err = tx.QueryRowContext(ctx, `
			INSERT INTO rfcs (version, community, number, state, type, repository, issue, body, opened_at, replied_at)
			VALUES (1, $1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id`, keys...).Scan(&id)
	} else {
		err = tx.QueryRowContext(ctx, `
			UPDATE rfcs SET version = version + 1, community = $1, number = $2, state = $3, type = $4,
				repository = $5, issue = $6, body = $7, opened_at = $8, replied_at = $9
			WHERE id = $10 AND version = $11 RETURNING id`, append(keys, id, r.Version)...).Scan(&id)
	}
	if errors.Is(err, sql.ErrNoRows) || duplicates(err) {
		return &app.Error{Code: app.CodeConflict, Message: r.Name() + " was changed by somebody else meanwhile.", Err: err}
	}
	if err != nil {
		return fmt.Errorf("saving %s: %w", r.Name(), err)
	}
	r.ID = id
	r.Version++
	tx.remember(rfcRow(r, body))
	return nil
}

// NextNumber takes the community's next RFC number; each is given once.
func (tx *Tx) NextNumber(ctx context.Context, community int64) (int, error) {
	n, err := tx.next(ctx, community, "rfc")
	return int(n), err
}

// MoveIssue renames an issue everywhere after GitHub transferred it, or an RFC left it.
// Comments that Agora already wrote at the new place stay known.
func (tx *Tx) MoveIssue(ctx context.Context, from, to app.IssueRef) error {
	defer clear(tx.rows) // who read the RFC before has another one
	if from.Repository != to.Repository {
		if err := tx.moveTold(ctx, from, to); err != nil {
			return err
		}
	}
	for _, statement := range []string{
		`UPDATE rfcs SET repository = $3, issue = $4, version = version + 1 WHERE repository = $1 AND issue = $2`,
		`DELETE FROM written_comments WHERE repository = $1 AND issue = $2 AND key IN (
			SELECT key FROM written_comments WHERE repository = $3 AND issue = $4)`,
		`UPDATE written_comments SET repository = $3, issue = $4 WHERE repository = $1 AND issue = $2`,
	} {
		_, err := tx.ExecContext(ctx, statement, from.Repository, from.Number, to.Repository, to.Number)
		if duplicates(err) {
			return &app.Error{Code: app.CodeConflict, Message: "Another RFC stands where the issue was moved to.", Err: err}
		}
		if err != nil {
			return fmt.Errorf("moving an issue: %w", err)
		}
	}
	return nil
}

// moveTold moves what was told of an RFC, and what people did on it, to where it is now:
// who may not see it there sees nothing of it any more.
func (tx *Tx) moveTold(ctx context.Context, from, to app.IssueRef) error {
	r, err := tx.RFCByIssue(ctx, from)
	if app.Is(err, app.CodeNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, statement := range []string{
		`UPDATE notifications SET repository = $3 WHERE community = $1 AND repository = $2 AND
			(rfc = CAST($4 AS BIGINT) AND rfc > 0 OR url = $5 OR substr(url, 1, length(CAST($5 AS TEXT)) + 1) = CAST($5 AS TEXT) || '#')`,
		`UPDATE contributions SET repository = $3 WHERE community = $1 AND repository = $2 AND
			(source = 'rfc/' || CAST($4 AS TEXT) OR url = $5 OR substr(url, 1, length(CAST($5 AS TEXT)) + 1) = CAST($5 AS TEXT) || '#')`,
	} {
		id := any(r.Number)
		if strings.Contains(statement, "source") {
			id = strconv.FormatInt(r.ID, 10)
		}
		if _, err := tx.ExecContext(ctx, statement, r.Community, from.Repository, to.Repository, id, clean(r.URL)); err != nil {
			return fmt.Errorf("moving what was told of %s: %w", r.Name(), err)
		}
	}
	return tx.moveKept(ctx, r.Community, from.Repository, to.Repository)
}
