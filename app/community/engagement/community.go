package engagement

import (
	"math/big"
	"slices"
	"time"
)

// The numbers of a community's score.
const (
	// Enough is the least denominator of which something is said.
	Enough = 10
	// Welcome is how long newcomers have for their first contributions.
	Welcome = 14 * 24 * time.Hour
	// Reply is how long an RFC may wait for the first answer.
	Reply = 48 * time.Hour
	// Recent is the last of the ages, in days, at which retention looks for who stayed.
	Recent = 30
	// Earlier is the last of those, from 31 on, of whom it asks that.
	Earlier = 60
	// Week is the days of weekly activity.
	Week = 7
	// Month is the days of monthly activity.
	Month = 30

	// FirstContributions are what a newcomer is activated by.
	FirstContributions = 2

	fullAbsence = 5
)

// fullTurnout is the median turnout that counts as full.
var fullTurnout = big.NewRat(2, 5)

// Activity is what one member did in the window.
type Activity struct {
	Member        int64
	Contributions int
	Last          time.Time // the newest of them
	Earlier       int       // how many are of the ages 31 to 60
}

// Thread is an RFC's discussion: when it was opened, and when first somebody else than
// its author answered (zero: nobody yet).
type Thread struct{ Opened, Replied time.Time }

// Turnout is how many ballots counted in a decided round, of N.
type Turnout struct{ Voters, Heads int }

// Figures are what a community's score is made of, as of At.
type Figures struct {
	At time.Time
	// Activities are those of everybody who contributed in the window.
	Activities []Activity
	// Joiners is how many joined within JoinersSpan, however and whether or not they
	// stayed; Activated how many of them made FirstContributions before their welcome was
	// over.
	Joiners, Activated int
	// Threads are the RFCs opened within ThreadsSpan.
	Threads []Thread
	// Turnouts are those of the rounds decided in the window; rounds without anybody
	// in N have none.
	Turnouts []Turnout
}

// Span is from an instant up to another, without it.
type Span struct{ From, To time.Time }

// WindowSpan is the window as of an instant.
func WindowSpan(at time.Time) Span {
	return Span{WindowBegins(DayOf(at)).Begins(), after(at)}
}

// EarlierSpan is when somebody was active at the ages 31 to 60.
func EarlierSpan(at time.Time) Span {
	today := DayOf(at)
	return Span{(today - Earlier).Begins(), (today - Recent).Begins()}
}

// JoinersSpan is when somebody joined in the window whose welcome is over.
func JoinersSpan(at time.Time) Span { return Span{WindowSpan(at).From, after(at.Add(-Welcome))} }

// ThreadsSpan is when an RFC was opened in the window that has had the time for an answer.
func ThreadsSpan(at time.Time) Span { return Span{WindowSpan(at).From, after(at.Add(-Reply))} }

// after is the first instant behind one, as finely as instants are kept.
func after(at time.Time) time.Time { return at.Add(time.Microsecond) }

// Part is one of the six parts of a community's score.
type Part struct {
	Name   string
	Weight int // hundredths of the score
	// Value is Numerator/Denominator, cut at 1, but for turnout, of whose median 40 %
	// is 1. It lies between 0 and 1; nil when there is not enough data.
	Value *big.Rat
	// Numerator and Denominator are what was counted. Turnout has its median there, in
	// lowest terms; diversity the absence factor, of 5.
	Numerator, Denominator int64
	// Sample is of how many something is said, which is the denominator, but for turnout
	// the rounds and for diversity the contributions. It has to be Enough.
	Sample int
}

// Enough reports whether the part counts.
func (p Part) Enough() bool { return p.Sample >= Enough }

// Ratio is Numerator of Denominator; 0 where that is 0.
func (p Part) Ratio() *big.Rat {
	if p.Denominator == 0 {
		return new(big.Rat)
	}
	return big.NewRat(p.Numerator, p.Denominator)
}

// Report is a community's score and its parts.
type Report struct {
	// Score is 0 to 100; nil when no part has enough data.
	Score *int
	Parts []Part // in the order of RULES
}

// Community is the score of a community:
//
//	round(100·(.25 activation + .25 retention + .15 response + .15 turnout + .10 stickiness + .10 diversity))
//
// A part that says something of fewer than 10 does not count, and the weights of the
// others are scaled up.
func Community(f Figures) Report {
	report := Report{Parts: []Part{
		activation(f), retention(f), response(f), turnout(f), stickiness(f), diversity(f),
	}}
	sum, weights := new(big.Rat), int64(0)
	for i := range report.Parts {
		p := &report.Parts[i]
		if !p.Enough() {
			p.Value = nil
			continue
		}
		if p.Value.Cmp(one) > 0 {
			p.Value = one
		}
		sum.Add(sum, new(big.Rat).Mul(p.Value, big.NewRat(int64(p.Weight), 1)))
		weights += int64(p.Weight)
	}
	if weights > 0 {
		score := roundHalfUp(sum.Mul(sum, big.NewRat(100, weights)))
		report.Score = &score
	}
	return report
}

var one = big.NewRat(1, 1)

// Percent is a share in whole percent, rounded half up.
func Percent(share *big.Rat) int { return roundHalfUp(new(big.Rat).Mul(share, big.NewRat(100, 1))) }

// roundHalfUp rounds what is not negative to a whole number.
func roundHalfUp(r *big.Rat) int {
	doubled := new(big.Rat).Add(new(big.Rat).Mul(r, big.NewRat(2, 1)), one)
	return int(new(big.Int).Quo(doubled.Num(), new(big.Int).Mul(doubled.Denom(), big.NewInt(2))).Int64())
}

// share is the part of so many of so many.
func share(name string, weight, numerator, denominator int) Part {
	p := Part{Name: name, Weight: weight, Numerator: int64(numerator), Denominator: int64(denominator), Sample: denominator}
	if denominator > 0 {
		p.Value = big.NewRat(int64(numerator), int64(denominator))
	}
	return p
}

// activation: of those who joined in the last 90 days and whose first 14 days are over,
// who contributed at least twice in these.
func activation(f Figures) Part { return share("activation", 25, f.Activated, f.Joiners) }

// retention: of those active at the ages 31 to 60, who was active at 0 to 30.
func retention(f Figures) Part {
	recent := (DayOf(f.At) - Recent).Begins()
	before, stayed := 0, 0
	for _, a := range f.Activities {
		if a.Earlier == 0 {
			continue
		}
		before++
		if !a.Last.Before(recent) {
			stayed++
		}
	}
	return share("retention", 25, stayed, before)
}

// response: of the RFCs opened in the last 90 days and at least 48 hours ago, which
// somebody else answered within 48 hours, or had answered while it was a draft.
func response(f Figures) Part {
	answered := 0
	for _, t := range f.Threads {
		if !t.Replied.IsZero() && !t.Replied.After(t.Opened.Add(Reply)) {
			answered++
		}
	}
	return share("response", 15, answered, len(f.Threads))
}

// turnout: the median of the counted ballots of N, over the rounds decided in the last
// 90 days; of an even number of rounds the mean of the middle two.
func turnout(f Figures) Part {
	var rates []*big.Rat
	for _, t := range f.Turnouts {
		if t.Heads > 0 {
			rates = append(rates, big.NewRat(int64(t.Voters), int64(t.Heads)))
		}
	}
	p := Part{Name: "turnout", Weight: 15, Sample: len(rates)}
	if len(rates) == 0 {
		return p
	}
	slices.SortFunc(rates, (*big.Rat).Cmp)
	median := new(big.Rat).Add(rates[(len(rates)-1)/2], rates[len(rates)/2])
	median.Mul(median, big.NewRat(1, 2))
	p.Numerator, p.Denominator = median.Num().Int64(), median.Denom().Int64()
	p.Value = new(big.Rat).Quo(median, fullTurnout)
	return p
}

// stickiness: of those active in the last 30 days, who was in the last 7.
func stickiness(f Figures) Part {
	return share("stickiness", 10, ActiveIn(f, Week), ActiveIn(f, Month))
}

// ActiveIn counts the members who contributed in the last days, at most the window's.
func ActiveIn(f Figures, days int) (active int) {
	since := (DayOf(f.At) - Day(days) + 1).Begins()
	for _, a := range f.Activities {
		if !a.Last.Before(since) {
			active++
		}
	}
	return active
}

// diversity: how few members make half of the contributions, of 5.
func diversity(f Figures) Part {
	counts := make([]int, len(f.Activities))
	all := 0
	for i, a := range f.Activities {
		counts[i] = a.Contributions
		all += a.Contributions
	}
	absence := AbsenceFactor(counts)
	return Part{Name: "diversity", Weight: 10, Value: big.NewRat(int64(absence), fullAbsence),
		Numerator: int64(absence), Denominator: fullAbsence, Sample: all}
}

// AbsenceFactor is the fewest members who make at least half of the contributions.
func AbsenceFactor(counts []int) int {
	sorted := slices.Clone(counts)
	slices.SortFunc(sorted, func(a, b int) int { return b - a })
	all, made := 0, 0
	for _, n := range sorted {
		all += n
	}
	for i, n := range sorted {
		if made += n; 2*made >= all && all > 0 {
			return i + 1
		}
	}
	return 0
}
