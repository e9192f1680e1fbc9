package web

import (
	"context"
	"fmt"
	"net/url"
	"slices"
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
		members, err := tx.Members(ctx, account.ID)
		if err != nil {
			return nil, fmt.Errorf("listing members: %w", err)
		}
		members = slices.DeleteFunc(members, func(m communities.Member) bool { return !m.Active() || m.ID <= int64(after) })
		next := ""
		if len(members) > in.Limit {
			members = members[:in.Limit]
			next = strconv.FormatInt(members[in.Limit-1].ID, 10)
		}
		items := make([]memberShape, 0, len(members))
		for _, m := range members {
			shape, err := s.shapeMember(ctx, m)
			if err != nil {
				return nil, err
			}
			items = append(items, shape)
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
		if !m.Active() {
			return nil, nothing
		}
		shape, err := s.shapeMember(ctx, m)
		if err != nil {
			return nil, err
		}
		score, err := s.engagement(ctx, communities.Scope{Community: account.ID}, m.ID)
		shape.Engagement = &score
		return &memberOutput{Body: shape}, err
	})
}

// shapeMember shows the public fields of a member and no others.
func (s *server) shapeMember(ctx context.Context, m communities.Member) (memberShape, error) {
	reputation, err := s.reputation(ctx, m.Community, m.ID)
	if err != nil {
		return memberShape{}, fmt.Errorf("reading the reputation of member %d: %w", m.ID, err)
	}
	role := m.Role
	if role == "" {
		role = "member"
	}
	contributions := m.Contributions
	if contributions == nil {
		contributions = map[string]int{}
	}
	return memberShape{
		ID: m.ID, Login: m.Login, Role: role, Level: m.Level, Reputation: reputation,
		Weight: rfc.FormatWeight(int64(communities.Weight(reputation))), JoinedAt: moment(m.JoinedAt), Contributions: contributions,
	}, nil
}
