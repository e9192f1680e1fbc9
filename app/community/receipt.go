package community

import (
	"fmt"
	"time"

	"github.com/agora-rfc/agora/config"
)

// Receipt is a standing with everything it is made of: what "/member reputation" shows.
type Receipt struct {
	Standing
	// At is the instant of the standing, UTC.
	At time.Time
	// Terms are the member's entries in the order they happened, those that do not count too; entries that only void are left out.
	Terms []Term
}

// Term is one entry of a receipt.
type Term struct {
	Entry Entry
	// Class says into which sum it goes.
	Class config.EntryClass
	// Repeat is k for the k-th signal of the same actor to the same member, which counts 2^(−(k−1)); 1 for everything else.
	Repeat int
	// Worth is points · factor, halved by repeats; Counted is what the caps and voids leave of it. Both are in ten-thousandths.
	Worth, Counted int64
	// AgeDays is the age in whole UTC days.
	AgeDays int
	// Now is what Counted has decayed to, in points; what is taken away is positive too.
	Now float64
	// Verdict says whether it counts, and if not, why.
	Verdict Verdict
	// VoidedBy is the entry that voids it, when Verdict is VoidByEntry.
	VoidedBy int64
}

// Verdict says whether an entry counts.
type Verdict string

// The verdicts. What is beyond a daily cap may count in part.
const (
	Counts         Verdict = "counts"
	VoidByEntry    Verdict = "void_by_entry"
	VoidByBurst    Verdict = "void_by_burst"
	VoidByExchange Verdict = "void_by_exchange"
	BeyondDay      Verdict = "beyond_day"
	BeyondSubject  Verdict = "beyond_subject"
	LesserGenesis  Verdict = "lesser_genesis"
	NoFactor       Verdict = "no_factor"
	Invalid        Verdict = "invalid"
)

// Void tells whether the term counts nothing because of fraud, a burst or an exchange, rather than a cap.
func (t Term) Void() bool {
	return t.Verdict == VoidByEntry || t.Verdict == VoidByBurst || t.Verdict == VoidByExchange
}

// Why explains in plain words what keeps the term from counting in full; empty when nothing does.
func (t Term) Why() string {
	switch t.Verdict {
	case VoidByEntry:
		return fmt.Sprintf("void by entry %d", t.VoidedBy)
	case VoidByBurst:
		return "void: too many signals of one person in a short time"
	case VoidByExchange:
		return "void: the two exchanged too many signals"
	case BeyondDay:
		return "beyond what counts on one day"
	case BeyondSubject:
		return "beyond what counts on one comment"
	case LesserGenesis:
		return "only the highest permission counts, once"
	case NoFactor:
		return "the actor's signals do not count"
	case Invalid:
		return "not an entry that can be counted"
	}
	if t.Repeat > 1 {
		return fmt.Sprintf("signal %d of the same person, halved each time", t.Repeat)
	}
	return ""
}
