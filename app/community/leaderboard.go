package community

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
)

// LeaderboardOrder is what a leaderboard ranks members by.
type LeaderboardOrder string

// The orders of a leaderboard.
const (
	// ByPoints ranks by what counted in the window: A and S after the daily caps, less N,
	// not decayed; nobody earned genesis.
	ByPoints LeaderboardOrder = "points"
	// ByReputation ranks by R, whatever the window.
	ByReputation LeaderboardOrder = "reputation"
)

// The window of a leaderboard in UTC days, the present one among them.
const (
	LeaderboardDays    = 90
	LeaderboardMaxDays = 365
)

// Place is one member's place on a leaderboard.
type Place struct {
	// Rank is 1 for the first; equals share one, and the next is counted as if they did
	// not: 1, 2, 2, 4.
	Rank   int
	Member int64
	Login  string
	// Points is what they earned in the window, in ten-thousandths. On a leaderboard by
	// reputation it may be less than nothing.
	Points     int64
	Reputation int
}

// Leaderboard ranks the members who may be listed (Member.Listed) within a scope and have more than
// nothing of what is ranked by, the highest first and among equals the lower id. It
// returns places from after offset, all when limit is 0.
func (s *Service) Leaderboard(ctx context.Context, scope Scope, by LeaderboardOrder, days, limit, offset int) (places []Place, err error) {
	now := s.clock()
	err = s.store.View(ctx, func(ctx context.Context, tx Tx) error {
		places, err = leaderboard(ctx, tx, scope, now, by, days, limit, offset)
		return err
	})
	return places, err
}

// ranked is a member with what they are ranked by.
type ranked struct {
	member, value int64
	rank          int
}

func leaderboard(ctx context.Context, tx Tx, scope Scope, now time.Time, by LeaderboardOrder, days, limit, offset int) ([]Place, error) {
	account := scope.Community
	k, err := balancesOf(ctx, tx, account)
	if err != nil {
		return nil, err
	}
	if !k.current { // one replay of all is cheaper than one of each
		ledger, err := tx.LedgerOfAll(ctx, account)
		if err != nil {
			return nil, err
		}
		k.balances, k.current = Balances(ledger, k.rules), true
	}
	members, err := tx.ListedMembers(ctx, scope)
	if err != nil {
		return nil, err
	}
	board := make([]ranked, 0, len(members))
	for _, member := range members {
		balance, err := k.at(ctx, tx, account, member, now)
		if err != nil {
			return nil, err
		}
		r := ranked{member: member}
		if by == ByReputation {
			r.value = int64(balance.Standing(member, now, k.rules).Reputation)
		} else {
			r.value = balance.Earned(now, days)
		}
		if r.value > 0 {
			board = append(board, r)
		}
	}
	board = page(rank(board), limit, offset)
	places := make([]Place, len(board))
	for i, r := range board {
		m, err := tx.Member(ctx, account, r.member)
		if err != nil {
			return nil, err
		}
		balance, err := k.at(ctx, tx, account, r.member, now)
		if err != nil {
			return nil, err
		}
		places[i] = Place{Rank: r.rank, Member: m.ID, Login: m.Login, Points: balance.Earned(now, days),
			Reputation: balance.Standing(m.ID, now, k.rules).Reputation}
	}
	return places, nil
}

// rank sorts a board and gives the ranks.
func rank(board []ranked) []ranked {
	slices.SortFunc(board, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(b.value, a.value), cmp.Compare(a.member, b.member))
	})
	for i := range board {
		board[i].rank = i + 1
		if i > 0 && board[i].value == board[i-1].value {
			board[i].rank = board[i-1].rank
		}
	}
	return board
}

// FormatPoints writes ten-thousandths of a point as a decimal number: "61.5", "-3".
func FormatPoints(units int64) string {
	return strings.ReplaceAll(trimmed(units), "−", "-")
}

func page(board []ranked, limit, offset int) []ranked {
	board = board[min(max(offset, 0), len(board)):]
	if limit > 0 {
		board = board[:min(limit, len(board))]
	}
	return board
}
