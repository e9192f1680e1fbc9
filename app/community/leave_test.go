package community_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/command"
	"github.com/agora-rfc/agora/app/community"
)

func TestLeavingErasesFormerLogins(t *testing.T) {
	onForum(t, profiles, func(f *forum) {
		f.change(func(ctx context.Context, tx community.Tx) error { return tx.SaveRepository(ctx, rocket) })
		f.accepts(person(maya, "maya"), "/member join")
		f.accepts(person(kim, "kim"), "/member join")
		f.accepts(person(kim, "kim"), "/member show @maya")
		asked := f.comments
		for i := range 12 {
			f.change(func(ctx context.Context, tx community.Tx) error {
				_, _, err := community.Register(ctx, tx, rocket.Owner.ID, rocket.ID, person(maya, fmt.Sprint("maya-", i%2)), community.JoinedByTaking, f.now)
				return err
			})
		}
		if m := f.member(maya); len(m.FormerLogins) != 2 || m.FormerLogins[0] != "maya-0" || m.FormerLogins[1] != "maya" {
			f.t.Errorf("former logins: %q", m.FormerLogins)
		}
		f.accepts(person(maya, "maya-1"), "/member leave")
		if m := f.member(maya); m.FormerLogins != nil {
			f.t.Errorf("former logins after a leave: %q", m.FormerLogins)
		}
		err := f.store.Commands().View(f.t.Context(), func(ctx context.Context, tx command.Tx) error {
			run, err := tx.CommandRun(ctx, rocket.ID, asked)
			if reply := run.Reply(); named(reply, "maya") {
				f.t.Errorf("a reply still names her:\n%s", reply)
			}
			return err
		})
		if err != nil {
			f.t.Error(err)
		}
	})
}

// Of everything that was known of a person who leaves, there is left what no name or word
// stands in; and whoever was blocked or held comes back as such.
func TestWhatIsLeftOfWhoLeaves(t *testing.T) {
	onForum(t, profiles, func(f *forum) {
		m := community.Member{
			Community: rocket.Owner.ID, ID: maya, Login: "maya", FormerLogins: []string{"maja"}, Name: "Maya", AccountCreatedAt: noon.AddDate(-3, 0, 0),
			JoinedAt: noon, JoinedBy: community.JoinedByGenesis, Genesis: true, LastActiveAt: noon, LastBallotAt: noon, Role: "moderator", Level: "architect",
			Verified: true, Blocked: true, HeldAt: noon, HeldWhy: "maya was taken over", SeenIn: rocket.ID, Contributions: map[string]int{"vote": 2},
			OptOuts: map[string]bool{community.OptOutMentions: true},
		}
		f.change(func(ctx context.Context, tx community.Tx) error { return tx.SaveMember(ctx, m) })
		f.now = noon.Add(day)
		f.accepts(person(maya, "maya"), "/member leave")
		want := community.Member{Community: rocket.Owner.ID, ID: maya, JoinedAt: noon, JoinedBy: community.JoinedByGenesis, LeftAt: f.now,
			Genesis: true, Blocked: true, HeldAt: noon, Contributions: map[string]int{"vote": 2}}
		if diff := cmp.Diff(want, f.member(maya)); diff != "" {
			f.t.Errorf("what is left (-want +got):\n%s", diff)
		}
		f.accepts(person(maya, "maya"), "/member join")
		if m := f.member(maya); !m.Active() || !m.Blocked || !m.Held() {
			f.t.Errorf("back again: %+v", m)
		}
	})
}

func named(text, login string) bool { return community.Unname(text, login, "") != text }

// However many leave, one entry looks for them all.
func TestManyWhoLeaveAreErasedTogether(t *testing.T) {
	onForum(t, profiles, func(f *forum) {
		for id := range int64(5) {
			who := app.User{ID: 1000 + id, Login: fmt.Sprint("passer-", id)}
			f.change(func(ctx context.Context, tx community.Tx) error {
				m, _, err := community.Register(ctx, tx, rocket.Owner.ID, rocket.ID, who, community.JoinedByTaking, f.now)
				if err != nil {
					return err
				}
				return f.service.Leave(ctx, tx, m, f.now)
			})
		}
		waiting, err := f.store.ListInbox(f.t.Context(), "pending", 100)
		passes := 0
		for _, entry := range waiting {
			if entry.Kind == community.EraseKind {
				passes++
			}
		}
		if err != nil || passes != 1 {
			f.t.Errorf("%d passes for those who left: %v", passes, err)
		}
	})
}
