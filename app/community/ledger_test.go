package community_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/config"
)

func TestVoids(t *testing.T) {
	t.Parallel()
	var b book
	b.add(config.RFCAccepted, maya, noon)
	void := b.void(1, noon.Add(time.Hour))
	r := b.receipt(maya, noon.Add(time.Hour))
	wantVerdicts(t, r, community.VoidByEntry)
	if r.Terms[0].VoidedBy != void || r.A != 0 || r.Terms[0].Why() != "void by entry 2" {
		t.Errorf("receipt: %+v", r)
	}
	second := b.void(void, noon.Add(2*time.Hour))
	wantVerdicts(t, b.receipt(maya, noon.Add(2*time.Hour)), community.Counts)
	b.void(second, noon.Add(3*time.Hour))
	wantVerdicts(t, b.receipt(maya, noon.Add(3*time.Hour)), community.VoidByEntry)
}

func TestAnEntryVoidsOnlyEarlierOnes(t *testing.T) {
	t.Parallel()
	var b book
	b.add(config.FrivolousConcern, maya, noon).Voids = 1 // itself
	b.add(config.SpamRemoved, maya, noon).Voids = 3      // what comes later
	b.add(config.AbuseUpheld, maya, noon)
	wantVerdicts(t, b.receipt(maya, noon), community.Counts, community.Counts, community.Counts)
}

func TestRepeatsHalve(t *testing.T) {
	t.Parallel()
	var b book
	for i := range 3 {
		b.endorse(kim, maya, noon.Add(time.Duration(i)*10*day))
	}
	b.endorse(lee, maya, noon.Add(20*day))  // another actor begins anew
	b.endorse(kim, maya, noon.Add(110*day)) // 90 days after the third: the first two are out of the window
	r := b.receipt(maya, noon.Add(110*day))
	want := []int64{40_000, 20_000, 10_000, 40_000, 20_000}
	for i, term := range r.Terms {
		if term.Worth != want[i] {
			t.Errorf("signal %d is worth %d, want %d", i+1, term.Worth, want[i])
		}
	}
	if r.Terms[1].Why() == "" {
		t.Error("a halved signal should say so")
	}
}

// A signal halves the next one for 90 days to the second.
func TestRepeatsAreForgottenAfterNinetyDays(t *testing.T) {
	t.Parallel()
	for after, want := range map[time.Duration]int{90 * day: 2, 90*day + time.Second: 1} {
		var b book
		b.endorse(kim, maya, noon)
		b.endorse(kim, maya, noon.Add(after))
		if got := b.receipt(maya, noon.Add(100*day)).Terms[1].Repeat; got != want {
			t.Errorf("%s after the first: k = %d, want %d", after, got, want)
		}
	}
}

func TestBursts(t *testing.T) {
	t.Parallel()
	const counts, void = community.Counts, community.VoidByBurst
	for _, test := range []struct {
		name  string
		count int
		every time.Duration
		want  community.Verdict
	}{
		{"four in a day", 4, time.Hour, counts},
		{"five within exactly 24 hours", 5, 6 * time.Hour, void},
		{"five in a little more", 5, 6*time.Hour + time.Second, counts},
		{"eleven in less than a day", 11, time.Hour, void},
		{"ten within exactly 7 days", 10, 7 * day / 9, void},
		{"ten in a little more", 10, 7*day/9 + time.Second, counts},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var b book
			for i := range test.count {
				b.endorse(kim, maya, noon.Add(time.Duration(i)*test.every))
			}
			wantVerdicts(t, b.receipt(maya, noon.Add(10*day)), slices.Repeat([]community.Verdict{test.want}, test.count)...)
		})
	}
}

func TestABurstTakesOnlyItsOwn(t *testing.T) {
	t.Parallel()
	const counts, void = community.Counts, community.VoidByBurst
	var b book
	b.endorse(kim, maya, noon.Add(-3*day))
	for i := range 5 {
		b.endorse(kim, maya, noon.Add(time.Duration(i)*time.Minute))
	}
	b.endorse(lee, maya, noon.Add(10*time.Minute))
	b.endorse(kim, maya, noon.Add(3*day))
	r := b.receipt(maya, noon.Add(3*day))
	wantVerdicts(t, r, counts, void, void, void, void, void, counts, counts)
	if got := r.Terms[7].Repeat; got != 2 {
		t.Errorf("void signals count as repeats: k = %d, want 2", got)
	}
}

func TestAgorasOwnEntriesAreNoBurst(t *testing.T) {
	t.Parallel()
	var b book
	for i := range 8 {
		b.add(config.VoteCast, maya, noon.Add(time.Duration(i)*time.Minute))
	}
	wantPoints(t, "S", b.standing(maya, noon.Add(time.Hour)).S, 8)
}

func TestExchanges(t *testing.T) {
	t.Parallel()
	const counts, void = community.Counts, community.VoidByExchange
	var b book
	for i := range 3 {
		b.endorse(kim, maya, noon.Add(time.Duration(i)*2*day))
		b.endorse(maya, kim, noon.Add(time.Duration(i)*2*day+time.Hour))
	}
	b.endorse(kim, maya, noon.Add(40*day))
	now := noon.Add(40 * day)
	wantVerdicts(t, b.receipt(maya, now), counts, counts, void, counts)
	wantVerdicts(t, b.receipt(kim, now), counts, counts, void)
}

// Two members exchange four signals in 30 days: the fifth is void for 30 days to the second
// after the first of them.
func TestExchangesAreForgottenAfterThirtyDays(t *testing.T) {
	t.Parallel()
	const counts, void = community.Counts, community.VoidByExchange
	for after, want := range map[time.Duration]community.Verdict{30 * day: void, 30*day + time.Second: counts} {
		t.Run(after.String(), func(t *testing.T) {
			t.Parallel()
			var b book
			b.endorse(kim, maya, noon)
			b.endorse(maya, kim, noon.Add(day))
			b.endorse(kim, maya, noon.Add(2*day))
			b.endorse(maya, kim, noon.Add(3*day))
			b.endorse(kim, maya, noon.Add(20*day)) // which is void, and makes nothing else so
			b.endorse(kim, maya, noon.Add(after))
			wantVerdicts(t, b.receipt(maya, noon.Add(40*day)), counts, counts, void, want)
			wantVerdicts(t, b.receipt(kim, noon.Add(40*day)), counts, counts)
		})
	}
}

func TestSignalsOneWayAreNoExchange(t *testing.T) {
	t.Parallel()
	for name, back := range map[string][]time.Duration{
		"none the other way":                       nil,
		"one the other way, long before and after": {-31 * day, 18*day + 31*day},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b book
			for i := range 7 {
				b.endorse(kim, maya, noon.Add(time.Duration(i)*3*day))
			}
			for _, at := range back {
				b.endorse(maya, kim, noon.Add(at))
			}
			now := noon.Add(60 * day)
			wantVerdicts(t, b.receipt(maya, now), slices.Repeat([]community.Verdict{community.Counts}, 7)...)
			if got := b.standing(kim, now).S; len(back) > 0 && got <= 4 {
				t.Errorf("of what kim got, %v counts, want both", got)
			}
		})
	}
}

func TestFraudGivesItsVictimTheCapBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var honest book
		for range rapid.IntRange(0, 15).Draw(t, "honest") {
			at := noon.Add(time.Duration(rapid.IntRange(0, 600).Draw(t, "minute")) * time.Minute)
			honest.endorse(rapid.Int64Range(2000, 2005).Draw(t, "actor"), maya, at)
		}
		attacked := slices.Clone(honest)
		for range rapid.IntRange(1, 15).Draw(t, "fraud") {
			at := noon.Add(time.Duration(rapid.IntRange(0, 600).Draw(t, "minute")) * time.Minute)
			fraud := attacked.endorse(rapid.Int64Range(2000, 2005).Draw(t, "actor"), maya, at).ID
			attacked.void(fraud, noon.Add(day))
		}
		now := noon.Add(2 * day)
		if got, want := attacked.standing(maya, now), honest.standing(maya, now); got.P != want.P {
			t.Fatalf("after fraud was voided P = %v, without it %v", got.P, want.P)
		}
	})
}

// A signal whose factor is 0 is none: it halves no other, and four of them and one that
// counts are no burst.
func TestSignalsWithoutAFactorTakeNothingFromOthers(t *testing.T) {
	t.Parallel()
	var b book
	for i := range 4 {
		b.endorse(kim, maya, noon.Add(time.Duration(i)*time.Minute)).Factor = 0
	}
	b.endorse(kim, maya, noon.Add(time.Hour))
	r := b.receipt(maya, noon.Add(time.Hour))
	const none = community.NoFactor
	wantVerdicts(t, r, none, none, none, none, community.Counts)
	wantPoints(t, "S", r.S, 4)
}

func TestBurstsNeverUseUpACap(t *testing.T) {
	t.Parallel()
	var b book
	for i := range 12 {
		b.endorse(kim, maya, noon.Add(time.Duration(i)*time.Minute))
	}
	b.endorse(lee, maya, noon.Add(time.Hour))
	wantPoints(t, "S", b.standing(maya, noon.Add(2*time.Hour)).S, 4)
}

func TestSignalFactor(t *testing.T) {
	t.Parallel()
	fit := community.SignalFacts{Actor: kim, Member: maya, AccountCreated: noon.Add(-30 * day), Joined: noon.Add(-7 * day), Reputation: 5}
	for _, test := range []struct {
		name   string
		change func(*community.SignalFacts)
		want   int64
	}{
		{"just fit", func(*community.SignalFacts) {}, 2875},
		{"R 39", func(f *community.SignalFacts) { f.Reputation = 39 }, 5425},
		{"R 100", func(f *community.SignalFacts) { f.Reputation = 100 }, 10_000},
		{"R 4", func(f *community.SignalFacts) { f.Reputation = 4 }, 0},
		{"the member itself", func(f *community.SignalFacts) { f.Actor = maya }, 0},
		{"a bot", func(f *community.SignalFacts) { f.Bot = true }, 0},
		{"blocked", func(f *community.SignalFacts) { f.Blocked = true }, 0},
		{"the same partner", func(f *community.SignalFacts) { f.SamePartner = true }, 0},
		{"a young account", func(f *community.SignalFacts) { f.AccountCreated = noon.Add(-30*day + time.Second) }, 0},
		{"an account of unknown age", func(f *community.SignalFacts) { f.AccountCreated = time.Time{} }, 0},
		{"a young member", func(f *community.SignalFacts) { f.Joined = noon.Add(-7*day + time.Second) }, 0},
		{"no member", func(f *community.SignalFacts) { f.Joined = time.Time{} }, 0},
	} {
		facts := fit
		test.change(&facts)
		if got := community.SignalFactor(facts, noon, rules); got != test.want {
			t.Errorf("%s: factor %d, want %d", test.name, got, test.want)
		}
	}
}

func TestSplitPlacesEveryPoint(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		points, n := rapid.Int64Range(0, 1e9).Draw(t, "points"), rapid.IntRange(1, 50).Draw(t, "n")
		shares := community.Split(points, n)
		sum := int64(0)
		for _, share := range shares {
			sum += share
		}
		if len(shares) != n || sum != points || slices.Max(shares)-slices.Min(shares) > 1 {
			t.Fatalf("%d among %d: %v", points, n, shares)
		}
	})
}
