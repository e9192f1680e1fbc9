package community_test

import (
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/config"
)

// around is what a member's standing rests on: see community.Ledger.
func (b book) around(member int64) map[int64][]community.Entry {
	others, around := map[int64]bool{}, book{}
	for _, e := range b {
		if e.Member == member {
			others[e.Actor] = e.Actor != 0 && e.Actor != member
			around = append(around, e)
		}
	}
	given := map[int64]bool{}
	for _, e := range b {
		if e.Actor == member && others[e.Member] {
			given[e.Member] = true
			around = append(around, e)
		}
	}
	for _, e := range b {
		if e.Voids != 0 && given[e.Member] && e.Actor != member {
			around = append(around, e)
		}
	}
	return around.ledger()
}

// drawLedger draws a crowded ledger, or one in which two members mostly exchange signals that are taken back and brought back.
func drawLedger(t *rapid.T) book {
	if rapid.Bool().Draw(t, "crowded") {
		return drawBook(t)
	}
	var b book
	for range rapid.IntRange(4, 25).Draw(t, "entries") {
		at := noon.Add(time.Duration(rapid.IntRange(0, 25*24).Draw(t, "hour")) * time.Hour)
		pair := rapid.SampledFrom([][2]int64{{maya, kim}, {kim, maya}, {kim, maya}, {lee, maya}}).Draw(t, "pair")
		if len(b) > 4 && rapid.IntRange(0, 3).Draw(t, "void") == 0 {
			b.void(rapid.Int64Range(1, int64(len(b))).Draw(t, "voids"), at)
			b[len(b)-1].Actor = rapid.SampledFrom([]int64{maya, lee}).Draw(t, "steward")
			continue
		}
		b.endorse(pair[0], pair[1], at)
	}
	return b
}

// What follows from a balance is to the bit what a replay of the whole ledger says.
func TestABalanceIsAReplay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := drawLedger(t)
		whole := community.Balances(b.ledger(), rules)
		now := noon.Add(time.Duration(rapid.IntRange(0, 100*24).Draw(t, "now")) * time.Hour)
		replayed := community.ReplayAll(b.ledger(), now, rules)
		for _, member := range []int64{maya, kim, lee} {
			own := community.BalanceOf(member, b.around(member), rules)
			if diff := cmp.Diff(whole[member].Days, own.Days); diff != "" {
				t.Fatalf("the balance of %d from its surroundings differs (-whole +own):\n%s", member, diff)
			}
			want, has := replayed[member]
			if !has {
				continue // nothing was entered yet
			}
			for name, balance := range map[string]community.Balance{"of all": whole[member], "of one": own} {
				if got := balance.Standing(member, now, rules); !now.Before(balance.From) && got != want {
					t.Fatalf("the balance %s of %d gives %+v, a replay %+v", name, member, got, want)
				}
			}
			if got := community.ReceiptOf(member, b.around(member), now, rules).Standing; got != want {
				t.Fatalf("the receipt of %d from its surroundings says %+v, a replay %+v", member, got, want)
			}
		}
	})
}

func TestEarnedCountsWholeDays(t *testing.T) {
	t.Parallel()
	var b book
	for i, kind := range []config.EntryKind{config.GenesisAdmin, config.RFCAccepted, config.VoteCast, config.SpamRemoved} {
		b.add(kind, maya, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i)*time.Nanosecond))
	}
	b.add(config.PullRequestMerged, maya, time.Date(2026, 3, 1, 23, 59, 59, 0, time.UTC)) // beyond the cap
	b.add(config.RFCRejected, maya, time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC))
	balance := community.Balances(b.ledger(), rules)[maya]
	for _, test := range []struct {
		now    string
		days   int
		points int64
	}{
		{"2026-03-02T00:00:00Z", 1, 5},
		{"2026-03-02T23:59:59Z", 2, 5 + 60 + 1 - 10},
		{"2026-03-03T00:00:00Z", 2, 5},
		{"2026-03-03T00:00:00Z", 3, 5 + 60 + 1 - 10},
		{"2026-03-04T00:00:00Z", 2, 0},
		{"2027-03-01T12:00:00Z", 365, 5},
		{"2027-03-02T01:30:00+02:00", 365, 5},
		{"2027-03-02T00:00:00Z", 365, 0},
	} {
		now, err := time.Parse(time.RFC3339, test.now)
		if err != nil {
			t.Fatal(err)
		}
		if got := balance.Earned(now, test.days); got != test.points*community.Scale {
			t.Errorf("in %d days up to %s: %s points, want %d", test.days, test.now, community.FormatPoints(got), test.points)
		}
	}
}

func TestPointsAreWrittenAsDecimals(t *testing.T) {
	t.Parallel()
	got := map[int64]string{}
	for _, units := range []int64{0, 600_000, 15_000, -30_000, -1, 100} {
		got[units] = community.FormatPoints(units)
	}
	want := map[int64]string{0: "0", 600_000: "60", 15_000: "1.5", -30_000: "-3", -1: "-0.0001", 100: "0.01"}
	if !maps.Equal(got, want) {
		t.Errorf("written %v, want %v", got, want)
	}
}
