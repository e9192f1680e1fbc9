package web

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/app/rfc"
)

type listRFCsInput struct {
	AccountPath
	State string `query:"state" enum:"draft,open,voting,accepted,rejected,postponed,changes-requested,withdrawn,superseded,implemented"`
	Type  string `query:"type" maxLength:"50" doc:"As in type, or with hyphens as in the label"`
	Paging
}

type rfcOutput struct{ Body rfcShape }

func (s *server) listRFCs(ctx context.Context, in *listRFCsInput) (*page[rfcShape], error) {
	kind, err := typeOf(in.Type)
	if err != nil {
		return nil, app.Errorf(app.CodeInvalid, "There is no such type of RFC.")
	}
	before, err := number(in.Cursor)
	if err != nil {
		return nil, err
	}
	if before == 0 {
		before = math.MaxInt // a draft that never opened has no number, and no page
	}
	return view(ctx, s, func(ctx context.Context, tx rfc.Tx) (*page[rfcShape], error) {
		account, err := community(ctx, tx, in.Account)
		if err != nil {
			return nil, err
		}
		filter := rfc.Filter{Community: account.ID, State: rfc.State(in.State), Type: string(kind), Public: true, BeforeNumber: before, Limit: in.Limit + 1}
		found, err := tx.RFCs(ctx, filter)
		if err != nil {
			return nil, fmt.Errorf("listing RFCs: %w", err)
		}
		next := ""
		if len(found) > in.Limit {
			found = found[:in.Limit]
			next = strconv.Itoa(found[in.Limit-1].Number)
		}
		items := make([]rfcShape, 0, len(found))
		for _, r := range found {
			v, err := s.summary(ctx, tx, r)
			if err != nil {
				return nil, err
			}
			if public(v.Repository) {
				items = append(items, s.shapeRFC(v))
			}
		}
		query := url.Values{"limit": {strconv.Itoa(in.Limit)}}
		setUnlessEmpty(query, "state", in.State)
		setUnlessEmpty(query, "type", in.Type)
		return pageOf(s, items, next, communityPath(in.Account)+"/rfcs", query), nil
	})
}

func (s *server) getRFC(ctx context.Context, in *RFCPath) (*rfcOutput, error) {
	return view(ctx, s, func(ctx context.Context, tx rfc.Tx) (*rfcOutput, error) {
		r, err := numbered(ctx, tx, in.Account, in.Number)
		if err != nil {
			return nil, err
		}
		v, err := s.summary(ctx, tx, r)
		return &rfcOutput{Body: s.shapeRFC(v)}, err
	})
}

type rfcListInput struct {
	RFCPath
	Paging
}

// listBallots pages through all rounds. A cursor is the round and the id of the
// last ballot shown; acts are append-only, so it is found again.
func (s *server) listBallots(ctx context.Context, in *rfcListInput) (*page[ballotShape], error) {
	fromRound, after, err := ballotCursor(in.Cursor)
	if err != nil {
		return nil, err
	}
	return view(ctx, s, func(ctx context.Context, tx rfc.Tx) (*page[ballotShape], error) {
		r, err := numbered(ctx, tx, in.Account, in.Number)
		if err != nil {
			return nil, err
		}
		rounds, err := tx.Rounds(ctx, r.ID)
		if err != nil {
			return nil, fmt.Errorf("reading the rounds of %s: %w", r.Name(), err)
		}
		var items []ballotShape
		var last rfc.Ballot
		next := ""
		for _, round := range rounds {
			if round.Number < fromRound || next != "" {
				continue
			}
			result, err := s.recount(ctx, tx, r, round)
			if err != nil {
				return nil, err
			}
			if round.BallotURL, err = rfc.BallotURL(ctx, tx, r, round.Number); err != nil {
				return nil, err
			}
			ballots := result.Ballots
			if round.Number == fromRound && after > 0 {
				at := slices.IndexFunc(ballots, func(b rfc.Ballot) bool { return b.ID == after })
				if at < 0 {
					return nil, badCursor()
				}
				ballots = ballots[at+1:]
			}
			for _, b := range ballots {
				if len(items) == in.Limit {
					next = fmt.Sprintf("%d.%d", last.Round, last.ID)
					break
				}
				items, last = append(items, shapeBallot(b, round)), b
			}
		}
		return pageOf(s, items, next, rfcPathOf(in.RFCPath)+"/ballots", url.Values{"limit": {strconv.Itoa(in.Limit)}}), nil
	})
}

func ballotCursor(cursor string) (round int, after int64, err error) {
	if cursor == "" {
		return 0, 0, nil
	}
	first, second, ok := strings.Cut(cursor, ".")
	round, err1 := strconv.Atoi(first)
	after, err2 := strconv.ParseInt(second, 10, 64)
	if !ok || err1 != nil || err2 != nil || round < 1 || after < 1 {
		return 0, 0, badCursor()
	}
	return round, after, nil
}

func (s *server) listAudit(ctx context.Context, in *rfcListInput) (*page[auditShape], error) {
	after, err := number(in.Cursor)
	if err != nil {
		return nil, err
	}
	return view(ctx, s, func(ctx context.Context, tx rfc.Tx) (*page[auditShape], error) {
		r, err := numbered(ctx, tx, in.Account, in.Number)
		if err != nil {
			return nil, err
		}
		entries, err := tx.Audit(ctx, r.Community, r.Subject(), int64(after), in.Limit+1)
		if err != nil {
			return nil, fmt.Errorf("reading the audit trail of %s: %w", r.Name(), err)
		}
		next := ""
		if len(entries) > in.Limit {
			entries = entries[:in.Limit]
			next = strconv.FormatInt(entries[in.Limit-1].ID, 10)
		}
		names, err := logins(ctx, tx, r.Community, actors(entries))
		if err != nil {
			return nil, err
		}
		items := make([]auditShape, 0, len(entries))
		for _, e := range entries {
			items = append(items, shapeAudit(e, names))
		}
		return pageOf(s, items, next, rfcPathOf(in.RFCPath)+"/audit", url.Values{"limit": {strconv.Itoa(in.Limit)}}), nil
	})
}

func actors(entries []audit.Entry) []int64 {
	ids := make([]int64, 0, len(entries))
	for _, e := range entries {
		ids = append(ids, e.Actor)
	}
	return ids
}

// number reads a cursor that is a number; "" is 0.
func number(cursor string) (int, error) {
	if cursor == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(cursor)
	if err != nil || n < 1 {
		return 0, badCursor()
	}
	return n, nil
}

func setUnlessEmpty(query url.Values, key, value string) {
	if value != "" {
		query.Set(key, value)
	}
}

func communityPath(account string) string {
	return apiRoot + "/communities/" + url.PathEscape(account)
}

func rfcPathOf(p RFCPath) string {
	return communityPath(p.Account) + "/rfcs/" + strconv.Itoa(p.Number)
}
