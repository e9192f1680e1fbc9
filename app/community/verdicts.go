package community

import (
	"cmp"
	"slices"
	"time"

	"github.com/agora-rfc/agora/config"
)

// judged is an entry with what the other entries make of it.
type judged struct {
	Entry
	class   config.EntryClass
	verdict Verdict
	by      int64 // the entry that voids it
	repeat  int   // the k of the k-th signal of the same actor to the same member, 1 for all else
}

// judge puts every member's entries up to now in order and decides what counts before any cap: the voids, by an entry first, then
// by bursts, then by exchanges, and the repeats among what is left. A later step sees nothing that an earlier one voided, so fraud
// that is taken back leaves no trace on its victim. The order of the entries given does not matter.
//
// What an entry is worth rests on the ledger of its member alone, but for exchanges: these rest on the signals of the same two
// people the other way, and on what voids those. Balances are kept by that (see concerns).
func judge(ledger map[int64][]Entry, now time.Time, rules config.Signals) map[int64][]judged {
	byMember := make(map[int64][]judged, len(ledger))
	for member, entries := range ledger {
		own := make([]judged, 0, len(entries))
		for _, entry := range entries {
			if entry.Member != member || entry.At.After(now) {
				continue
			}
			class := entry.Kind.Class()
			own = append(own, judged{Entry: entry, class: class, verdict: firstVerdict(entry, class), repeat: 1})
		}
		slices.SortFunc(own, func(a, b judged) int { return inOrder(a.Entry, b.Entry) })
		voidByEntry(own)
		byMember[member] = own
	}
	between := signalsBetween(byMember)
	for _, signals := range between {
		for _, burst := range rules.Bursts {
			voidBursts(signals, burst)
		}
	}
	for direction, signals := range between {
		if back := between[direction.reverse()]; direction.actor < direction.member && len(back) > 0 {
			voidExchange(signals, back, rules.MutualMax, rules.MutualWindow.Std())
		}
	}
	for _, signals := range between {
		countRepeats(signals, rules.RepeatWindow.Std())
	}
	return byMember
}

// firstVerdict judges an entry by itself.
func firstVerdict(entry Entry, class config.EntryClass) Verdict {
	switch {
	case class == config.ClassNone || !entry.sound():
		return Invalid
	case entry.Factor == 0:
		return NoFactor
	}
	return Counts
}

// voidByEntry marks what the voids among a member's entries void: a void stands in the ledger of what it voids. One that is itself
// void has no effect.
func voidByEntry(own []judged) {
	var voids []Entry
	for i := range own {
		if own[i].Voids != 0 && own[i].Voids < own[i].ID {
			voids = append(voids, own[i].Entry)
		}
	}
	if len(voids) == 0 {
		return
	}
	// A void is younger than what it voids: from the youngest on, whether it stands is known when its turn comes.
	slices.SortFunc(voids, func(a, b Entry) int { return cmp.Compare(b.ID, a.ID) })
	voidedBy := make(map[int64]int64, len(voids))
	for _, void := range voids {
		if voidedBy[void.ID] == 0 {
			voidedBy[void.Voids] = void.ID
		}
	}
	for i := range own {
		if by := voidedBy[own[i].ID]; by != 0 {
			own[i].verdict, own[i].by = VoidByEntry, by
		}
	}
}

// way is the direction of a signal.
type way struct{ actor, member int64 }

func (w way) reverse() way { return way{actor: w.member, member: w.actor} }

// signalsBetween groups the signals that stand by their direction, each group in order.
func signalsBetween(byMember map[int64][]judged) map[way][]*judged {
	between := map[way][]*judged{}
	for _, own := range byMember {
		for i := range own {
			if entry := &own[i]; entry.Actor != 0 && entry.class == config.Signal && entry.verdict == Counts {
				direction := way{actor: entry.Actor, member: entry.Member}
				between[direction] = append(between[direction], entry)
			}
		}
	}
	return between
}

// voidBursts voids every signal that is one of burst.Count within burst.Within. Bursts of different lengths are found
// independently: a signal void by one still counts in finding another.
func voidBursts(signals []*judged, burst config.Burst) {
	void := 0 // signals before this one are done
	for first, last := 0, burst.Count-1; last < len(signals); first, last = first+1, last+1 {
		if signals[last].At.Sub(signals[first].At) > burst.Within.Std() {
			continue
		}
		for i := max(first, void); i <= last; i++ {
			signals[i].verdict = VoidByBurst
		}
		void = last + 1
	}
}

// voidExchange voids the signals of two members to each other beyond most within the window, as soon as they went both ways.
func voidExchange(there, back []*judged, most int, window time.Duration) {
	both := slices.Concat(there, back)
	slices.SortFunc(both, func(a, b *judged) int { return inOrder(a.Entry, b.Entry) })
	var recent []*judged // those that stand within the window
	for _, signal := range both {
		if signal.verdict != Counts {
			continue
		}
		for len(recent) > 0 && signal.At.Sub(recent[0].At) > window {
			recent = recent[1:]
		}
		mutual := slices.ContainsFunc(recent, func(other *judged) bool { return other.Actor != signal.Actor })
		if mutual && len(recent) >= most {
			signal.verdict = VoidByExchange
			continue
		}
		recent = append(recent, signal)
	}
}

// countRepeats numbers the signals of one direction that stand: each with those before it within the window.
func countRepeats(signals []*judged, window time.Duration) {
	var recent []*judged
	for _, signal := range signals {
		if signal.verdict != Counts {
			continue
		}
		for len(recent) > 0 && signal.At.Sub(recent[0].At) > window {
			recent = recent[1:]
		}
		recent = append(recent, signal)
		signal.repeat = len(recent)
	}
}
