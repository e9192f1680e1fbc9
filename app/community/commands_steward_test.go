package community_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/app/command"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/config"
)

// known are the accounts of a community whose steward is maya.
var known = map[string]app.User{
	"maya": profiles["maya"], "kim": profiles["kim"],
	"lee": {ID: lee, Login: "lee", CreatedAt: noon.AddDate(-2, 0, 0)},
}

// joined is a forum on which maya, kim and lee are members since ten days, with the
// reputation of an admin, a writer and nothing.
func joined(f *forum) {
	f.t.Helper()
	for _, login := range []string{"maya", "kim", "lee"} {
		f.accepts(person(known[login].ID, login), "/member join")
	}
	f.enter(community.NewEntry(rules, config.GenesisAdmin, maya, f.now, "genesis/9/101"), community.NewEntry(rules, config.GenesisWrite, kim, f.now, "genesis/9/102"))
	f.now = f.now.Add(10 * day)
}

// standing is a member's standing now.
func (f *forum) standing(id int64) (s community.Standing) {
	f.t.Helper()
	f.change(func(ctx context.Context, tx community.Tx) error {
		ledger, err := tx.LedgerOfAll(ctx, rocket.Owner.ID)
		s = community.ReplayAll(ledger, f.now, rules)[id]
		return err
	})
	return s
}

func (f *forum) ledger(id int64) (entries []community.Entry) {
	f.t.Helper()
	f.change(func(ctx context.Context, tx community.Tx) (err error) {
		entries, err = tx.Ledger(ctx, rocket.Owner.ID, id)
		return err
	})
	return entries
}

// trail lists the kinds and outcomes of a member's trail.
func (f *forum) trail(id int64) (list []string) {
	f.t.Helper()
	f.change(func(ctx context.Context, tx community.Tx) error {
		entries, err := tx.RecentAudit(ctx, rocket.Owner.ID, community.MemberSubject(id), 100)
		for _, e := range entries {
			list = append(list, strings.TrimRight(fmt.Sprintf("%s %d: %s>%s %s", e.Kind, e.Actor, e.From, e.To, e.Why()), " "))
		}
		return err
	})
	return list
}

func TestEndorsing(t *testing.T) {
	onForum(t, known, func(f *forum) {
		f.refuses(person(kim, "kim"), "/member endorse @lee good", "only members may endorse")
		joined(f)
		f.refuses(person(kim, "kim"), "/member endorse @kim \"I am good\"", "nobody endorses themselves")
		f.refuses(person(kim, "kim"), "/member endorse @nobody \"good\"", "nobody is not a member here")
		if reply := f.accepts(person(kim, "kim"), `/member endorse @lee "found the leak"`); reply != "" {
			f.t.Errorf("the reply: %s", reply)
		}
		entries := f.ledger(lee)
		if len(entries) != 1 || entries[0].Actor != kim || entries[0].Points != 4*community.Scale || entries[0].Factor != 2500+7500*21/100 {
			f.t.Errorf("the endorsement by kim, whose R is 21 now: %+v", entries)
		}
		if reply := f.accepts(person(lee, "lee"), `/member endorse @kim "thanks"`); !strings.Contains(reply, "adds no reputation") {
			f.t.Errorf("lee's R is below 5, and the reply does not say that it counts nothing: %q", reply)
		}
		if got := f.member(kim).Contributions; !cmp.Equal(got, map[string]int{"endorsement": 1}) {
			f.t.Errorf("kim's contributions: %v", got)
		}
		f.accepts(person(maya, "maya"), `/member hold @kim "why"`)
		f.refuses(person(kim, "kim"), `/member endorse @lee "again"`, "your membership is held")
	})
}

// Each command stands on its own: with another reason it is another endorsement, and the
// same one twice is refused.
func TestSeveralEndorsementsInOneComment(t *testing.T) {
	onForum(t, known, func(f *forum) {
		joined(f)
		if err := f.try(person(kim, "kim"), "/member endorse @lee \"found the leak\"\n/member endorse @lee \"wrote the guide\"\n/member endorse @lee \"found the leak\""); err != nil {
			f.t.Fatal(err)
		}
		var notes []string
		for _, e := range f.ledger(lee) {
			notes = append(notes, e.Note)
		}
		if diff := cmp.Diff([]string{"found the leak", "wrote the guide"}, notes); diff != "" {
			f.t.Errorf("(-want +got):\n%s", diff)
		}
		err := f.store.Commands().View(f.t.Context(), func(ctx context.Context, tx command.Tx) error {
			run, err := tx.CommandRun(ctx, rocket.ID, f.comments)
			if reply := run.Reply(); strings.Count(reply, "was not carried out: you said so in this comment already") != 1 {
				f.t.Errorf("the reply: %q", reply)
			}
			return err
		})
		if err != nil {
			f.t.Error(err)
		}
	})
}

func TestCertifying(t *testing.T) {
	onForum(t, known, func(f *forum) {
		joined(f)
		f.refuses(person(maya, "maya"), "/member certify @kim foundation score=82 foo=1", "has no option")
		f.refuses(person(kim, "kim"), "/member certify @lee foundation score=90", "only a steward of the community")
		f.refuses(person(maya, "maya"), "/member certify @maya foundation score=90", "nobody decides about themselves")
		f.refuses(person(maya, "maya"), "/member certify @lee practitioner score=90", "needs the level foundation first")
		f.refuses(person(maya, "maya"), "/member certify @lee foundation score=101", "at most 100")
		if reply := f.accepts(person(maya, "maya"), `/member certify @lee foundation score=69 "nearly, Lee"`); !strings.Contains(reply, "below the pass mark 70") {
			f.t.Errorf("the reply to an exam not passed: %q", reply)
		}
		for i, level := range config.Levels() {
			f.now = f.now.Add(day)
			f.accepts(person(maya, "maya"), fmt.Sprintf("/member certify @lee %s score=%d", level.Name, level.PassMark))
			if m := f.member(lee); m.Level != level.Name {
				f.t.Errorf("the level is %q, want %q", m.Level, level.Name)
			}
			if points := f.ledger(lee)[i].Points; points != int64(10*(i+1))*community.Scale {
				f.t.Errorf("%s brought %d", level.Name, points)
			}
		}
		f.refuses(person(maya, "maya"), "/member certify @lee architect score=99", "they have the level specialist already")
		want := []string{
			"joined 103: > command",
			"exam 101: foundation>failed nearly, member/103",
			"certified 101: >foundation",
			"certified 101: foundation>practitioner",
			"certified 101: practitioner>architect",
			"certified 101: architect>specialist",
		}
		if diff := cmp.Diff(want, f.trail(lee)); diff != "" {
			f.t.Errorf("lee's trail (-want +got):\n%s", diff)
		}
	})
}

func TestPassMarks(t *testing.T) {
	onForum(t, known, func(f *forum) {
		joined(f)
		for _, test := range []struct {
			level    string
			passMark int
		}{{"foundation", 70}, {"practitioner", 75}, {"architect", 80}, {"specialist", 85}} {
			before := f.member(lee).Level
			reply := f.accepts(person(maya, "maya"), fmt.Sprintf("/member certify @lee %s score=%d", test.level, test.passMark-1))
			if got := f.member(lee).Level; got != before || !strings.Contains(reply, fmt.Sprintf("below the pass mark %d ", test.passMark)) {
				f.t.Errorf("one point short of %s the level is %q, and the reply %q", test.level, got, reply)
			}
			f.accepts(person(maya, "maya"), fmt.Sprintf("/member certify @lee %s score=%d", test.level, test.passMark))
			if got := f.member(lee).Level; got != test.level {
				f.t.Errorf("with %d the level is %q, want %q", test.passMark, got, test.level)
			}
			f.refuses(person(maya, "maya"), fmt.Sprintf("/member certify @lee %s score=100", test.level), fmt.Sprintf("they have the level %s already", test.level))
		}
	})
}

// The trail keeps of an exam, passed or not, its score, who examined, when, and the notes.
func TestAnExamStaysInTheTrail(t *testing.T) {
	onForum(t, known, func(f *forum) {
		joined(f)
		f.accepts(person(maya, "maya"), `/member certify @lee foundation score=69 "nearly"`)
		f.accepts(person(maya, "maya"), `/member certify @lee foundation score=91 "well done"`)
		var got []string
		f.change(func(ctx context.Context, tx community.Tx) error {
			trail, err := tx.RecentAudit(ctx, rocket.Owner.ID, community.MemberSubject(lee), 2)
			for _, e := range trail {
				var exam struct {
					Score int `json:"score"`
				}
				if err := json.Unmarshal(e.Inputs, &exam); err != nil {
					return err
				}
				got = append(got, fmt.Sprintf("%s %d by %d on %s: %s", e.Kind, exam.Score, e.Actor, e.At.Format(time.DateOnly), e.Why()))
			}
			return err
		})
		want := []string{"exam 69 by 101 on 2026-03-20: nearly", "certified 91 by 101 on 2026-03-20: well done"}
		if diff := cmp.Diff(want, got); diff != "" {
			f.t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// Nothing is written about who left: it would not be erased.
func TestWhoLeftIsNeitherCertifiedNorGivenARole(t *testing.T) {
	onForum(t, known, func(f *forum) {
		joined(f)
		f.accepts(person(lee, "lee"), "/member leave")
		f.refuses(person(maya, "maya"), "/member certify @lee foundation score=90", "lee is not a member here")
		f.refuses(person(maya, "maya"), "/member role @lee moderator", "lee is not a member here")
		if m := f.member(lee); m.Level != "" || m.Role != "" || len(f.ledger(lee)) != 0 {
			f.t.Errorf("lee has level %q, role %q and %d entries", m.Level, m.Role, len(f.ledger(lee)))
		}
	})
}

func TestRolesAndHolds(t *testing.T) {
	onForum(t, known, func(f *forum) {
		joined(f)
		f.refuses(person(lee, "lee"), "/member hold @kim \"no reason\"", "an owner of acme")
		f.accepts(person(maya, "maya"), "/member role @kim moderator")
		if m := f.member(kim); m.Role != "moderator" {
			f.t.Errorf("the role is %q", m.Role)
		}
		f.refuses(person(maya, "maya"), `/member release @kim "why"`, "they are not held")
		f.accepts(person(maya, "maya"), `/member hold @kim "@kim seems taken over"`)
		if m := f.member(kim); !m.Held() || !slices.Equal(f.rfcs.void, []int64{kim}) {
			f.t.Errorf("held: %t, ballots voided: %v", m.Held(), f.rfcs.void)
		}
		f.refuses(person(maya, "maya"), `/member hold @kim "why"`, "held already, since 2026-03-20")
		f.accepts(person(maya, "maya"), `/member release @kim "it is kim's again"`)
		if m := f.member(kim); m.Held() || m.HeldWhy != "" {
			f.t.Errorf("released: %+v", m)
		}
		want := []string{
			"joined 102: > command",
			"role 101: member>moderator",
			"held 101: >held member/102 seems taken over",
			"released 101: held> it is member/102's again",
		}
		if diff := cmp.Diff(want, f.trail(kim)); diff != "" {
			f.t.Errorf("kim's trail (-want +got):\n%s", diff)
		}
	})
}

// Fraud that is voided gives its victim the cap back: on one day ten points of
// signals count, and the fraudster's used them up.
func TestFraudIsVoidedAndGivesTheCapBack(t *testing.T) {
	onForum(t, known, func(f *forum) {
		joined(f)
		const others = 200
		signal := func(actor int64, points int64, at time.Time) community.Entry {
			e := community.NewEntry(rules, config.Endorsement, lee, at, fmt.Sprintf("endorsement/%d/%d", actor, at.UnixNano()))
			e.Actor, e.Points = actor, points*community.Scale
			return e
		}
		f.enter(signal(kim, 10, f.now.Add(-time.Hour)), signal(others, 4, f.now))
		of := community.NewEntry(rules, config.Endorsement, kim, f.now, "endorsement/kim")
		of.Actor = others
		f.enter(of, community.NewEntry(rules, config.VoteCast, kim, f.now, "vote/1/1/102"), community.NewEntry(rules, config.RFCAccepted, kim, f.now, "accepted/1/1"))
		if s := f.standing(lee).S; s != 10 {
			f.t.Fatalf("S of the victim is %v before", s)
		}
		reply := f.accepts(person(maya, "maya"), `/member penalise @kim fraud "bought signals"`)
		if !strings.Contains(reply, "3 entries") {
			f.t.Errorf("the reply: %q", reply)
		}
		if s := f.standing(lee).S; s != 4 {
			f.t.Errorf("S of the victim is %v, want the 4 points of the honest signal, all of them", s)
		}
		if s := f.standing(kim); s.S != 0 || s.A != 60 || s.N != 100 {
			f.t.Errorf("the fraudster has S %v, A %v, N %v", s.S, s.A, s.N)
		}
		f.accepts(person(maya, "maya"), `/member penalise @kim spam "nine times"`)
		f.accepts(person(maya, "maya"), `/member penalise @kim abuse "insults"`)
		if s := f.standing(kim); s.N != 135 {
			f.t.Errorf("N is %v after spam and abuse, want 135", s.N)
		}
	})
}

func TestVoidingAnEntryAndVoidingThat(t *testing.T) {
	onForum(t, known, func(f *forum) {
		joined(f)
		f.enter(community.NewEntry(rules, config.PullRequestMerged, lee, f.now, "merged/9/1"))
		entry := f.ledger(lee)[0].ID
		void := fmt.Sprintf(`/member void %d "reverted"`, entry)
		f.refuses(person(kim, "kim"), void, "only a steward of the community")
		f.refuses(person(maya, "maya"), `/member void 999999 "why"`, "there is no entry 999999")
		f.refuses(person(maya, "maya"), fmt.Sprintf(`/member void %d "why"`, f.ledger(maya)[0].ID), "nobody decides about themselves")
		f.accepts(person(maya, "maya"), void)
		if a := f.standing(lee).A; a != 0 {
			f.t.Errorf("A is %v after the void", a)
		}
		f.refuses(person(maya, "maya"), void, "void already, by entry")
		f.accepts(person(maya, "maya"), fmt.Sprintf(`/member void %d "it was not reverted"`, f.ledger(lee)[1].ID))
		if a := f.standing(lee).A; a != 15 {
			f.t.Errorf("A is %v after the void was voided, want 15", a)
		}
		f.accepts(person(maya, "maya"), void)
		if a := f.standing(lee).A; a != 0 {
			f.t.Errorf("A is %v after the entry was voided again", a)
		}
	})
}

func TestRingsAreFlaggedForStewardsAlone(t *testing.T) {
	onForum(t, known, func(f *forum) {
		joined(f)
		f.change(func(ctx context.Context, tx community.Tx) error {
			return tx.SaveInstallation(ctx, app.Installation{ID: 5, Account: rocket.Owner})
		})
		admire := func(actor, member int64) community.Entry {
			e := community.NewEntry(rules, config.Endorsement, member, f.now, fmt.Sprintf("endorsement/%d/%d", actor, member))
			e.Actor, e.Factor = actor, 5000
			return e
		}
		f.enter(admire(kim, lee), admire(lee, kim), admire(kim, 301), admire(301, kim), admire(301, lee), admire(maya, kim))
		if err := f.service.FlagRings(f.t.Context()); err != nil {
			f.t.Fatal(err)
		}
		if err := f.service.FlagRings(f.t.Context()); err != nil { // the next night
			f.t.Fatal(err)
		}
		flags := func(id int64) (n int) {
			f.change(func(ctx context.Context, tx community.Tx) error {
				trail, err := tx.RecentAudit(ctx, rocket.Owner.ID, community.MemberSubject(id), 0)
				n = len(slices.DeleteFunc(trail, func(e audit.Entry) bool { return e.Kind != "ring" }))
				return err
			})
			return n
		}
		if flags(kim) != 1 || flags(lee) != 1 || flags(maya) != 0 {
			f.t.Errorf("flags: kim %d, lee %d, maya %d, want 1, 1, 0", flags(kim), flags(lee), flags(maya))
		}
		if reply := f.accepts(person(maya, "maya"), "/member show @kim"); !strings.Contains(reply, "a group of 3 was seen in which 5 of 6 possible directions") || !strings.Contains(reply, "Beside this member: lee, ") {
			f.t.Errorf("the steward is not told:\n%s", reply)
		}
		if reply := f.accepts(person(lee, "lee"), "/member show @kim"); strings.Contains(reply, "group of") {
			f.t.Errorf("others are told:\n%s", reply)
		}
	})
}

func TestANightWithoutAgoraIsSearchedForRingsAfterIt(t *testing.T) {
	onForum(t, known, func(f *forum) {
		order := func(at time.Time) {
			f.change(func(ctx context.Context, tx community.Tx) error { return community.OrderRings(ctx, tx, at) })
		}
		evening := f.now.Truncate(24 * time.Hour).Add(22 * time.Hour)
		order(evening)
		order(evening.Add(12 * time.Hour)) // Agora starts again, after 03:00
		f.now = evening.Add(12 * time.Hour)
		if fired, _, err := f.store.FireTimers(f.t.Context(), 10); err != nil || fired != 1 {
			f.t.Errorf("%d searches are due after the night (%v), want the one that was missed", fired, err)
		}
	})
}

func TestAProfileShowsWhatWaitsAndWhatWasDone(t *testing.T) {
	onForum(t, known, func(f *forum) {
		joined(f)
		f.rfcs.tasks = []community.Task{{RFC: "RFC-7", Title: "A <title>", URL: "https://github.test/acme/rocket/issues/7", What: "vote", Due: noon.Add(20 * day)}}
		f.change(func(ctx context.Context, tx community.Tx) error {
			secret, lost := rocket, rocket
			secret.ID, secret.Name, secret.Private = 10, "secret", true
			lost.ID, lost.Name, lost.Installation = 11, "lost", 0 // it may have become private since
			if err := errors.Join(tx.SaveRepository(ctx, rocket), tx.SaveRepository(ctx, secret), tx.SaveRepository(ctx, lost)); err != nil {
				return err
			}
			for i, repository := range []int64{rocket.ID, secret.ID, lost.ID} {
				for range 2 { // each source once
					err := community.Contribute(ctx, tx, rocket.Owner.ID, community.Contribution{Member: kim, Kind: community.ContributedComment,
						Repository: repository, At: f.now, Source: fmt.Sprintf("comment/%d", i), URL: fmt.Sprintf("https://github.test/%d", i)})
					if err != nil {
						return err
					}
				}
			}
			return nil
		})
		own := f.accepts(person(kim, "kim"), "/member show")
		for _, want := range []string{"| Contributions | comment 1 |", "- [RFC-7](https://github.test/acme/rocket/issues/7) A &lt;title&gt;: vote, until 2026-03-30 12:00 UTC", "- 2026-03-20 [comment](https://github.test/0)"} {
			if !strings.Contains(strings.NewReplacer("&#60;", "&lt;", "&#62;", "&gt;").Replace(own), want) {
				f.t.Errorf("the profile does not say %q:\n%s", want, own)
			}
		}
		if strings.Contains(own, "github.test/1") || strings.Contains(own, "github.test/2") {
			f.t.Errorf("the profile shows what is private:\n%s", own)
		}
		if reply := f.accepts(person(lee, "lee"), "/member show @kim"); strings.Contains(reply, "RFC-7") {
			f.t.Errorf("what waits for kim is shown to lee:\n%s", reply)
		}
	})
}
