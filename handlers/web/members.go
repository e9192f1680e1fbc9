package web

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strconv"

	communities "github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/rfc"
)

type listMembersInput struct {
	AccountPath
	Paging
}

type memberInput struct {
	AccountPath
	Login string `path:"login" maxLength:"100"`
}

type memberOutput struct{ Body memberShape }

// listMembers pages by numeric id, the order of the store.
func (s *server) listMembers(ctx context.Context, in *listMembersInput) (*page[memberShape], error) {
	after, err := number(in.Cursor)
	if err != nil {
		return nil, err
	}
	return view(ctx, s, func(ctx context.Context, tx rfc.Tx) (*page[memberShape], error) {
		account, err := community(ctx, tx, in.Account)
		if err != nil {
			return nil, err
		}
		members, err := tx.ActiveMembers(ctx, communities.Scope{Community: account.ID}, int64(after), in.Limit+1)
		if err != nil {
			return nil, fmt.Errorf("listing members: %w", err)
		}
		next := ""
		if len(members) > in.Limit {
			members = members[:in.Limit]
			next = strconv.FormatInt(members[in.Limit-1].ID, 10)
		}
		items, err := s.shapeMembers(ctx, tx, account.ID, members...)
		if err != nil {
			return nil, err
		}
		return pageOf(s, items, next, communityPath(in.Account)+"/members", url.Values{"limit": {strconv.Itoa(in.Limit)}}), nil
	})
}

func (s *server) getMember(ctx context.Context, in *memberInput) (*memberOutput, error) {
	return view(ctx, s, func(ctx context.Context, tx rfc.Tx) (*memberOutput, error) {
		account, err := community(ctx, tx, in.Account)
		if err != nil {
			return nil, err
		}
		m, err := tx.MemberByLogin(ctx, account.ID, in.Login)
		if err != nil {
			return nil, hidden(err)
		}
		known, err := m.KnownIn(ctx, tx, communities.Scope{Community: account.ID})
		if err != nil {
			return nil, err
		}
		if !m.Active() || !known {
			return nil, nothing
		}
		shapes, err := s.shapeMembers(ctx, tx, account.ID, m)
		if err != nil {
			return nil, err
		}
		score, err := s.members.Engagement(ctx, communities.Scope{Community: account.ID}, m.ID)
		shapes[0].Engagement = &score
		return &memberOutput{Body: shapes[0]}, err
	})
}

// shapeMembers shows the public fields of members and no others.
func (s *server) shapeMembers(ctx context.Context, tx rfc.Tx, account int64, members ...communities.Member) ([]memberShape, error) {
	ids := make([]int64, len(members))
	for i, m := range members {
		ids[i] = m.ID
	}
	reputations, err := s.members.Reputations(ctx, account, ids...)
	if err != nil {
		return nil, fmt.Errorf("reading reputations: %w", err)
	}
	shapes := make([]memberShape, len(members))
	for i, m := range members {
		contributions, err := tx.CountContributions(ctx, communities.Scope{Community: account}, m.ID)
		if err != nil {
			return nil, err
		}
		shapes[i] = memberShape{
			ID: m.ID, Login: m.Login, Role: cmp.Or(m.Role, "member"), Level: m.Level, Reputation: reputations[m.ID],
			Weight: weightOf(reputations[m.ID]), JoinedAt: moment(m.JoinedAt), Contributions: contributions,
		}
	}
	return shapes, nil
}

// weightOf is the weight of a vote at a reputation.
func weightOf(reputation int) string {
	return rfc.FormatWeight(int64(communities.Weight(reputation)))
}

type listLeaderboardInput struct {
	AccountPath
	Days int    `query:"days" default:"90" minimum:"1" maximum:"365" doc:"How many UTC days points are counted of, today among them"`
	By   string `query:"by" default:"points" enum:"points,reputation" doc:"What ranks"`
	Paging
}

// listLeaderboard pages by how many places were shown before.
func (s *server) listLeaderboard(ctx context.Context, in *listLeaderboardInput) (*page[placeShape], error) {
	before, err := number(in.Cursor)
	if err != nil {
		return nil, err
	}
	return view(ctx, s, func(ctx context.Context, tx rfc.Tx) (*page[placeShape], error) {
		account, err := community(ctx, tx, in.Account)
		if err != nil {
			return nil, err
		}
		places, err := s.members.Leaderboard(ctx, communities.Scope{Community: account.ID}, communities.LeaderboardOrder(in.By), in.Days, in.Limit+1, before)
		if err != nil {
			return nil, fmt.Errorf("reading the leaderboard of %s: %w", account.Login, err)
		}
		next := ""
		if len(places) > in.Limit {
			places, next = places[:in.Limit], strconv.Itoa(before+in.Limit)
		}
		items := make([]placeShape, len(places))
		for i, p := range places {
			items[i] = placeShape{Rank: p.Rank, Member: personShape{ID: p.Member, Login: p.Login}, Points: communities.FormatPoints(p.Points),
				Reputation: p.Reputation, Weight: weightOf(p.Reputation)}
		}
		query := url.Values{"limit": {strconv.Itoa(in.Limit)}, "days": {strconv.Itoa(in.Days)}, "by": {in.By}}
		return pageOf(s, items, next, communityPath(in.Account)+"/leaderboard", query), nil
	})
}
