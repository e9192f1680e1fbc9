package community_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/config"
)

const (
	maya, kim, lee = int64(101), int64(102), int64(103)
	day            = 24 * time.Hour
)

var (
	noon  = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	rules = config.DefaultPolicy().Reputation
)

// book collects a ledger, giving ids as the store does.
type book []community.Entry

// add enters what Agora itself enters.
func (b *book) add(kind config.EntryKind, member int64, at time.Time) *community.Entry {
	entry := community.NewEntry(rules, kind, member, at, fmt.Sprintf("%s/%d", kind, len(*b)))
	entry.ID = int64(len(*b) + 1)
	*b = append(*b, entry)
	return &(*b)[len(*b)-1]
}

// endorse enters a signal with factor 1 of actor to member.
func (b *book) endorse(actor, member int64, at time.Time) *community.Entry {
	entry := b.add(config.Endorsement, member, at)
	entry.Actor = actor
	return entry
}

// void takes an entry back.
func (b *book) void(id int64, at time.Time) int64 {
	entry := b.add(config.EntryVoid, (*b)[id-1].Member, at)
	entry.Voids = id
	return entry.ID
}

func (b book) ledger() map[int64][]community.Entry {
	ledger := map[int64][]community.Entry{}
	for _, entry := range b {
		ledger[entry.Member] = append(ledger[entry.Member], entry)
	}
	return ledger
}

func (b book) receipt(member int64, now time.Time) community.Receipt {
	return community.ReceiptOf(member, b.ledger(), now, rules)
}

func (b book) standing(member int64, now time.Time) community.Standing {
	return community.ReplayAll(b.ledger(), now, rules)[member]
}

// verdicts are those of a receipt, in order.
func verdicts(r community.Receipt) (list []community.Verdict) {
	for _, term := range r.Terms {
		list = append(list, term.Verdict)
	}
	return list
}

func wantVerdicts(t *testing.T, r community.Receipt, want ...community.Verdict) {
	t.Helper()
	if diff := cmp.Diff(want, verdicts(r)); diff != "" {
		t.Errorf("verdicts (-want +got):\n%s", diff)
	}
}

func wantPoints(t *testing.T, name string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9 {
		t.Errorf("%s = %v points, want %v", name, got, want)
	}
}

func TestSteadyWorkSettles(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		aDay float64
		want int
	}{{0.25, 14}, {0.5, 27}, {1, 47}, {2, 72}, {4, 92}} {
		var b book
		const days = 10 * 365
		for i := range days {
			b.add(config.PullRequestMerged, maya, noon.Add(time.Duration(i)*day)).Points = int64(test.aDay * community.Scale)
		}
		if got := b.standing(maya, noon.Add((days-1)*day)).Reputation; got < test.want-1 || got > test.want+1 {
			t.Errorf("%v A points a day settle at R = %d, want %d to within 1", test.aDay, got, test.want)
		}
	}
}

func TestGenesisReputation(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		kind         config.EntryKind
		want, weight int
	}{{config.GenesisAdmin, 39, 256}, {config.GenesisMaintain, 31, 224}, {config.GenesisWrite, 22, 188}, {config.GenesisTriage, 9, 136}} {
		var b book
		b.add(test.kind, maya, noon)
		if got := b.standing(maya, noon); got.Reputation != test.want || got.Weight() != test.weight {
			t.Errorf("%s: R %d, weight %d; want %d, %d", test.kind, got.Reputation, got.Weight(), test.want, test.weight)
		}
	}
}

// TestPointsOfKinds holds the table of kinds: class and points of each, by name.
func TestPointsOfKinds(t *testing.T) {
	t.Parallel()
	const a, s, n, g = config.Authority, config.Signal, config.Negative, config.Genesis
	table := map[config.EntryKind]struct {
		class  config.EntryClass
		points float64
	}{
		config.RFCAccepted: {a, 60}, config.RFCImplemented: {a, 30}, config.PullRequestMerged: {a, 15}, config.ConcernUpheld: {a, 10}, config.RFCRejected: {a, 5},
		config.CertifiedFoundation: {a, 10}, config.CertifiedPractitioner: {a, 20}, config.CertifiedArchitect: {a, 30}, config.CertifiedSpecialist: {a, 40},
		config.VoteCast: {s, 1}, config.CommentReaction: {s, 1}, config.Endorsement: {s, 4}, config.SkillReview: {s, 2},
		config.SpamRemoved: {n, 10}, config.FrivolousConcern: {n, 5}, config.AbuseUpheld: {n, 25}, config.FraudUpheld: {n, 100},
		config.GenesisAdmin: {g, 200}, config.GenesisMaintain: {g, 150}, config.GenesisWrite: {g, 100}, config.GenesisTriage: {g, 40},
	}
	for _, kind := range config.EntryKinds() {
		want, known := table[kind]
		var b book
		b.add(kind, maya, noon)
		got := b.receipt(maya, noon).Terms[0]
		if !known || got.Class != want.class || got.Now != want.points {
			t.Errorf("%s: class %s, %v points; want %s, %v", kind, got.Class, got.Now, want.class, want.points)
		}
	}
}

func TestWeight(t *testing.T) {
	t.Parallel()
	for r, want := range map[int]int{0: 100, 1: 104, 25: 200, 39: 256, 100: 500} {
		if got := community.Weight(r); got != want {
			t.Errorf("Weight(%d) = %d, want %d", r, got, want)
		}
	}
}

func TestDecayByWholeDays(t *testing.T) {
	t.Parallel()
	var b book
	b.add(config.RFCAccepted, maya, time.Date(2026, 1, 1, 23, 59, 59, 0, time.UTC))
	b.add(config.FrivolousConcern, maya, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	b.add(config.VoteCast, maya, time.Date(2026, 1, 1, 12, 0, 0, 0, time.FixedZone("", -10*3600)))
	if got := b.receipt(maya, time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)).Terms; got[0].AgeDays != 1 || got[1].AgeDays != 1 {
		t.Errorf("a second after midnight yesterday's entries are %d and %d days old, want 1", got[0].AgeDays, got[1].AgeDays)
	}
	after := func(days int) community.Standing {
		return b.standing(maya, time.Date(2026, 1, 1+days, 23, 59, 59, 0, time.UTC))
	}
	wantPoints(t, "A on the day", after(0).A, 60)
	wantPoints(t, "A after 180 days", after(180).A, 30)
	wantPoints(t, "A after 360 days", after(360).A, 15)
	wantPoints(t, "S after 180 days", after(180).S, 0.5)
	wantPoints(t, "N after 365 days", after(365).N, 2.5)
	got := after(180)
	wantPoints(t, "P", got.P, got.A+got.S-got.N)
}

func TestAuthorityIsCappedADay(t *testing.T) {
	t.Parallel()
	var b book
	b.add(config.RFCImplemented, maya, noon)
	b.add(config.RFCImplemented, maya, noon.Add(time.Hour)).Points = 20 * community.Scale
	b.add(config.PullRequestMerged, maya, noon.Add(2*time.Hour))
	b.add(config.PullRequestMerged, maya, noon.Add(3*time.Hour))
	b.add(config.PullRequestMerged, maya, noon.Add(12*time.Hour)) // the next day
	b.add(config.GenesisAdmin, maya, noon)                        // not under the cap
	r := b.receipt(maya, noon.Add(4*time.Hour))
	wantVerdicts(t, r, community.Counts, community.Counts, community.Counts, community.BeyondDay, community.BeyondDay)
	wantPoints(t, "A", r.A, 60)
	wantPoints(t, "G", r.G, 200)
	if r.Terms[3].Counted != 10*community.Scale || r.Terms[3].Why() == "" {
		t.Errorf("the entry that crosses the cap: %+v", r.Terms[3])
	}
	wantPoints(t, "A with the next day", b.standing(maya, noon.Add(13*time.Hour)).A, 60*math.Exp2(-1.0/180)+15)
}

func TestSignalsAreCappedADay(t *testing.T) {
	t.Parallel()
	var b book
	for i := range 13 {
		b.add(config.VoteCast, maya, noon.Add(time.Duration(i)*time.Minute))
	}
	wantPoints(t, "S", b.standing(maya, noon.Add(time.Hour)).S, 10)
}

func TestSignalsCountUpToTwentyAndHalfOfAuthority(t *testing.T) {
	t.Parallel()
	var b book
	for i := range 10 {
		for range 10 {
			b.add(config.VoteCast, maya, noon.Add(-time.Duration(i)*day))
		}
	}
	alone := b.standing(maya, noon)
	wantPoints(t, "P without authority", alone.P, 20)
	b.add(config.GenesisAdmin, maya, noon)
	wantPoints(t, "P with genesis, which does not raise the cap", b.standing(maya, noon).P, 220)
	b.add(config.RFCImplemented, maya, noon)
	got := b.standing(maya, noon)
	wantPoints(t, "the cap", got.SCap, 35)
	wantPoints(t, "P with authority", got.P, 200+30+35)
	b.add(config.AbuseUpheld, maya, noon)
	wantPoints(t, "P with a penalty, which leaves the cap alone", b.standing(maya, noon).P, 240)
}

func TestPenaltiesNeverGoBelowZero(t *testing.T) {
	t.Parallel()
	var b book
	b.add(config.FraudUpheld, maya, noon)
	b.add(config.FraudUpheld, maya, noon)
	got := b.standing(maya, noon)
	wantPoints(t, "N, which has no cap", got.N, 200)
	if got.Reputation != 0 || got.Weight() != 100 {
		t.Errorf("R = %d, weight %d; want 0, 100", got.Reputation, got.Weight())
	}
}

func TestHighestGenesisCountsOnce(t *testing.T) {
	t.Parallel()
	var b book
	b.add(config.GenesisWrite, maya, noon)
	b.add(config.GenesisMaintain, maya, noon.Add(time.Hour))
	b.add(config.GenesisMaintain, maya, noon.Add(30*day))
	b.add(config.GenesisTriage, maya, noon.Add(30*day))
	r := b.receipt(maya, noon.Add(30*day))
	wantVerdicts(t, r, community.LesserGenesis, community.Counts, community.LesserGenesis, community.LesserGenesis)
	if r.Terms[1].AgeDays != 30 {
		t.Error("a repository added later must not renew genesis")
	}
	b.void(2, noon.Add(30*day))
	wantPoints(t, "G when the highest is void", b.standing(maya, noon.Add(30*day)).G, 150)
}

func TestReactionsOnACommentAreLimited(t *testing.T) {
	t.Parallel()
	var b book
	react := func(actor, comment int64, at time.Time) {
		entry := b.endorse(actor, maya, at)
		entry.Kind, entry.Points, entry.Source = config.CommentReaction, community.Scale, fmt.Sprintf("comment/%d/%d", comment, actor)
	}
	for actor := range int64(7) {
		react(1000+actor, 77, noon.Add(time.Duration(actor)*day))
	}
	react(2000, 78, noon.Add(8*day))
	r := b.receipt(maya, noon.Add(8*day))
	const counts, beyond = community.Counts, community.BeyondSubject
	wantVerdicts(t, r, counts, counts, counts, counts, counts, beyond, beyond, counts)
}

func TestReviewsOfADayAreLimited(t *testing.T) {
	t.Parallel()
	var b book
	for range 3 {
		b.add(config.SkillReview, maya, noon)
	}
	b.add(config.SkillReview, maya, noon.Add(day))
	wantVerdicts(t, b.receipt(maya, noon.Add(day)), community.Counts, community.Counts, community.BeyondDay, community.Counts)
}

func TestFactorWeighsSignals(t *testing.T) {
	t.Parallel()
	var b book
	b.endorse(kim, maya, noon).Factor = 2500
	b.endorse(lee, maya, noon).Factor = 0
	r := b.receipt(maya, noon)
	wantVerdicts(t, r, community.Counts, community.NoFactor)
	wantPoints(t, "S", r.S, 1)
}

func TestFutureIsNotRead(t *testing.T) {
	t.Parallel()
	var b book
	b.add(config.RFCAccepted, maya, noon)
	b.add(config.RFCAccepted, maya, noon.Add(day))
	b.void(1, noon.Add(2*day))
	wantPoints(t, "A as of then", b.standing(maya, noon).A, 60)
	if got := len(b.receipt(maya, noon).Terms); got != 1 {
		t.Errorf("the receipt shows %d entries, want 1", got)
	}
}

func TestBrokenEntriesCountNothing(t *testing.T) {
	t.Parallel()
	var b book
	b.add(config.RFCAccepted, maya, noon).Points = -5
	b.add(config.RFCAccepted, maya, noon).Points = math.MaxInt64
	b.add(config.RFCAccepted, maya, noon).Factor = community.Scale + 1
	b.add("bribe", maya, noon).Points = 100 * community.Scale
	r := b.receipt(maya, noon)
	wantVerdicts(t, r, community.Invalid, community.Invalid, community.Invalid, community.Invalid)
	if r.Reputation != 0 {
		t.Errorf("R = %d, want 0", r.Reputation)
	}
}

func TestReceiptAddsUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := drawBook(t)
		now := noon.Add(200 * day)
		standings := community.ReplayAll(b.ledger(), now, rules)
		for _, member := range []int64{maya, kim, lee} {
			receipt := b.receipt(member, now)
			if diff := cmp.Diff(standings[member].Reputation, receipt.Reputation); diff != "" {
				t.Fatalf("receipt and standing of %d differ: %s", member, diff)
			}
			sums := map[config.EntryClass]float64{}
			for _, term := range receipt.Terms {
				sums[term.Class] += term.Now
				if term.Counted > term.Worth || term.Verdict == community.Counts && term.Counted != term.Worth || term.Void() && term.Counted != 0 {
					t.Fatalf("a term that does not say the truth: %+v", term)
				}
			}
			want := sums[config.Authority] + sums[config.Genesis] + min(sums[config.Signal], receipt.SCap) - sums[config.Negative]
			if math.Abs(want-receipt.P) > 1e-6 {
				t.Fatalf("the terms add up to %v, P is %v", want, receipt.P)
			}
		}
	})
}

func TestReputationIsFromZeroToHundred(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		for _, standing := range community.ReplayAll(drawBook(t).ledger(), noon.Add(200*day), rules) {
			if standing.Reputation < 0 || standing.Reputation > 100 || standing.Weight() < 100 || standing.Weight() > 500 {
				t.Fatalf("%+v", standing)
			}
		}
	})
}

func TestOrderOfEntriesDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := drawBook(t)
		shuffled := book(rapid.Permutation(b).Draw(t, "order"))
		now := noon.Add(200 * day)
		if diff := cmp.Diff(b.receipt(maya, now), shuffled.receipt(maya, now)); diff != "" {
			t.Fatalf("another order, another receipt:\n%s", diff)
		}
	})
}

// drawBook draws a crowded ledger of three members: bursts, exchanges and voids, of voids too, are likely.
func drawBook(t *rapid.T) book {
	members := []int64{maya, kim, lee}
	kinds := append(config.EntryKinds(), config.Endorsement, config.Endorsement, config.Endorsement, config.EntryVoid, config.EntryVoid)
	var b book
	for range rapid.IntRange(0, 60).Draw(t, "entries") {
		at := noon.Add(time.Duration(rapid.IntRange(0, 60*24).Draw(t, "hour")) * time.Hour)
		kind := rapid.SampledFrom(kinds).Draw(t, "kind")
		if kind == config.EntryVoid && len(b) > 0 {
			b.void(rapid.Int64Range(1, int64(len(b))).Draw(t, "voids"), at)
			continue
		}
		entry := b.add(kind, rapid.SampledFrom(members).Draw(t, "member"), at)
		if kind.Class() == config.Signal {
			entry.Actor = rapid.SampledFrom([]int64{0, maya, kim, lee}).Draw(t, "actor")
			entry.Factor = rapid.Int64Range(0, community.Scale).Draw(t, "factor")
		}
	}
	return b
}
