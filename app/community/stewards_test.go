package community_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/config"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
)

// offices is GitHub with permissions on a repository, and the files that name stewards.
type offices struct {
	community.GitHub
	files map[string]string // by repository
	repo  app.Repository
}

var permissions = map[string]app.Permission{"adam": app.PermissionAdmin, "mia": app.PermissionMaintain, "will": app.PermissionWrite, "tim": app.PermissionTriage}

// staffIDs are their ids, and those of the others.
var staffIDs = map[string]int64{"adam": 1, "mia": 2, "will": 3, "tim": 4, "olga": 5, "nina": 6, "rita": 7, "acme": 77}

func (g offices) Permission(_ context.Context, login string) (app.Permission, error) {
	return permissions[login], nil
}

func (g offices) Collaborators(context.Context) (list []app.CollaboratorPermission, err error) {
	for _, login := range slices.Sorted(maps.Keys(permissions)) {
		list = append(list, app.CollaboratorPermission{User: person(staffIDs[login], login), Permission: permissions[login]})
	}
	return list, nil
}

func (g offices) User(_ context.Context, login string) (app.User, error) {
	login = strings.ToLower(login)
	return person(staffIDs[login], login), nil
}

func (g offices) IsOrgOwner(_ context.Context, organisation, login string) (bool, error) {
	return organisation == "acme" && login == "olga", nil
}

func (g offices) File(context.Context, string, string) (app.File, error) {
	if text, there := g.files[g.repo.Name]; there {
		return app.File{Content: []byte(text)}, nil
	}
	return app.File{}, app.Errorf(app.CodeNotFound, "there is no such file")
}

// A repository's stewards have maintain or admin permission on it, or are named in its
// rules. The community's are the organisation's owners, or the account itself, and who is
// named in the owner's file. None is a bot.
func TestWhoIsASteward(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		files := map[string]string{".github": "version: 1\nstewards: [nina]\n", rocket.Name: "version: 1\nstewards: [rita]\n"}
		service := community.New(s.Community(), func(r app.Repository) community.GitHub { return offices{repo: r, files: files} }, nil)
		policy := config.DefaultPolicy()
		policy.Stewards = []config.Steward{{Login: "Rita"}}
		personal := rocket
		personal.Owner.Organization = false
		var ofRepository, ofOrganisation, ofUser []string
		for _, login := range slices.Sorted(maps.Keys(staffIDs)) {
			for _, bot := range []bool{false, true} {
				user := app.User{ID: staffIDs[login], Login: login, Bot: bot}
				name := login
				if bot {
					name = "a bot called " + login
				}
				note := func(list *[]string, is bool, err error) {
					if err != nil {
						t.Fatal(err)
					}
					if is {
						*list = append(*list, name)
					}
				}
				is, err := service.IsSteward(t.Context(), rocket, policy, user)
				note(&ofRepository, is, err)
				is, err = service.IsCommunitySteward(t.Context(), rocket, user)
				note(&ofOrganisation, is, err)
				is, err = service.IsCommunitySteward(t.Context(), personal, user)
				note(&ofUser, is, err)
			}
		}
		want := [][]string{{"adam", "mia", "rita"}, {"nina", "olga"}, {"acme", "nina"}}
		if diff := cmp.Diff(want, [][]string{ofRepository, ofOrganisation, ofUser}); diff != "" {
			t.Errorf("of the repository, the organisation and the user (-want +got):\n%s", diff)
		}
		all, err := service.Stewards(t.Context(), rocket, policy)
		if diff := cmp.Diff([]int64{1, 2, 7}, slices.Sorted(maps.Keys(all))); diff != "" || err != nil {
			t.Errorf("all of the repository's (-want +got), %v:\n%s", err, diff)
		}
	})
}

// Who left is none of those who are known to be stewards. The account itself is one, and
// where there is no other, who was an admin when Agora came; a maintainer was not.
func TestTheStewardsWhoAreKnownAreMembers(t *testing.T) {
	onForum(t, known, func(f *forum) {
		save := func(members ...community.Member) {
			f.change(func(ctx context.Context, tx community.Tx) error {
				for _, m := range members {
					m.Community, m.Login, m.JoinedAt = rocket.Owner.ID, fmt.Sprint("m", m.ID), noon
					if err := tx.SaveMember(ctx, m); err != nil {
						return err
					}
				}
				return nil
			})
		}
		expect := func(when string, want ...int64) {
			f.t.Helper()
			got, err := f.service.KnownStewards(f.t.Context(), rocket.Owner.ID)
			if err != nil || !slices.Equal(got, want) {
				f.t.Errorf("%s: %v (%v), want %v", when, got, err, want)
			}
		}
		f.enter(community.NewEntry(rules, config.GenesisAdmin, maya, noon, "genesis/9/101"), community.NewEntry(rules, config.GenesisMaintain, kim, noon, "genesis/9/102"),
			community.NewEntry(rules, config.GenesisAdmin, lee, noon, "genesis/9/103"))
		save(community.Member{ID: maya, Genesis: true}, community.Member{ID: kim, Genesis: true}, community.Member{ID: lee, Genesis: true, LeftAt: noon})
		expect("admins at the installation", maya)
		save(community.Member{ID: 300, Role: "steward", LeftAt: noon})
		expect("a steward who left", maya)
		save(community.Member{ID: rocket.Owner.ID})
		expect("the account itself", rocket.Owner.ID)
	})
}
