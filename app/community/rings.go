package community

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/config"
)

// RingsKind is the kind of the nightly entry that looks for rings, and the key of
// its timer and its lane.
const RingsKind = "community.rings"

// What makes a ring (RULES §1 leaves the judgement to a steward; these only flag).
const (
	ringLeast, ringMost = 3, 12 // members
	ringDensity         = 60    // percent of the directions between them in use, at least
	ringInternal        = 70    // percent of the points of signals they got from one another, at least
	ringAgain           = 90 * 24 * time.Hour
)

// Ring is a group of members who mostly signal one another.
type Ring struct {
	Members []int64 `json:"members"` // sorted
	// Links are the directions in use of the n·(n−1) that there are; Internal and
	// All are points of signals to them in ten-thousandths, from one another and from
	// everybody.
	Links    int   `json:"links"`
	Internal int64 `json:"internal"`
	All      int64 `json:"all"`
}

// Rings finds strongly connected groups of 3 to 12 members, most of whose possible
// signals to one another were given, and whose points come mostly from within. It
// takes the whole ledger and counts what stands of the signals since an instant.
//
// A group that is tied to the rest by a few stray signals hides in a large
// component; such a component is searched again with the weaker half of its
// signals left out, until nothing is left.
func Rings(ledger map[int64][]Entry, since, now time.Time, rules config.Reputation) []Ring {
	weights := graph{}
	got := map[int64]int64{} // all points of signals, by who got them
	for member, entries := range judge(ledger, now, rules.Signals) {
		for _, e := range entries {
			// Bursts and exchanges are void, and all the more a sign of a ring.
			if e.class == config.Signal && e.Actor != 0 && e.Factor > 0 && e.sound() && e.verdict != VoidByEntry && !e.At.Before(since) {
				weights.add(e.Actor, member, e.worth())
				got[member] += e.worth()
			}
		}
	}
	var rings []Ring
	weights.search(func(group []int64) {
		if ring := measure(group, weights, got); ring.is() {
			rings = append(rings, ring)
		}
	})
	slices.SortFunc(rings, func(a, b Ring) int { return slices.Compare(a.Members, b.Members) })
	return rings
}

func measure(group []int64, weights graph, got map[int64]int64) Ring {
	slices.Sort(group)
	ring := Ring{Members: group}
	for _, member := range group {
		ring.All += got[member]
		for _, other := range group {
			if w := weights[other][member]; w > 0 {
				ring.Links++
				ring.Internal += w
			}
		}
	}
	return ring
}

func (r Ring) is() bool {
	n := len(r.Members)
	return n >= ringLeast && n <= ringMost && 100*r.Links >= ringDensity*n*(n-1) && 100*r.Internal >= ringInternal*r.All
}

// graph holds the weight of the signals from one member to another.
type graph map[int64]map[int64]int64

func (g graph) add(from, to, weight int64) {
	if g[from] == nil {
		g[from] = map[int64]int64{}
	}
	g[from][to] += weight
}

// search gives every strongly connected group of at most ringMost, and looks into
// the larger ones.
func (g graph) search(give func(group []int64)) {
	for _, group := range g.components() {
		switch {
		case len(group) < ringLeast:
		case len(group) <= ringMost:
			give(group)
		default:
			g.stronger(group).search(give)
		}
	}
}

// stronger is the graph among the members of a group without the weaker half of
// its links.
func (g graph) stronger(group []int64) graph {
	inside := map[int64]bool{}
	for _, member := range group {
		inside[member] = true
	}
	var weights []int64
	for from := range inside {
		for to, w := range g[from] {
			if inside[to] {
				weights = append(weights, w)
			}
		}
	}
	slices.Sort(weights)
	median := weights[len(weights)/2]
	least := cmp.Or(median, 1)
	if weights[0] == median { // a half of the links are equally weak
		least = median + 1
	}
	rest := graph{}
	for from := range inside {
		for to, w := range g[from] {
			if inside[to] && w >= least {
				rest.add(from, to, w)
			}
		}
	}
	return rest
}

// components are the strongly connected components, by Tarjan's algorithm: forty
// lines, for which a library of numerical mathematics would be the alternative.
func (g graph) components() [][]int64 {
	t := tarjan{graph: g, index: map[int64]int{}, low: map[int64]int{}, onStack: map[int64]bool{}}
	for _, member := range slices.Sorted(maps.Keys(g)) {
		if t.index[member] == 0 {
			t.visit(member)
		}
	}
	return t.found
}

type tarjan struct {
	graph
	index   map[int64]int // the order of visits, from 1
	low     map[int64]int // the earliest on the stack that can be reached
	stack   []int64
	onStack map[int64]bool
	found   [][]int64
}

func (t *tarjan) visit(member int64) {
	t.index[member] = len(t.index) + 1
	t.low[member] = t.index[member]
	t.stack, t.onStack[member] = append(t.stack, member), true
	for next := range t.graph[member] {
		if t.index[next] == 0 {
			t.visit(next)
			t.low[member] = min(t.low[member], t.low[next])
		} else if t.onStack[next] {
			t.low[member] = min(t.low[member], t.index[next])
		}
	}
	if t.low[member] != t.index[member] {
		return
	}
	first := slices.Index(t.stack, member)
	group := slices.Clone(t.stack[first:])
	t.stack = t.stack[:first]
	for _, m := range group {
		t.onStack[m] = false
	}
	t.found = append(t.found, group)
}

// ringFlag is the kind of the trail's entries that flag a ring.
const ringFlag = "ring"

// FlagRings looks for rings in every community and flags them for a steward. It takes
// nobody's reputation. The next night's search is ordered first: whatever becomes of this
// one, that comes.
func (s *Service) FlagRings(ctx context.Context) error {
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error { return OrderRings(ctx, tx, s.clock()) })
	if err != nil {
		return err
	}
	return s.eachCommunity(ctx, func(installation app.Installation) error {
		if installation.Removed || installation.Suspended {
			return nil
		}
		if err := s.flagRings(ctx, installation.Account.ID); err != nil {
			return fmt.Errorf("looking for rings in %s: %w", installation.Account.Login, err)
		}
		return nil
	})
}

// OrderRings sets the timer of the next search: at the next 03:00 UTC. One that is set
// for earlier stays: a night in which nobody was there to search is made good.
func OrderRings(ctx context.Context, tx interface {
	SetTimerEarlier(ctx context.Context, key string, due time.Time, lane, kind string, body []byte) error
}, now time.Time) error {
	const night = 3 * time.Hour
	due := now.UTC().Truncate(24 * time.Hour).Add(night)
	if !due.After(now) {
		due = due.Add(24 * time.Hour)
	}
	return tx.SetTimerEarlier(ctx, RingsKind, due, RingsKind, RingsKind, nil)
}

func (s *Service) flagRings(ctx context.Context, account int64) error {
	now := s.clock().UTC()
	var rings []Ring
	var version string
	err := s.store.View(ctx, func(ctx context.Context, tx Tx) error {
		ledger, err := tx.LedgerOfAll(ctx, account)
		if err != nil {
			return err
		}
		var rules config.Reputation
		if rules, version, err = reputationRules(ctx, tx, account); err != nil {
			return err
		}
		rings = Rings(ledger, now.Add(-rules.HalfLife.Std()), now, rules)
		return nil
	})
	if err != nil || len(rings) == 0 {
		return err
	}
	return s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		for _, ring := range rings {
			for _, member := range ring.Members {
				if err := flag(ctx, tx, Member{Community: account, ID: member}, ring, now, version); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// flag notes a ring in one member's trail, unless the same one was noted not long ago.
func flag(ctx context.Context, tx Tx, m Member, ring Ring, now time.Time, version string) error {
	last, flagged, err := ringOf(ctx, tx, m)
	if err != nil {
		return err
	}
	var before Ring
	if flagged && json.Unmarshal(last.Inputs, &before) == nil && slices.Equal(before.Members, ring.Members) && now.Sub(last.At) < ringAgain {
		return nil
	}
	n := len(ring.Members)
	return tx.AppendAudit(ctx, audit.Entry{
		Community: m.Community, Subject: MemberSubject(m.ID), At: now, Kind: ringFlag, PolicyVersion: version, Inputs: audit.Inputs(ring),
		Reason: fmt.Sprintf("a group of %d was seen in which %d of %d possible directions of signals are in use and %d %% of the points are from one another",
			n, ring.Links, n*(n-1), 100*ring.Internal/max(ring.All, 1)),
	})
}

// flagsRead is how many entries of a member's trail are searched for a flag.
const flagsRead = 200

// ringOf is the newest flag of a ring in a member's trail.
func ringOf(ctx context.Context, tx Tx, m Member) (audit.Entry, bool, error) {
	trail, err := tx.RecentAudit(ctx, m.Community, MemberSubject(m.ID), flagsRead)
	for _, e := range slices.Backward(trail) {
		if e.Kind == ringFlag {
			return e, true, err
		}
	}
	return audit.Entry{}, false, err
}
