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
		standing := Standing{Member: member}
		account(own, now, rules, func(term Term) { standing.add(term) })
		standing.finish(rules)
		standings[member] = standing
	}
	return standings
}

// ReceiptOf computes the standing of one member as ReplayAll does, from the same whole ledger, with every term it is made of.
func ReceiptOf(member int64, ledger map[int64][]Entry, now time.Time, rules config.Reputation) Receipt {
	receipt := Receipt{At: now.UTC(), Standing: Standing{Member: member}}
	account(judge(ledger, now, rules.Signals)[member], now, rules, func(term Term) {
		receipt.Terms = append(receipt.Terms, term)
		receipt.add(term)
	})
	receipt.finish(rules)
	return receipt
}

// account caps and decays one member's entries, which are in order, and gives each as a term.
func account(own []judged, now time.Time, rules config.Reputation, give func(Term)) {
	caps := caps{rules: rules, genesis: highestGenesis(own)}
	today := day(now)
	for i := range own {
		entry := &own[i]
		if entry.Kind == config.EntryVoid {
			continue // it shows in the entry that it voids
		}
		term := Term{
			Entry: entry.Entry, Class: entry.class, Verdict: entry.verdict, VoidedBy: entry.by,
			Repeat: entry.repeat, AgeDays: int(today - day(entry.At)),
		}
		if entry.sound() {
			term.Worth = halved(entry.worth(), entry.repeat)
		}
		if term.Verdict == Counts {
			term.Counted, term.Verdict = caps.admit(term)
		}
		term.Now = decayed(term, rules)
		give(term)
	}
}

// add puts a term into the sum of its class.
func (s *Standing) add(term Term) {
	switch term.Class {
	case config.Authority:
		s.A += term.Now
	case config.Genesis:
		s.G += term.Now
	case config.Signal:
		s.S += term.Now
	case config.Negative:
		s.N += term.Now
	}
}

// finish computes P and R from the sums.
func (s *Standing) finish(rules config.Reputation) {
	s.SCap = float64(rules.SignalBase) + rules.SignalShare.Float()*s.A
	s.P = s.A + s.G + math.Min(s.S, s.SCap) - s.N
	s.Reputation = int(math.Floor(100 * (1 - math.Exp(-math.Max(s.P, 0)/float64(rules.Curve)))))
}

// halved is worth·2^(−(repeat−1)), rounded down.
func halved(worth int64, repeat int) int64 { return worth >> min(repeat-1, 62) }

// decayed is what the counted part of a term is worth at the receipt's instant, in points.
func decayed(term Term, rules config.Reputation) float64 {
	halfLife := rules.HalfLife
	if term.Class == config.Negative {
		halfLife = rules.NegativeHalfLife
	}
	return float64(term.Counted) / Scale * math.Exp2(-float64(term.AgeDays)/halfLife.Days())
}

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

// admit says how much of a standing term counts, in units, and the verdict that follows.
func (c *caps) admit(term Term) (counted int64, verdict Verdict) {
	if on := day(term.Entry.At); on != c.day {
		c.day, c.authority, c.signals, c.reviews = on, 0, 0, 0
	}
	switch term.Class {
	case config.Genesis:
		if term.Entry.ID != c.genesis {
			return 0, LesserGenesis
		}
	case config.Authority:
		return within(&c.authority, term.Worth, c.rules.AuthorityPerDay)
	case config.Signal:
		if verdict := c.countSignal(term.Entry); verdict != Counts {
			return 0, verdict
		}
		return within(&c.signals, term.Worth, c.rules.SignalsPerDay)
	}
	return term.Worth, Counts
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
