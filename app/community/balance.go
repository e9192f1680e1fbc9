package community

import (
	"slices"
	"time"

	"github.com/agora-rfc/agora/config"
)

// Balance is what counts of a member's entries, in exact sums: after voids, factors, repeats and caps, before it decays. The standing
// at an instant follows from it, so that one kept beside the ledger spares a replay (see Enter).
type Balance struct {
	// From is the instant of the latest entry it rests on: it is right for every instant from then on, until another entry is made.
	// Zero when it rests on none.
	From time.Time
	// Days are the days on which anything counts, in their order.
	Days []DayBalance
}

// DayBalance is what counts of one UTC day, by class (RULES §1), in ten-thousandths; what is taken away is positive too.
type DayBalance struct {
	Day        int64 // since 1970-01-01
	A, G, S, N int64
}

// Standing is the member's standing that follows at an instant, which must not be before From.
func (b Balance) Standing(member int64, now time.Time, rules config.Reputation) Standing {
	s := Standing{Member: member}
	today := day(now)
	for _, d := range b.Days {
		kept := decay(today-d.Day, rules.HalfLife)
		s.A += points(d.A) * kept
		s.G += points(d.G) * kept
		s.S += points(d.S) * kept
		if d.N > 0 {
			s.N += points(d.N) * decay(today-d.Day, rules.NegativeHalfLife)
		}
	}
	s.finish(rules)
	return s
}

// Earned is what counted on the last days up to the one of now, in ten-thousandths: A and S, less N. Nobody earned genesis, and
// nothing of it has decayed.
func (b Balance) Earned(now time.Time, days int) (units int64) {
	today := day(now)
	for _, d := range slices.Backward(b.Days) {
		if d.Day <= today-int64(days) {
			break
		}
		if d.Day <= today {
			units += d.A + d.S - d.N
		}
	}
	return units
}

// rests notes that the balance rests on an entry of that instant.
func (b *Balance) rests(at time.Time) {
	if at.After(b.From) {
		b.From = at
	}
}

// add puts what counts on a day into the sum of its class.
func (b *Balance) add(on int64, class config.EntryClass, units int64) {
	if units == 0 {
		return
	}
	i, found := slices.BinarySearchFunc(b.Days, on, func(d DayBalance, on int64) int { return int(d.Day - on) })
	if !found {
		b.Days = slices.Insert(b.Days, i, DayBalance{Day: on})
	}
	switch d := &b.Days[i]; class {
	case config.Authority:
		d.A += units
	case config.Genesis:
		d.G += units
	case config.Signal:
		d.S += units
	case config.Negative:
		d.N += units
	}
}

// on is what counts on a day.
func (b Balance) on(day int64) DayBalance {
	for _, d := range slices.Backward(b.Days) {
		if d.Day == day {
			return d
		}
	}
	return DayBalance{Day: day}
}

// Balances computes the balance of every member from a community's whole ledger, with nothing left out.
func Balances(ledger map[int64][]Entry, rules config.Reputation) map[int64]Balance {
	balances := make(map[int64]Balance, len(ledger))
	for member, own := range judge(ledger, latest(ledger), rules.Signals) {
		balances[member] = account(own, rules, nil)
	}
	// A balance rests on the other direction of exchanges too.
	for _, entries := range ledger {
		for _, e := range entries {
			for _, member := range concerns(e, entries) {
				if b, has := balances[member]; has {
					b.rests(e.At)
					balances[member] = b
				}
			}
		}
	}
	return balances
}

// BalanceOf computes one member's balance from the part of the ledger that it rests on (Tx.LedgerAround), or the whole.
func BalanceOf(member int64, ledger map[int64][]Entry, rules config.Reputation) Balance {
	until := latest(ledger)
	balance := account(judge(ledger, until, rules.Signals)[member], rules, nil)
	balance.rests(until)
	return balance
}

// latest is the instant of the latest entry there is.
func latest(ledger map[int64][]Entry) (at time.Time) {
	for _, entries := range ledger {
		for _, e := range entries {
			if e.At.After(at) {
				at = e.At
			}
		}
	}
	return at
}

// concerns lists the members whose balances an entry may change: whom it is about and, when it is a signal or voids one, who gave
// that, since the two may have exchanged signals. own are the entries about the same member.
func concerns(e Entry, own []Entry) []int64 {
	members := []int64{e.Member}
	for {
		if e.Actor != 0 && e.Actor != e.Member && e.Kind.Class() == config.Signal {
			members = append(members, e.Actor)
		}
		if e.Voids == 0 {
			return members
		}
		i := slices.IndexFunc(own, func(other Entry) bool { return other.ID == e.Voids })
		if i < 0 || own[i].Voids >= own[i].ID {
			return members
		}
		e = own[i] // what is voided; a void that is voided itself brings back what that one voided
	}
}

// simple tells whether an entry changes a balance by nothing but its own worth, under a daily cap: what Agora, authority or a quorum
// entered, other than genesis and what is limited in number.
func (e Entry) simple() bool {
	if e.Voids != 0 || !e.sound() || e.Factor == 0 {
		return false
	}
	class := e.Kind.Class()
	return class == config.Authority || class == config.Negative || e.Kind == config.VoteCast && e.Actor == 0
}

// enter adds a simple entry. On one day a cap lets the same sum count in whatever order the entries stand.
func (b *Balance) enter(e Entry, rules config.Reputation) {
	b.rests(e.At)
	on, class, counted := day(e.At), e.Kind.Class(), e.worth()
	switch d := b.on(on); class {
	case config.Authority:
		counted, _ = within(&d.A, counted, rules.AuthorityPerDay)
	case config.Signal:
		counted, _ = within(&d.S, counted, rules.SignalsPerDay)
	}
	b.add(on, class, counted)
}
