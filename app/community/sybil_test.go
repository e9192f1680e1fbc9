package community_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/config"
)

// society plays a community day by day, with the factors that its standings give.
type society struct {
	ledger    map[int64][]community.Entry
	standings map[int64]community.Standing
	joined    map[int64]time.Time
	id        int64
}

func (s *society) add(e community.Entry) {
	s.id++
	e.ID = s.id
	s.ledger[e.Member] = append(s.ledger[e.Member], e)
}

func (s *society) signal(kind config.EntryKind, actor, member int64, at time.Time) {
	e := community.NewEntry(rules, kind, member, at, fmt.Sprintf("%s/%d/%d", kind, s.id, actor))
	e.Actor = actor
	e.Factor = community.SignalFactor(community.SignalFacts{Actor: actor, Member: member, AccountCreated: s.joined[actor],
		Joined: s.joined[actor], Reputation: s.standings[actor].Reputation}, at, rules)
	s.add(e)
}

// Two hundred accounts that vote, react and endorse one another, and now and then a
// member, for a year, end with an R of 4 at most each, and move no member's R by more
// than 1.
func TestSybilsGetNowhere(t *testing.T) {
	t.Parallel()
	const sybils, firstSybil, days = 200, 1000, 365
	honest := func(withSybils bool) *society {
		s := &society{ledger: map[int64][]community.Entry{}, joined: map[int64]time.Time{}}
		for member := int64(1); member <= 10; member++ {
			s.joined[member] = noon
			s.add(community.NewEntry(rules, config.GenesisWrite, member, noon, fmt.Sprintf("genesis/1/%d", member)))
		}
		for n := range int64(sybils) {
			s.joined[firstSybil+n] = noon
		}
		for d := range days {
			at := noon.Add(time.Duration(d) * day)
			if d%7 == 0 {
				s.standings = community.ReplayAll(s.ledger, at, rules)
			}
			if d%5 == 0 {
				s.signal(config.Endorsement, int64(d%10+1), int64((d+3)%10+1), at)
			}
			if !withSybils {
				continue
			}
			for n := range int64(sybils) {
				me, other := firstSybil+n, firstSybil+(n+int64(d)+1)%sybils
				if other != me {
					s.signal(config.Endorsement, me, other, at)
					s.signal(config.CommentReaction, me, other, at)
				}
				if d%7 == 0 { // an RFC a week is decided
					s.add(community.NewEntry(rules, config.VoteCast, me, at, fmt.Sprintf("vote/%d/1/%d", d, me)))
				}
				if d%30 == 0 {
					s.signal(config.Endorsement, me, n%10+1, at)
				}
			}
		}
		s.standings = community.ReplayAll(s.ledger, noon.Add(days*day), rules)
		return s
	}
	without, with := honest(false), honest(true)
	highest := 0
	for n := range int64(sybils) {
		highest = max(highest, with.standings[firstSybil+n].Reputation)
	}
	if highest > 4 {
		t.Errorf("a sybil has R %d", highest)
	}
	for member := int64(1); member <= 10; member++ {
		before, after := without.standings[member].Reputation, with.standings[member].Reputation
		if before == 0 || after-before > 1 || before-after > 1 {
			t.Errorf("R of member %d went from %d to %d", member, before, after)
		}
	}
}

// Two members with reputation who endorse each other daily end where two would who
// never did, but for the few that may be exchanged.
func TestMutualAdmirationIsVoid(t *testing.T) {
	t.Parallel()
	s := &society{ledger: map[int64][]community.Entry{}, joined: map[int64]time.Time{1: noon.Add(-100 * day), 2: noon.Add(-100 * day)}}
	for member := int64(1); member <= 2; member++ {
		s.add(community.NewEntry(rules, config.GenesisAdmin, member, noon, fmt.Sprintf("genesis/1/%d", member)))
	}
	const days = 90
	for d := range days {
		at := noon.Add(time.Duration(d) * day)
		s.standings = community.ReplayAll(s.ledger, at, rules)
		s.signal(config.Endorsement, 1, 2, at)
		s.signal(config.Endorsement, 2, 1, at.Add(time.Hour))
	}
	for member := int64(1); member <= 2; member++ {
		receipt := community.ReceiptOf(member, s.ledger, noon.Add(days*day), rules)
		void := 0
		for _, term := range receipt.Terms {
			if term.Void() {
				void++
			}
		}
		if void < days-6 || receipt.S > 4 {
			t.Errorf("of %d signals %d are void, and S is %.2f", days, void, receipt.S)
		}
	}
}

func TestRings(t *testing.T) {
	t.Parallel()
	type link struct{ from, to, points int64 }
	circle := func(members ...int64) (links []link) { // everybody signals everybody
		for _, from := range members {
			for _, to := range members {
				if from != to {
					links = append(links, link{from, to, 4})
				}
			}
		}
		return links
	}
	honest := func() (links []link) { // a community of thirty in which signals go round
		for n := range int64(30) {
			links = append(links, link{100 + n, 100 + (n+1)%30, 1}, link{100 + n, 100 + (n*7+3)%30, 1})
		}
		return links
	}
	for name, tc := range map[string]struct {
		links []link
		want  [][]int64
	}{
		"nobody":                          {nil, nil},
		"two are no ring":                 {circle(1, 2), nil},
		"three":                           {circle(1, 2, 3), [][]int64{{1, 2, 3}}},
		"twelve":                          {circle(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12), [][]int64{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}}},
		"thirteen are a crowd":            {circle(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13), nil},
		"a loop is not dense":             {[]link{{1, 2, 4}, {2, 3, 4}, {3, 4, 4}, {4, 1, 4}}, nil},
		"liked by others as well":         {append(circle(1, 2, 3), link{9, 1, 4}, link{8, 2, 4}, link{7, 3, 4}), nil},
		"an honest community":             {honest(), nil},
		"a ring hidden in it":             {append(append(honest(), circle(1, 2, 3, 4)...), link{1, 100, 1}, link{107, 1, 1}), [][]int64{{1, 2, 3, 4}}},
		"two rings that know one another": {append(append(circle(1, 2, 3), circle(4, 5, 6)...), link{1, 4, 1}), [][]int64{{1, 2, 3}, {4, 5, 6}}},
	} {
		ledger := map[int64][]community.Entry{}
		for i, l := range tc.links {
			e := community.NewEntry(rules, config.Endorsement, l.to, noon.Add(time.Duration(i)*time.Second), fmt.Sprint(i))
			e.ID, e.Actor, e.Points = int64(i+1), l.from, l.points*community.Scale
			ledger[l.to] = append(ledger[l.to], e)
		}
		var got [][]int64
		for _, ring := range community.Rings(ledger, noon.Add(-day), noon.Add(day), rules) {
			got = append(got, ring.Members)
		}
		if !slices.EqualFunc(got, tc.want, slices.Equal) {
			t.Errorf("%s: the rings are %v, want %v", name, got, tc.want)
		}
	}
}
