package community_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
)

// staffed is GitHub with repositories, who works on them, and whether they have an
// agora.yml.
type staffed struct {
	community.GitHub
	repo  app.Repository
	staff map[string]app.Permission
	ids   map[string]int64
	file  bool
	down  bool
}

func (g *staffed) Repository(context.Context) (app.Repository, error) { return g.repo, nil }

func (g *staffed) Collaborators(context.Context) (list []app.CollaboratorPermission, err error) {
	if g.down {
		return nil, app.Errorf(app.CodeUnavailable, "GitHub does not answer")
	}
	for login, permission := range g.staff {
		list = append(list, app.CollaboratorPermission{User: app.User{ID: g.ids[login], Login: login}, Permission: permission})
	}
	return list, nil
}

func (g *staffed) User(_ context.Context, login string) (app.User, error) {
	return app.User{ID: g.ids[login], Login: login, CreatedAt: noon.AddDate(-2, 0, 0)}, nil
}

func (g *staffed) File(context.Context, string, string) (app.File, error) {
	if g.file {
		return app.File{Content: []byte("version: 1\n")}, nil
	}
	return app.File{}, app.Errorf(app.CodeNotFound, "there is no such file")
}

// foundation is a community whose App is being installed.
type foundation struct {
	t       *testing.T
	store   *store.Store
	service *community.Service
	github  *staffed
	now     time.Time
}

func onFoundation(t *testing.T, test func(*foundation)) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		f := &foundation{t: t, store: s, now: noon, github: &staffed{
			repo: rocket, staff: map[string]app.Permission{"maya": app.PermissionAdmin, "kim": app.PermissionTriage, "lee": app.PermissionRead},
			ids: map[string]int64{"maya": maya, "kim": kim, "lee": lee, "mallory": 666}}}
		f.github.repo.CreatedAt = noon.AddDate(0, 0, -40)
		f.service = community.New(s.Community(), func(repo app.Repository) community.GitHub {
			if repo.Name == f.github.repo.Name {
				return f.github
			}
			return github{}
		}, func() time.Time { return f.now })
		test(f)
	})
}

func (f *foundation) setUp() error {
	r := f.github.repo
	return f.service.SetUp(f.t.Context(), community.RepositoryOrder{Installation: r.Installation, Account: r.Owner, Repository: r.ID, Name: r.Name})
}

func (f *foundation) done(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// given expects what everybody's genesis is worth, in points.
func (f *foundation) given(when string, want map[int64]int64) {
	f.t.Helper()
	got := map[int64]int64{}
	f.done(f.store.Community().View(f.t.Context(), func(ctx context.Context, tx community.Tx) error {
		ledger, err := tx.LedgerOfAll(ctx, rocket.Owner.ID)
		for member, entries := range ledger {
			for _, e := range entries {
				got[member] += e.Points / community.Scale
			}
		}
		return err
	}))
	if diff := cmp.Diff(want, got); diff != "" {
		f.t.Errorf("%s: genesis (-want +got):\n%s", when, diff)
	}
}

// Whoever gets a permission after the installation gets no genesis by it, whatever has
// the roster looked at.
func TestGenesisComesFromThePermissionAtInstallation(t *testing.T) {
	onFoundation(t, func(f *foundation) {
		f.github.file = true
		f.done(f.setUp())
		installed := map[int64]int64{maya: 200, kim: 40}
		f.given("installed", installed)
		f.now = noon.AddDate(0, 0, 16)
		f.github.staff["mallory"], f.github.staff["kim"], f.github.staff["lee"] = app.PermissionAdmin, app.PermissionAdmin, app.PermissionWrite
		f.done(f.setUp())
		f.given("installed again", installed)
		f.done(f.service.PolicyPushed(f.t.Context(), f.github.repo))
		f.given("agora.yml pushed", installed)
		f.done(f.service.Genesis(f.t.Context(), f.github.repo, true))
		f.given("an RFC opened", installed)
		// A repository that is added gives its own.
		f.github.repo.ID, f.github.repo.Name = 10, "moon"
		f.done(f.setUp())
		f.given("another repository added", map[int64]int64{maya: 400, kim: 240, lee: 100, 666: 200})
	})
}

func TestGenesisWaitsForTheFirstUseButNotForThePeople(t *testing.T) {
	onFoundation(t, func(f *foundation) {
		f.done(f.setUp())
		f.given("not used", map[int64]int64{})
		f.now = noon.AddDate(0, 0, 30)
		f.github.staff["mallory"], f.github.staff["kim"] = app.PermissionAdmin, app.PermissionMaintain
		f.done(f.service.Genesis(f.t.Context(), f.github.repo, true))
		f.given("the first RFC", map[int64]int64{maya: 200, kim: 40})
	})
}

func TestARepositoryTooYoungAtInstallationGivesNoGenesis(t *testing.T) {
	onFoundation(t, func(f *foundation) {
		f.github.file = true
		f.github.repo.CreatedAt = noon.AddDate(0, 0, -29)
		f.done(f.setUp())
		f.now = noon.AddDate(0, 0, 30)
		f.done(f.service.Genesis(f.t.Context(), f.github.repo, true))
		f.given("grown up", map[int64]int64{})
	})
}

// The age of a repository is that at the installation: 30 days to the second. One whose age
// nobody knows is too young.
func TestARepositoryOfThirtyDaysGivesGenesis(t *testing.T) {
	onFoundation(t, func(f *foundation) {
		f.github.file = true
		for i, test := range []struct {
			name    string
			created time.Time
			want    map[int64]int64
		}{
			{"unknown", time.Time{}, map[int64]int64{}},
			{"a second too young", noon.Add(-30*day + time.Second), map[int64]int64{}},
			{"just old enough", noon.Add(-30 * day), map[int64]int64{maya: 200, kim: 40}},
		} {
			f.github.repo.ID, f.github.repo.Name, f.github.repo.CreatedAt = int64(20+i), test.name, test.created
			f.done(f.setUp())
			f.given(test.name, test.want)
		}
	})
}

// Each permission brings its own, and whom it brings any is a member with genesis.
func TestGenesisOfEachPermission(t *testing.T) {
	onFoundation(t, func(f *foundation) {
		f.github.file = true
		f.github.staff = map[string]app.Permission{"maya": app.PermissionMaintain, "kim": app.PermissionWrite, "mallory": app.PermissionRead}
		f.done(f.setUp())
		f.given("installed", map[int64]int64{maya: 150, kim: 100})
		f.done(f.store.Community().View(f.t.Context(), func(ctx context.Context, tx community.Tx) error {
			members, err := tx.Members(ctx, rocket.Owner.ID)
			if len(members) != 2 {
				f.t.Errorf("the members are %+v, want those two", members)
			}
			for _, m := range members {
				if !m.Genesis || m.JoinedBy != community.JoinedByGenesis {
					f.t.Errorf("the member %+v", m)
				}
			}
			return err
		}))
	})
}

// A first set-up that was cut short goes on until it is whole.
func TestAFirstSetUpThatFailedGoesOn(t *testing.T) {
	onFoundation(t, func(f *foundation) {
		f.github.file, f.github.down = true, true
		if err := f.setUp(); !app.Is(err, app.CodeUnavailable) {
			f.t.Errorf("the set-up says %v, want that GitHub does not answer", err)
		}
		f.github.down = false
		_, err := f.service.TakeRoster(f.t.Context(), f.github.repo) // and then it stopped
		f.done(err)
		f.github.staff["mallory"] = app.PermissionAdmin
		f.done(f.setUp())
		f.given("set up", map[int64]int64{maya: 200, kim: 40})
	})
}
