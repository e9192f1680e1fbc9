package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/rfc"
)

func roundKeys(r *rfc.Round) []any { return []any{&r.RFC, &r.Number} }

// Round is one voting round of an RFC.
func (tx *Tx) Round(ctx context.Context, id int64, number int) (*rfc.Round, error) {
	round, err := one(tx.QueryRowContext(ctx,
		`SELECT rfc, number, body FROM rounds WHERE rfc = $1 AND number = $2`+tx.forUpdate(), id, number),
		roundKeys, "round %d", number)
	if err != nil {
		return nil, err
	}
	if tx.readOnly {
		return &round, nil
	}
	body, err := json.Marshal(&round)
	if err != nil {
		return nil, fmt.Errorf("reading round %d: %w", number, err)
	}
	tx.remember(roundRow(&round, body))
	return &round, nil
}

// roundRow is the row of a round, and what it says.
func roundRow(r *rfc.Round, body []byte) (row, says string) {
	return fmt.Sprintf("rounds %d %d", r.RFC, r.Number), string(body)
}

// Rounds lists an RFC's rounds, oldest first.
func (tx *Tx) Rounds(ctx context.Context, id int64) ([]*rfc.Round, error) {
	found, err := list(ctx, tx, roundKeys, "rounds",
		`SELECT rfc, number, body FROM rounds WHERE rfc = $1 ORDER BY number`, id)
	rounds := make([]*rfc.Round, len(found))
	for i := range found {
		rounds[i] = &found[i]
	}
	return rounds, err
}

// SaveRound keeps a round, if anything of it changed.
func (tx *Tx) SaveRound(ctx context.Context, round *rfc.Round) error {
	body, err := json.Marshal(round)
	if err != nil {
		return fmt.Errorf("saving the round: %w", err)
	}
	row, says := roundRow(round, body)
	if tx.unchanged(row, says) {
		return nil
	}
	columns := columnsOf(round)
	_, err = tx.ExecContext(ctx, `
		INSERT INTO rounds (rfc, number, decided_at, outcome, voters, heads, body) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (rfc, number) DO UPDATE SET decided_at = excluded.decided_at, outcome = excluded.outcome,
			voters = excluded.voters, heads = excluded.heads, body = excluded.body`,
		round.RFC, round.Number, columns.DecidedAt, columns.Outcome, columns.Voters, columns.Heads, body)
	if err != nil {
		return fmt.Errorf("saving the round: %w", err)
	}
	tx.remember(row, says)
	return nil
}

// Electorate lists who may vote in a round, by id.
func (tx *Tx) Electorate(ctx context.Context, id int64, round int) (_ []rfc.Voter, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("listing the electorate: %w", err)
		}
	}()
	rows, err := tx.QueryContext(ctx, `
		SELECT voter, login, reputation, weight, regular FROM electorate
		WHERE rfc = $1 AND round = $2 ORDER BY voter`, id, round)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var voters []rfc.Voter
	for rows.Next() {
		var v rfc.Voter
		var reputation integer
		if err := rows.Scan((*integer)(&v.ID), &v.Login, &reputation, (*integer)(&v.Weight), &v.Regular); err != nil {
			return nil, err
		}
		v.Reputation = int(reputation)
		voters = append(doubled(voters), v)
	}
	return voters, rows.Err()
}

// SaveElectorate freezes who may vote in a round, in place of what was saved
// for it before.
func (tx *Tx) SaveElectorate(ctx context.Context, id int64, round int, voters []rfc.Voter) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM electorate WHERE rfc = $1 AND round = $2`, id, round); err != nil {
		return fmt.Errorf("clearing the electorate: %w", err)
	}
	const columns, rowsAtOnce = 7, 200
	for chunk := range slices.Chunk(voters, rowsAtOnce) {
		rows := make([]string, len(chunk))
		args := make([]any, 0, columns*len(chunk))
		for i, v := range chunk {
			n := columns * i
			rows[i] = fmt.Sprintf("($%d, $%d, $%d, $%d, $%d, $%d, $%d)", n+1, n+2, n+3, n+4, n+5, n+6, n+7)
			args = append(args, id, round, v.ID, clean(v.Login), v.Reputation, v.Weight, v.Regular)
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO electorate (rfc, round, voter, login, reputation, weight, regular) VALUES `+
			strings.Join(rows, ", "), args...)
		if err != nil {
			return fmt.Errorf("saving the electorate: %w", err)
		}
	}
	return nil
}

// Acts lists a round's acts of voting in the order in which they were added.
func (tx *Tx) Acts(ctx context.Context, id int64, round int) (_ []rfc.Act, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("listing the acts of voting: %w", err)
		}
	}()
	rows, err := tx.QueryContext(ctx, `
		SELECT id, voter, login, choice, channel, source, at, seen, url, reason, concern
		FROM acts WHERE rfc = $1 AND round = $2 ORDER BY id`, id, round)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var acts []rfc.Act
	for rows.Next() {
		a := rfc.Act{RFC: id, Round: round}
		var choice, channel string
		var at, seen, concern integer
		if err := rows.Scan((*integer)(&a.ID), (*integer)(&a.Voter.ID), &a.Voter.Login, &choice, &channel,
			(*integer)(&a.Source), &at, &seen, &a.URL, &a.Reason, &concern); err != nil {
			return nil, err
		}
		a.Choice, a.Channel, a.Concern = rfc.Choice(choice), rfc.Channel(channel), int(concern)
		a.At, a.Seen = instant(int64(at)), instant(int64(seen))
		acts = append(doubled(acts), a)
	}
	return acts, rows.Err()
}

// AddAct appends an act once per RFC, round, channel, source, choice and
// instant, makes of it what will be read back, with its id, and reports whether it is
// new. Of the voter, the id and the login are kept.
func (tx *Tx) AddAct(ctx context.Context, act *rfc.Act) (added bool, err error) {
	kept := *act
	kept.Voter = app.User{ID: act.Voter.ID, Login: clean(act.Voter.Login)}
	kept.At, kept.Seen = instant(act.At.UnixMicro()), instant(act.Seen.UnixMicro())
	kept.URL, kept.Reason = clean(act.URL), printable(act.Reason)
	err = tx.QueryRowContext(ctx, `
		INSERT INTO acts (rfc, round, voter, login, choice, channel, source, at, seen, url, reason, concern)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		ON CONFLICT (rfc, round, channel, source, choice, at) DO NOTHING RETURNING id`,
		kept.RFC, kept.Round, kept.Voter.ID, kept.Voter.Login, string(kept.Choice), string(kept.Channel), kept.Source,
		kept.At.UnixMicro(), kept.Seen.UnixMicro(), kept.URL, kept.Reason, kept.Concern).Scan(&kept.ID)
	switch {
	case err == nil:
		*act = kept
		return true, nil
	case errors.Is(err, sql.ErrNoRows):
		return false, nil
	}
	return false, fmt.Errorf("adding an act of voting: %w", err)
}

// integer reads a column of which long lists have many: a plain int64 is filled by
// database/sql by reflection, and this takes what the driver read as it is.
type integer int64

// Scan takes what the driver read.
func (n *integer) Scan(read any) error {
	value, ok := read.(int64)
	if !ok {
		return fmt.Errorf("%T where an integer is stored", read)
	}
	*n = integer(value)
	return nil
}

// doubled is the list with room for one more at least: append by itself lets a long list
// grow by a quarter at a time, which copies it more often.
func doubled[T any](list []T) []T {
	if len(list) < cap(list) {
		return list
	}
	return slices.Grow(list, len(list)+1)
}
