package community

import (
	"context"
	"fmt"

	"github.com/agora-rfc/agora/config"
)

// Ledger is what the community needs of a transaction to keep its ledger, and the
// members' balances beside it.
type Ledger interface {
	// AddEntry appends to the ledger once per (community, Source); it reports
	// whether the entry is new. The id is given by the store. Enter calls it, and
	// keeps the balances right.
	AddEntry(ctx context.Context, community int64, entry Entry) (added bool, err error)
	// Ledger lists the entries about one member.
	Ledger(ctx context.Context, community, member int64) ([]Entry, error)
	// LedgerAround is what one member's standing rests on, grouped by member: the
	// entries about them; of those who caused any of these, the entries that the member
	// caused in return; and what voids these. Notes are left out.
	LedgerAround(ctx context.Context, community, member int64) (map[int64][]Entry, error)
	// LedgerOfAll is a community's whole ledger, grouped by member.
	LedgerOfAll(ctx context.Context, community int64) (map[int64][]Entry, error)

	// BalancesMade tells by which version the balances that are kept were made, ""
	// when none are; LockBalances as well, and nobody else changes any until the
	// transaction ends.
	BalancesMade(ctx context.Context, community int64) (version string, err error)
	LockBalances(ctx context.Context, community int64) (version string, err error)
	// Balances are those kept of some members, or of all when none is named. Who is
	// not among them has no entries.
	Balances(ctx context.Context, community int64, members ...int64) (map[int64]Balance, error)
	SaveBalances(ctx context.Context, community int64, balances map[int64]Balance) error
	// ReplaceBalances keeps these and no others, as made by a version.
	ReplaceBalances(ctx context.Context, community int64, version string, balances map[int64]Balance) error
}

// Enter appends entries to a community's ledger, each once per Source, and keeps the
// balances of whom they concern. It returns how many are new. What it costs rests on
// the ledgers of these people alone, never on the whole.
func Enter(ctx context.Context, tx Tx, community int64, entries ...Entry) (added int, err error) {
	var fresh []Entry
	for _, e := range entries {
		isNew, err := tx.AddEntry(ctx, community, e)
		if err != nil {
			return 0, err
		}
		if isNew {
			fresh = append(fresh, e)
		}
	}
	if len(fresh) == 0 {
		return 0, nil
	}
	if err := keepBalances(ctx, tx, community, fresh); err != nil {
		return 0, fmt.Errorf("keeping the balances of community %d: %w", community, err)
	}
	return len(fresh), nil
}

// keepBalances brings the balances up to date with new entries. Entries of one
// community are balanced one transaction after another: of two that did so at once,
// neither would see the other's.
func keepBalances(ctx context.Context, tx Tx, community int64, fresh []Entry) error {
	rules, _, err := reputationRules(ctx, tx, community)
	if err != nil {
		return err
	}
	made, err := tx.LockBalances(ctx, community)
	if err != nil {
		return err
	}
	if version := balancesVersion(rules); made != version {
		return remakeBalances(ctx, tx, community, rules, version)
	}
	replay, err := toReplay(ctx, tx, community, fresh)
	if err != nil {
		return err
	}
	balances, err := addSimple(ctx, tx, community, rules, fresh, replay)
	if err != nil {
		return err
	}
	for member := range replay {
		ledger, err := tx.LedgerAround(ctx, community, member)
		if err != nil {
			return err
		}
		if len(ledger[member]) > 0 { // who only gave signals has no balance
			balances[member] = BalanceOf(member, ledger, rules)
		}
	}
	return tx.SaveBalances(ctx, community, balances)
}

// addSimple adds new entries to the balances of those whose entries need no replay.
func addSimple(ctx context.Context, tx Tx, community int64, rules config.Reputation, fresh []Entry, replay map[int64]bool) (map[int64]Balance, error) {
	var members []int64
	for _, e := range fresh {
		if !replay[e.Member] {
			members = append(members, e.Member)
		}
	}
	if len(members) == 0 {
		return map[int64]Balance{}, nil
	}
	balances, err := tx.Balances(ctx, community, members...)
	if err != nil {
		return nil, err
	}
	for _, e := range fresh {
		if !replay[e.Member] {
			balance := balances[e.Member]
			balance.enter(e, rules)
			balances[e.Member] = balance
		}
	}
	return balances, nil
}

// toReplay tells whose entries have to be counted again because of new ones.
func toReplay(ctx context.Context, tx Tx, community int64, fresh []Entry) (map[int64]bool, error) {
	replay := map[int64]bool{}
	for _, e := range fresh {
		if e.simple() {
			continue
		}
		var own []Entry
		if e.Voids != 0 {
			var err error
			if own, err = tx.Ledger(ctx, community, e.Member); err != nil {
				return nil, err
			}
		}
		for _, member := range concerns(e, own) {
			replay[member] = true
		}
	}
	return replay, nil
}

// remakeBalances makes all of a community's balances anew.
func remakeBalances(ctx context.Context, tx Tx, community int64, rules config.Reputation, version string) error {
	ledger, err := tx.LedgerOfAll(ctx, community)
	if err != nil {
		return err
	}
	return tx.ReplaceBalances(ctx, community, version, Balances(ledger, rules))
}
