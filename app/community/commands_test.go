package community_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/command"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/render"
	"github.com/agora-rfc/agora/config"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
)

var rocket = app.Repository{
	ID: 9, Owner: app.Account{ID: 77, Login: "acme", Organization: true}, Name: "rocket", DefaultBranch: "main", Installation: 5,
}

// github knows profiles and holds no configuration; it is down when profiles is nil.
type github struct {
	community.GitHub
	profiles map[string]app.User
}

func (g github) User(_ context.Context, login string) (app.User, error) {
	switch profile, known := g.profiles[login]; {
	case g.profiles == nil:
		return app.User{}, app.Errorf(app.CodeUnavailable, "GitHub does not answer")
	case !known:
		return app.User{}, app.Errorf(app.CodeNotFound, "there is no %s", login)
	default:
		return profile, nil
	}
}

func (github) File(context.Context, string, string) (app.File, error) {
	return app.File{}, app.Errorf(app.CodeNotFound, "there is no such file")
}

// IsOrgOwner makes maya the owner of the organisation.
func (github) IsOrgOwner(_ context.Context, _, login string) (bool, error) {
	return login == "maya", nil
}

// forum is an issue on which people give commands.
type forum struct {
	t        *testing.T
	store    *store.Store
	runner   *command.Runner
	now      time.Time
	comments int64
	rfcs     rfcs
	service  *community.Service
}

// rfcs remembers what the community asked of its RFCs.
type rfcs struct {
	void, forgotten []int64
	tasks           []community.Task
}

func (r *rfcs) VoidVoter(_ context.Context, _ int64, user app.User, _ time.Time, _ string) error {
	r.void = append(r.void, user.ID)
	return nil
}

func (r *rfcs) Forget(_ context.Context, _, member int64) error {
	r.forgotten = append(r.forgotten, member)
	return nil
}

func (r *rfcs) Tasks(context.Context, app.Repository, int64) ([]community.Task, error) {
	return r.tasks, nil
}

func (r *rfcs) RepositoryMoved(context.Context, app.Repository) error { return nil }

var profiles = map[string]app.User{
	"maya": {ID: maya, Login: "maya", Name: "Maya", CreatedAt: noon.AddDate(-3, 0, 0)},
	"kim":  {ID: kim, Login: "kim", CreatedAt: noon.AddDate(-1, 0, 0)},
}

// onForum runs a test on both databases.
func onForum(t *testing.T, profiles map[string]app.User, test func(*forum)) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		f := &forum{t: t, store: s, now: noon}
		service := community.New(s.Community(), func(app.Repository) community.GitHub { return github{profiles: profiles} },
			func() time.Time { return f.now })
		service.RFCs = &f.rfcs
		f.service = service
		f.runner = command.NewRunner(command.Default(), s.Commands(), render.Escape, service.Commands(render.Escape))
		test(f)
	})
}

// say gives a command and returns whether it was done, and the reply.
func (f *forum) say(author app.User, text string) (done bool, reply string) {
	f.t.Helper()
	if err := f.try(author, text); err != nil {
		f.t.Fatal(err)
	}
	err := f.store.Commands().View(f.t.Context(), func(ctx context.Context, tx command.Tx) error {
		run, err := tx.CommandRun(ctx, rocket.ID, f.comments)
		done, reply = len(run.Lines) == 1 && run.Lines[0].Done, run.Reply()
		return err
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return done, reply
}

// try gives a command; an error means that it is tried again later.
func (f *forum) try(author app.User, text string) error {
	f.comments++
	return f.runner.Handle(f.t.Context(), command.Incoming{
		Repo: rocket, Ref: app.IssueRef{Repository: rocket.ID, Number: 1},
		Comment: app.Comment{ID: f.comments, Author: author, Body: text, CreatedAt: f.now},
	})
}

func (f *forum) accepts(author app.User, text string) string {
	f.t.Helper()
	done, reply := f.say(author, text)
	if !done {
		f.t.Fatalf("%q was refused: %s", text, reply)
	}
	return reply
}

func (f *forum) refuses(author app.User, text, reason string) {
	f.t.Helper()
	if done, reply := f.say(author, text); done || !strings.Contains(reply, reason) {
		f.t.Errorf("%q: done is %t, and the reply is %q, want a refusal that says %q", text, done, reply, reason)
	}
}

func (f *forum) change(do func(ctx context.Context, tx community.Tx) error) {
	f.t.Helper()
	if err := f.store.Community().InTx(f.t.Context(), do); err != nil {
		f.t.Fatal(err)
	}
}

func (f *forum) member(id int64) (m community.Member) {
	f.t.Helper()
	f.change(func(ctx context.Context, tx community.Tx) (err error) {
		m, err = tx.Member(ctx, rocket.Owner.ID, id)
		return err
	})
	return m
}

func (f *forum) enter(entries ...community.Entry) {
	f.t.Helper()
	f.change(func(ctx context.Context, tx community.Tx) error {
		_, err := community.Enter(ctx, tx, rocket.Owner.ID, entries...)
		return err
	})
}

func person(id int64, login string) app.User { return app.User{ID: id, Login: login} }

func TestJoining(t *testing.T) {
	onForum(t, profiles, func(f *forum) {
		f.accepts(person(maya, "maya"), "/member join")
		m := f.member(maya)
		if !m.Active() || m.JoinedBy != community.JoinedByCommand || !m.JoinedAt.Equal(noon) || !m.AccountCreatedAt.Equal(noon.AddDate(-3, 0, 0)) {
			f.t.Errorf("the member: %+v", m)
		}
		f.refuses(person(maya, "maya"), "/member join", "you are a member already, since 2026-03-10.")
	})
}

func TestJoiningWhileGitHubDoesNotAnswer(t *testing.T) {
	onForum(t, nil, func(f *forum) {
		f.accepts(person(maya, "maya"), "/member join")
		if m := f.member(maya); !m.Active() || !m.AccountCreatedAt.IsZero() {
			f.t.Errorf("the member: %+v", m)
		}
	})
}

func TestALoginThatChangedHandsLendsNoAge(t *testing.T) {
	onForum(t, profiles, func(f *forum) {
		f.accepts(person(lee, "kim"), "/member join")
		if m := f.member(lee); !m.Active() || !m.AccountCreatedAt.IsZero() {
			f.t.Errorf("lee took the age of kim's account: %+v", m)
		}
	})
}

func TestWhoWasRegisteredWithoutAskingBecomesARegularByJoining(t *testing.T) {
	onForum(t, profiles, func(f *forum) {
		for by, user := range map[community.Join]app.User{
			community.JoinedByTaking: person(maya, "maya"), community.JoinedByGenesis: person(kim, "kim"),
		} {
			f.change(func(ctx context.Context, tx community.Tx) error {
				_, _, err := community.Register(ctx, tx, rocket.Owner.ID, rocket.ID, user, by, noon.Add(-day))
				return err
			})
			f.accepts(user, "/member join")
			if m := f.member(user.ID); m.JoinedBy != community.JoinedByCommand || !m.JoinedAt.Equal(noon.Add(-day)) {
				f.t.Errorf("after %s: %+v", by, m)
			}
			f.refuses(user, "/member join", "already")
		}
	})
}

func TestJoiningLiftsNoHoldAndNoBlock(t *testing.T) {
	onForum(t, profiles, func(f *forum) {
		f.change(func(ctx context.Context, tx community.Tx) error {
			return tx.SaveMember(ctx, community.Member{Community: rocket.Owner.ID, ID: maya, Login: "maya", Blocked: true, HeldAt: noon})
		})
		f.accepts(person(maya, "maya"), "/member join")
		if m := f.member(maya); !m.Active() || !m.Blocked || !m.Held() {
			f.t.Errorf("the member: %+v", m)
		}
	})
}

func TestLeavingErasesThePersonAndKeepsTheLedger(t *testing.T) {
	onForum(t, profiles, func(f *forum) {
		f.refuses(person(maya, "maya"), "/member leave", "you are not a member here")
		f.accepts(person(maya, "maya"), "/member join")
		f.enter(community.NewEntry(rules, config.VoteCast, maya, noon, "vote/1/1/101"))
		f.accepts(person(maya, "maya"), "/member leave")
		want := community.Member{Community: rocket.Owner.ID, ID: maya, JoinedAt: noon, JoinedBy: community.JoinedByCommand, LeftAt: noon}
		if diff := cmp.Diff(want, f.member(maya)); diff != "" {
			f.t.Errorf("what is left of the member (-want +got):\n%s", diff)
		}
		f.refuses(person(kim, "kim"), "/member show @maya", "maya is not a member here.")
		f.refuses(person(maya, "maya"), "/member leave", "you are not a member here")
		f.accepts(person(maya, "maya"), "/member join")
		if reply := f.accepts(person(kim, "kim"), "/member show maya"); !strings.Contains(reply, "vote cast 1") {
			f.t.Errorf("the ledger is gone:\n%s", reply)
		}
	})
}

func TestShowingAMember(t *testing.T) {
	onForum(t, profiles, func(f *forum) {
		f.refuses(person(kim, "kim"), "/member show", "`/member join` makes you one")
		f.refuses(person(kim, "kim"), "/member show @nobody", "nobody is not a member here.")
		f.accepts(person(maya, "maya"), "/member join")
		m := f.member(maya)
		m.Level, m.HeldAt, m.HeldWhy = "practitioner", noon, "a secret reason"
		f.change(func(ctx context.Context, tx community.Tx) error { return tx.SaveMember(ctx, m) })
		f.enter(
			community.NewEntry(rules, config.GenesisWrite, maya, noon, "genesis/9/101"),
			community.NewEntry(rules, config.VoteCast, maya, noon, "vote/1/1/101"),
			community.NewEntry(rules, config.VoteCast, maya, noon, "vote/1/2/101"),
			community.NewEntry(rules, config.RFCAccepted, maya, noon, "accepted/1/2"),
		)
		want := `| Member | **maya** |
|:--|:--|
| Level | practitioner |
| Role | member |
| Reputation | 33 of 100 |
| Weight of a vote | 2.32 |
| Joined | 2026-03-10 |
| Engagement | 0 of 100 |
| Contributions | – |
| Earned by | RFC accepted 1 · vote cast 2 |
`
		if diff := cmp.Diff(want, strings.TrimRight(f.accepts(person(kim, "kim"), "/member show @MAYA"), "\n")+"\n"); diff != "" {
			f.t.Errorf("the member (-want +got):\n%s", diff)
		}
	})
}

var update = flag.Bool("update", false, "write the golden files")

// golden compares with a file of testdata, or writes it with -update.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got, rewrite with -update):\n%s", name, diff)
	}
}

func TestTheReceiptOfAReputation(t *testing.T) {
	onForum(t, profiles, func(f *forum) {
		f.accepts(person(maya, "maya"), "/member join")
		if reply := f.accepts(person(maya, "maya"), "/member reputation"); !strings.Contains(reply, "R = 0") || !strings.Contains(reply, "Nothing stands in the ledger") {
			f.t.Errorf("an empty receipt:\n%s", reply)
		}
		signal := func(kind config.EntryKind, actor, factor int64, at time.Time) community.Entry {
			e := community.NewEntry(rules, kind, maya, at, fmt.Sprintf("%s/%d/%d", kind, at.Unix(), actor))
			e.Actor, e.Factor = actor, factor
			return e
		}
		spam := community.NewEntry(rules, config.SpamRemoved, maya, noon.Add(50*day), "spam/1")
		accepted := func(n int, at time.Time) community.Entry {
			return community.NewEntry(rules, config.RFCAccepted, maya, at, fmt.Sprintf("accepted/%d", n))
		}
		other := rocket
		other.ID, other.Name = 10, "other"
		f.change(func(ctx context.Context, tx community.Tx) error { return tx.SaveRepository(ctx, other) })
		f.enter(
			community.NewEntry(rules, config.GenesisWrite, maya, noon, "genesis/9/101"),
			community.NewEntry(rules, config.GenesisTriage, maya, noon, "genesis/10/101"),
			signal(config.Endorsement, kim, 4750, noon.Add(10*day)),
			signal(config.Endorsement, kim, 4750, noon.Add(40*day)), // the second of kim counts half
			community.NewEntry(rules, config.VoteCast, maya, noon.Add(45*day), "vote/1/1/101"),
			spam,
			accepted(1, noon.Add(100*day)),
			accepted(2, noon.Add(100*day)), // beyond what counts on one day
			signal(config.Endorsement, lee, 0, noon.Add(101*day)),
		)
		f.change(func(ctx context.Context, tx community.Tx) error {
			entries, err := tx.Ledger(ctx, rocket.Owner.ID, maya)
			if err != nil {
				return err
			}
			void := community.NewEntry(rules, config.EntryVoid, maya, noon.Add(110*day), "void/1")
			void.Voids = entries[4].ID // the vote
			_, err = community.Enter(ctx, tx, rocket.Owner.ID, void)
			return err
		})
		f.now = noon.Add(120 * day)
		golden(f.t, "receipt.md", f.accepts(person(kim, "kim"), "/member reputation @maya"))
	})
}

func TestALongReceiptSumsUpItsOldestTerms(t *testing.T) {
	onForum(t, profiles, func(f *forum) {
		f.accepts(person(maya, "maya"), "/member join")
		var entries []community.Entry
		for i := range 75 {
			entries = append(entries, community.NewEntry(rules, config.VoteCast, maya, noon.Add(time.Duration(i)*day), fmt.Sprintf("vote/%d/1/101", i)))
		}
		f.enter(entries...)
		f.now = noon.Add(75 * day)
		reply := f.accepts(person(maya, "maya"), "/member reputation")
		if rows := strings.Count(reply, "| vote cast |"); rows != 60 {
			f.t.Errorf("%d terms have a row, want 60", rows)
		}
		if !strings.Contains(reply, "| | | 15 older entries | | | | ") {
			f.t.Errorf("no row for the older terms:\n%s", reply)
		}
		columnsAddUp(f.t, reply)
	})
}

// columnsAddUp adds up the table of a receipt by hand.
func columnsAddUp(t *testing.T, receipt string) {
	t.Helper()
	const first, classes = 7, 4 // the columns A, G, S and N
	var sum [classes]int64
	for line := range strings.Lines(receipt) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) < first+classes || strings.HasPrefix(cells[1], "--") {
			continue
		}
		for i := range sum {
			cell := strings.TrimSpace(cells[first+i])
			if cell == "" || len(cell) == 1 {
				continue // the heading
			}
			var whole, part int64
			if _, err := fmt.Sscanf(cell, "%d.%04d", &whole, &part); err != nil {
				t.Fatalf("%q is no number: %v", cell, err)
			}
			if value := whole*community.Scale + part; !strings.Contains(line, "**Sum**") {
				sum[i] += value
			} else if sum[i] != value {
				t.Errorf("column %d adds up to %d, and its sum says %d", i, sum[i], value)
			}
		}
	}
}

func TestTheReceiptAddsUpByHand(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("testdata", "receipt.md"))
	if err != nil {
		t.Fatal(err)
	}
	columnsAddUp(t, string(data))
}
