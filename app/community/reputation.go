package community

import (
	"math"
	"time"

	"github.com/agora-rfc/agora/config"
)

// Standing is what the ledger says of a member at an instant, in the letters of RULES §1. The sums are in points, decayed to
// that instant; they are floats, for the curve and for display. Reputation is the integer that decides.
type Standing struct {
	Member int64
	// A is what authority brought, without genesis; G is genesis.
	A, G float64
	// S is what signals and taking part brought, before SCap = 20 + A/2, the most that it may count.
	S, SCap float64
	// N is what was taken away.
	N float64
	// P is A + G + min(S, SCap) − N.
	P float64
	// Reputation is R, 0 to 100.
	Reputation int
}

// Weight is the weight of a vote in hundredths, 100 + 4R, for a reputation R of 0 to 100 (RULES §2: w = 1 + R/25).
func Weight(r int) int { return 100 + 4*r }

// Weight is the weight of the member's vote in hundredths.
func (s Standing) Weight() int { return Weight(s.Reputation) }

// ReplayAll computes the standing of every member at now from a community's whole ledger, grouped by member. It takes the whole,
// because signals that two members exchange are void by what stands in the ledgers of both. Neither the order of the entries
// nor what happened after now matters. A member without entries is not in the result: the zero Standing is right for them.
func ReplayAll(ledger map[int64][]Entry, now time.Time, rules config.Reputation) map[int64]Standing {
	standings := make(map[int64]Standing, len(ledger))
	for member, own := range judge(ledger, now, rules.Signals) {
		standings[member] = account(own, rules, nil).Standing(member, now, rules)
	}
	return standings
}

// ReceiptOf computes the standing of one member as ReplayAll does, with every term it is made of. It takes the same whole ledger,
// or the part of it that the member's standing rests on (Tx.LedgerAround): both give the same.
func ReceiptOf(member int64, ledger map[int64][]Entry, now time.Time, rules config.Reputation) Receipt {
	receipt := Receipt{At: now.UTC()}
	today := day(now)
	balance := account(judge(ledger, now, rules.Signals)[member], rules, func(term Term) {
		term.AgeDays = int(today - day(term.Entry.At))
		term.Now = points(term.Counted) * decay(int64(term.AgeDays), halfLife(term.Class, rules))
		receipt.Terms = append(receipt.Terms, term)
	})
	receipt.Standing = balance.Standing(member, now, rules)
	return receipt
}

// account admits one member's entries, which are in order, under the caps. It gives each as a term that has not decayed yet, when
// somebody takes them, and returns what counts.
func account(own []judged, rules config.Reputation, give func(Term)) (balance Balance) {
	caps := caps{rules: rules, genesis: highestGenesis(own)}
	for i := range own {
		entry := &own[i]
		balance.rests(entry.At)
		if entry.Kind == config.EntryVoid {
			continue // it shows in the entry that it voids
		}
		var worth, counted int64
		verdict := entry.verdict
		if entry.sound() {
			worth = halved(entry.worth(), entry.repeat)
		}
		if verdict == Counts {
			counted, verdict = caps.admit(entry, worth)
			balance.add(day(entry.At), entry.class, counted)
		}
		if give != nil {
			give(Term{Entry: entry.Entry, Class: entry.class, Verdict: verdict, VoidedBy: entry.by, Repeat: entry.repeat, Worth: worth, Counted: counted})
		}
	}
	return balance
}

// finish computes P and R from the sums.
func (s *Standing) finish(rules config.Reputation) {
	s.SCap = float64(rules.SignalBase) + rules.SignalShare.Float()*s.A
	s.P = s.A + s.G + math.Min(s.S, s.SCap) - s.N
	s.Reputation = int(math.Floor(100 * (1 - math.Exp(-math.Max(s.P, 0)/float64(rules.Curve)))))
}

// halved is worth·2^(−(repeat−1)), rounded down.
func halved(worth int64, repeat int) int64 { return worth >> min(repeat-1, 62) }

// points are ten-thousandths as points.
func points(units int64) float64 { return float64(units) / Scale }

// halfLife is how long what counts of a class takes to lose half of its worth.
func halfLife(class config.EntryClass, rules config.Reputation) config.Duration {
	if class == config.Negative {
		return rules.NegativeHalfLife
	}
	return rules.HalfLife
}

// decay is 2^(−age/half), the age in whole days.
func decay(age int64, half config.Duration) float64 { return math.Exp2(-float64(age) / half.Days()) }

// highestGenesis is the id of the genesis entry worth most, the first of equals: a member's highest permission counts, once.
func highestGenesis(own []judged) (id int64) {
	most := int64(-1)
	for i := range own {
		entry := &own[i]
		if entry.class == config.Genesis && entry.verdict == Counts && entry.worth() > most {
			id, most = entry.ID, entry.worth()
		}
	}
	return id
}

// caps holds how much of each cap is used up while a member's entries are admitted in order.
type caps struct {
	rules   config.Reputation
	genesis int64 // the one genesis entry that counts
	// What the day so far has used of its caps: units of A and of S, and reviews.
	day                int64
	authority, signals int64
	reviews            int
	// Reactions so far, by comment.
	reactions map[string]int
}

// admit says how much of a standing entry's worth counts, in units, and the verdict that follows.
func (c *caps) admit(entry *judged, worth int64) (counted int64, verdict Verdict) {
	if on := day(entry.At); on != c.day {
		c.day, c.authority, c.signals, c.reviews = on, 0, 0, 0
	}
	switch entry.class {
	case config.Genesis:
		if entry.ID != c.genesis {
			return 0, LesserGenesis
		}
	case config.Authority:
		return within(&c.authority, worth, c.rules.AuthorityPerDay)
	case config.Signal:
		if verdict := c.countSignal(entry.Entry); verdict != Counts {
			return 0, verdict
		}
		return within(&c.signals, worth, c.rules.SignalsPerDay)
	}
	return worth, Counts
}

// countSignal counts what is limited in number: reactions on a comment, reviews on a day.
func (c *caps) countSignal(entry Entry) Verdict {
	switch entry.Kind {
	case config.CommentReaction:
		if c.reactions == nil {
			c.reactions = map[string]int{}
		}
		if c.reactions[entry.subject()]++; c.reactions[entry.subject()] > c.rules.Signals.ReactionsPerComment {
			return BeyondSubject
		}
	case config.SkillReview:
		if c.reviews++; c.reviews > c.rules.Signals.ReviewsPerDay {
			return BeyondDay
		}
	}
	return Counts
}

// within lets as much of worth count as a daily cap in points has left.
func within(used *int64, worth int64, points int) (counted int64, verdict Verdict) {
	counted = min(worth, int64(points)*Scale-*used)
	*used += counted
	if counted < worth {
		return counted, BeyondDay
	}
	return counted, Counts
}
