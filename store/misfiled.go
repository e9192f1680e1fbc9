package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/agora-rfc/agora/app/rfc"
)

// roundColumns are what a round's row says of it beside the round itself: statistics
// and digests go by them.
type roundColumns struct {
	DecidedAt     int64 // microseconds; 0 while it is not
	Outcome       string
	Voters, Heads int
}

func columnsOf(r *rfc.Round) roundColumns {
	return roundColumns{DecidedAt: micros(r.Decided()), Outcome: string(r.Outcome), Voters: r.Voters, Heads: r.Heads}
}

// Misfiled calls differs for each RFC and round whose columns contradict what it says
// itself. Rounds from before the columns were there have nothing in them.
func (tx *Tx) Misfiled(ctx context.Context, differs func(what string)) error {
	if err := tx.misfiledRFCs(ctx, differs); err != nil {
		return fmt.Errorf("comparing the columns of RFCs: %w", err)
	}
	if err := tx.misfiledRounds(ctx, differs); err != nil {
		return fmt.Errorf("comparing the columns of rounds: %w", err)
	}
	return nil
}

func (tx *Tx) misfiledRFCs(ctx context.Context, differs func(string)) error {
	rows, err := tx.QueryContext(ctx, `SELECT r.type, r.opened_at, r.replied_at, `+rfcColumns+` FROM rfcs r ORDER BY r.id`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var kind string
		var opened, replied int64
		r, err := scan(rows, func(r *rfc.RFC) []any { return append([]any{&kind, &opened, &replied}, rfcKeys(r)...) })
		if err != nil {
			return err
		}
		if kind != clean(string(r.Type)) || opened != micros(r.NumberedAt) || replied != micros(r.RepliedAt) {
			differs(fmt.Sprintf("%s (%s): it is listed by another type or other instants than its own", r.Name(), r.URL))
		}
	}
	return rows.Err()
}

func (tx *Tx) misfiledRounds(ctx context.Context, differs func(string)) error {
	rows, err := tx.QueryContext(ctx, `
		SELECT o.number, o.decided_at, o.outcome, o.voters, o.heads, o.body, `+rfcColumns+`
		FROM rounds o JOIN rfcs r ON r.id = o.rfc ORDER BY r.id, o.number`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var number int
		var kept roundColumns
		var body []byte
		r, err := scan(rows, func(r *rfc.RFC) []any {
			return append([]any{&number, &kept.DecidedAt, &kept.Outcome, &kept.Voters, &kept.Heads, &body}, rfcKeys(r)...)
		})
		if err != nil {
			return err
		}
		var round rfc.Round
		if err := json.Unmarshal(body, &round); err != nil {
			return err
		}
		old := kept == roundColumns{} && round.Voters == 0
		if !old && kept != columnsOf(&round) {
			differs(fmt.Sprintf("%s (%s), round %d: statistics count another outcome, instant or number of voters than the round's own", r.Name(), r.URL, number))
		}
	}
	return rows.Err()
}
