package community_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/config"
)

// A reaction counts with the factor of who gave it, as it is when it is entered. What
// would count nothing is not entered.
func TestReactionsCountAsTheirActorsDo(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(actor, member *community.Member)
		want   []int64 // the factors of what is entered
	}{
		{"of a member whose R is 21", func(*community.Member, *community.Member) {}, []int64{2500 + 7500*21/100}},
		{"of who is blocked", func(actor, _ *community.Member) { actor.Blocked = true }, nil},
		{"of who is held", func(actor, _ *community.Member) { actor.HeldAt = noon }, nil},
		{"of who left", func(actor, _ *community.Member) { actor.LeftAt = noon }, nil},
		{"of a new member", func(actor, _ *community.Member) { actor.JoinedAt = noon.Add(4 * day) }, nil},
		{"of a new account", func(actor, _ *community.Member) { actor.AccountCreatedAt = noon.Add(-15 * day) }, nil},
		{"of an account of unknown age", func(actor, _ *community.Member) { actor.AccountCreatedAt = time.Time{} }, nil},
		{"to who left", func(_, member *community.Member) { member.LeftAt = noon }, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			onForum(t, known, func(f *forum) {
				joined(f)
				actor, member := f.member(kim), f.member(lee)
				test.change(&actor, &member)
				var got []int64
				f.change(func(ctx context.Context, tx community.Tx) error {
					for _, m := range []community.Member{actor, member} {
						if err := tx.SaveMember(ctx, m); err != nil {
							return err
						}
					}
					signal := community.Signal{Actor: kim, Member: lee, Repository: rocket.ID, At: f.now, Source: "comment/1/102"}
					return community.EnterReactions(ctx, tx, rocket.Owner.ID, []community.Signal{signal}, f.now, rules)
				})
				for _, e := range f.ledger(lee) {
					if e.Kind != config.CommentReaction || e.Actor != kim || e.Points != community.Scale {
						f.t.Errorf("entered is %+v", e)
					}
					got = append(got, e.Factor)
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					f.t.Errorf("the factors (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestWhoIsBlockedEndorsesNobody(t *testing.T) {
	onForum(t, known, func(f *forum) {
		joined(f)
		m := f.member(kim)
		m.Blocked = true
		f.change(func(ctx context.Context, tx community.Tx) error { return tx.SaveMember(ctx, m) })
		f.refuses(person(kim, "kim"), `/member endorse @lee "good"`, "only members may endorse")
		if n := len(f.ledger(lee)); n != 0 {
			f.t.Errorf("%d entries", n)
		}
	})
}

func TestBotsNeverRegister(t *testing.T) {
	onForum(t, known, func(f *forum) {
		for _, who := range []app.User{{ID: 301, Login: "robot[bot]", Bot: true}, {}} {
			for _, by := range []community.Join{community.JoinedByCommand, community.JoinedByGenesis, community.JoinedByTaking} {
				f.change(func(ctx context.Context, tx community.Tx) error {
					_, member, err := community.Register(ctx, tx, rocket.Owner.ID, rocket.ID, who, by, f.now)
					if member {
						f.t.Errorf("%q is a member by %s", who.Login, by)
					}
					return err
				})
			}
		}
	})
}
