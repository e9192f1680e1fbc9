package community

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/config"
)

// balancesMethod is counted up when balances come to hold something else.
const balancesMethod = 1

// balancesVersion names the rules by which balances are made. Those of another
// version are never used, and made anew.
func balancesVersion(rules config.Reputation) string {
	encoded, err := json.Marshal(rules)
	if err != nil {
		panic(fmt.Sprintf("encoding rules: %v", err)) // nothing in them can fail to encode
	}
	sum := sha256.Sum256(encoded)
	return fmt.Sprintf("%d/%s", balancesMethod, hex.EncodeToString(sum[:])[:16])
}

// BalancesKind is the kind of the entry that makes balances anew where the rules have
// changed, and its lane.
const BalancesKind = "community.balances"

// OrderBalances orders that; it does nothing where they are right.
func OrderBalances(ctx context.Context, tx interface {
	Enqueue(ctx context.Context, lane, kind, coalesceKey string, body []byte) error
}) error {
	return tx.Enqueue(ctx, BalancesKind, BalancesKind, BalancesKind, nil)
}

// RemakeBalances makes the balances of every community anew whose rules are others
// than those they were made by. Until then, replays stand in for them.
func (s *Service) RemakeBalances(ctx context.Context) error {
	return s.eachCommunity(ctx, func(installation app.Installation) error {
		if err := s.remakeBalances(ctx, installation.Account.ID); err != nil {
			return fmt.Errorf("making the balances of %s anew: %w", installation.Account.Login, err)
		}
		return nil
	})
}

// eachCommunity does something for every community; where it fails, the others have
// theirs all the same.
func (s *Service) eachCommunity(ctx context.Context, do func(app.Installation) error) error {
	var installations []app.Installation
	err := s.store.View(ctx, func(ctx context.Context, tx Tx) (err error) {
		installations, err = tx.Installations(ctx)
		return err
	})
	if err != nil {
		return err
	}
	var failed []error
	for _, installation := range installations {
		failed = append(failed, do(installation))
	}
	return errors.Join(failed...)
}

func (s *Service) remakeBalances(ctx context.Context, account int64) error {
	return s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		rules, _, err := reputationRules(ctx, tx, account)
		if err != nil {
			return err
		}
		made, err := tx.LockBalances(ctx, account)
		if err != nil {
			return err
		}
		if version := balancesVersion(rules); made != version {
			return remakeBalances(ctx, tx, account, rules, version)
		}
		return nil
	})
}

// VerifyBalances compares the balances that are kept of a community with a replay of
// its whole ledger. It names the first member, by id, whose balance differs; "" is
// none. Balances of other rules are not in use, and not compared.
func VerifyBalances(ctx context.Context, tx Tx, community int64) (difference string, err error) {
	k, err := balancesOf(ctx, tx, community)
	if err != nil || !k.current {
		return "", err
	}
	ledger, err := tx.LedgerOfAll(ctx, community)
	if err != nil {
		return "", err
	}
	replayed := Balances(ledger, k.rules)
	members := slices.AppendSeq(slices.Collect(maps.Keys(replayed)), maps.Keys(k.balances))
	slices.Sort(members)
	for _, member := range members {
		if !slices.Equal(k.balances[member].Days, replayed[member].Days) {
			return fmt.Sprintf("that of member %d is not what the ledger says", member), nil
		}
	}
	return "", nil
}

// kept are a community's balances as far as they can be used, with its rules.
type kept struct {
	rules    config.Reputation
	current  bool // they were made by these rules
	balances map[int64]Balance
}

// balancesOf reads the balances of some members, or of all when none is named.
func balancesOf(ctx context.Context, tx Tx, community int64, members ...int64) (k kept, err error) {
	if k.rules, _, err = reputationRules(ctx, tx, community); err != nil {
		return k, err
	}
	made, err := tx.BalancesMade(ctx, community)
	if err != nil || made != balancesVersion(k.rules) {
		return k, err
	}
	k.current = true
	k.balances, err = tx.Balances(ctx, community, members...)
	return k, err
}

// at is a member's balance at an instant, from what is kept or, where that is of
// other rules or rests on later entries, from a replay. Both are the same to the bit.
func (k kept) at(ctx context.Context, tx Tx, community, member int64, now time.Time) (Balance, error) {
	if balance := k.balances[member]; k.current && !now.Before(balance.From) {
		return balance, nil
	}
	ledger, err := tx.LedgerAround(ctx, community, member)
	if err != nil {
		return Balance{}, err
	}
	return account(judge(ledger, now, k.rules.Signals)[member], k.rules, nil), nil
}

// standingOf replays what one member's standing rests on.
func standingOf(ctx context.Context, tx Tx, community, member int64, now time.Time, rules config.Reputation) (Standing, error) {
	ledger, err := tx.LedgerAround(ctx, community, member)
	if err != nil {
		return Standing{}, err
	}
	return account(judge(ledger, now, rules.Signals)[member], rules, nil).Standing(member, now, rules), nil
}

// Reputations are the R of members now (RULES §1), 0 for somebody without a ledger.
func (s *Service) Reputations(ctx context.Context, account int64, members ...int64) (map[int64]int, error) {
	reputations := make(map[int64]int, len(members))
	if len(members) == 0 {
		return reputations, nil
	}
	now := s.clock()
	err := s.store.View(ctx, func(ctx context.Context, tx Tx) error {
		k, err := balancesOf(ctx, tx, account, members...)
		if err != nil {
			return err
		}
		for _, member := range members {
			balance, err := k.at(ctx, tx, account, member, now)
			if err != nil {
				return err
			}
			reputations[member] = balance.Standing(member, now, k.rules).Reputation
		}
		return nil
	})
	return reputations, err
}
