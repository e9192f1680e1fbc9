package community_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/notification"
	"github.com/agora-rfc/agora/config"
)

// mailing are accounts whose profiles show addresses, or none.
var mailing = map[string]app.User{
	"maya": profiles["maya"],
	"kim":  {ID: kim, Login: "kim", CreatedAt: noon.AddDate(-1, 0, 0), Email: "kim@example.org"},
	"lee":  {ID: lee, Login: "lee", CreatedAt: noon.AddDate(-2, 0, 0), Email: "lee@example.org\r\nBcc: all@example.org"},
}

func (f *forum) settings(id int64) (s notification.Settings) {
	f.t.Helper()
	f.change(func(ctx context.Context, tx community.Tx) (err error) {
		s, err = tx.Settings(ctx, rocket.Owner.ID, id)
		return err
	})
	return s
}

func TestWhoAsksForLettersGetsThemAtThePublicAddress(t *testing.T) {
	onForum(t, mailing, func(f *forum) {
		for _, login := range []string{"maya", "kim", "lee"} {
			f.accepts(person(mailing[login].ID, login), "/member join")
		}
		f.refuses(person(kim, "kim"), "/member notify email=each", "this server sends no e-mail")
		f.service.Mails = true
		f.refuses(person(maya, "maya"), "/member notify email=each", "shows no e-mail address")
		f.refuses(person(lee, "lee"), "/member notify email=digest", "no letter can be sent")
		f.refuses(person(999, "kim"), "/member notify email=digest", "shows no e-mail address") // another's login by now
		f.refuses(person(kim, "kim"), "/member notify email=hourly", "one of off, digest, each")
		if reply := f.accepts(person(kim, "kim"), "/member notify email=each"); reply != "" {
			t.Errorf("answered with %q, not with a 🚀 alone", reply)
		}
		if s := f.settings(kim); s.Mail != notification.MailEach || s.Address != "kim@example.org" {
			t.Errorf("kim's settings are %+v", s)
		}
		if reply := f.accepts(person(kim, "kim"), "/member notify"); !strings.Contains(reply, "E-mail: **each**") || strings.Contains(reply, "example") {
			t.Errorf("kim is told %q", reply)
		}
		f.accepts(person(kim, "kim"), "/member notify email=digest")
		if at := f.settings(kim).DigestAt; at.Hour() != 7 || !at.After(f.now) || at.Sub(f.now) > day {
			t.Errorf("the next digest is at %s", at)
		}
		f.accepts(person(kim, "kim"), "/member notify email=off")
		if s := f.settings(kim); s.Mail != notification.MailOff || s.Address != "" {
			t.Errorf("after off there is %+v", s)
		}
		if m := f.member(kim); strings.Contains(fmt.Sprintf("%+v", m), "example.org") {
			t.Errorf("the member keeps the address: %+v", m)
		}
	})
}

func TestWhileGitHubIsSilentNobodysAddressIsGuessed(t *testing.T) {
	onForum(t, nil, func(f *forum) {
		f.service.Mails = true
		f.accepts(person(kim, "kim"), "/member join")
		if err := f.try(person(kim, "kim"), "/member notify email=each"); err == nil {
			t.Error("it is not tried again")
		}
		f.accepts(person(kim, "kim"), "/member notify email=off")
	})
}

func TestMembersOptOut(t *testing.T) {
	onForum(t, mailing, func(f *forum) {
		f.accepts(person(kim, "kim"), "/member join")
		f.accepts(person(kim, "kim"), "/member notify mentions=off leaderboard=off")
		if out := f.member(kim).OptOuts; !out[community.OptOutMentions] || !out[community.OptOutLeaderboard] {
			t.Errorf("opted out of %v", out)
		}
		f.accepts(person(kim, "kim"), "/member notify leaderboard=on")
		if out := f.member(kim).OptOuts; !out[community.OptOutMentions] || out[community.OptOutLeaderboard] {
			t.Errorf("opted out of %v", out)
		}
		f.refuses(person(lee, "lee"), "/member notify mentions=off", "you are not a member")
	})
}

func TestTheStewardsWhoAreKnown(t *testing.T) {
	onForum(t, known, func(f *forum) {
		joined(f)
		stewards := func() []int64 {
			list, err := f.service.KnownStewards(t.Context(), rocket.Owner.ID)
			if err != nil {
				t.Fatal(err)
			}
			return list
		}
		f.change(func(ctx context.Context, tx community.Tx) error {
			m, err := tx.Member(ctx, rocket.Owner.ID, maya)
			if err != nil {
				return err
			}
			m.Genesis = true
			return tx.SaveMember(ctx, m)
		})
		if got := stewards(); len(got) != 1 || got[0] != maya {
			t.Errorf("without any other, stewards are %v", got)
		}
		names := func(r app.Repository, login string) {
			f.change(func(ctx context.Context, tx community.Tx) error {
				policy := config.DefaultPolicy()
				policy.Stewards = []config.Steward{{Login: login}}
				return errors.Join(tx.SaveRepository(ctx, r), tx.SavePolicy(ctx, community.PolicyRecord{Repository: r.ID, Policy: policy, Version: "1", ReadAt: f.now}))
			})
		}
		names(rocket, "kim")
		if got := stewards(); len(got) != 1 || got[0] != maya {
			t.Errorf("a repository's own stewards make the community's %v", got)
		}
		names(app.Repository{ID: 12, Owner: rocket.Owner, Name: ".github", Installation: 5}, "Kim")
		if got := stewards(); len(got) != 1 || got[0] != kim {
			t.Errorf("by the owner's own file, stewards are %v", got)
		}
		names(app.Repository{ID: 12, Owner: rocket.Owner, Name: ".github", Installation: 5}, "nobody")
		f.accepts(person(maya, "maya"), "/member role @lee steward")
		if got := stewards(); len(got) != 1 || got[0] != lee {
			t.Errorf("by role, stewards are %v", got)
		}
	})
}
