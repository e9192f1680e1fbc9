package engagement

import (
	"math/big"
	"time"
)

const (
	// Cohorts is of how many months of joining something is said, this one the last.
	Cohorts = 6
	// Followed is how many months after joining a cohort is followed.
	Followed = 3
)

// Cohort is everybody who joined in one month, also who left since.
type Cohort struct {
	Month time.Time // its first instant, UTC
	Size  int
	// Active is how many of them contributed in the first, second and third month
	// after; of months that are not over, nothing is said.
	Active []int
}

// Shown reports whether the cohort is large enough for shares.
func (c Cohort) Shown() bool { return c.Size >= Enough }

// Share is which part of the cohort was active in one of the months of Active.
func (c Cohort) Share(month int) *big.Rat {
	return big.NewRat(int64(c.Active[month]), int64(max(c.Size, 1)))
}

// MonthOf is the span of the UTC month of an instant, or one so many months later.
func MonthOf(at time.Time, later int) Span {
	at = at.UTC()
	return Span{time.Date(at.Year(), at.Month()+time.Month(later), 1, 0, 0, 0, 0, time.UTC),
		time.Date(at.Year(), at.Month()+time.Month(later+1), 1, 0, 0, 0, 0, time.UTC)}
}

// CohortMonths are the months of joining that are followed as of an instant, oldest
// first, each with the months after it that are over.
func CohortMonths(at time.Time) (joined []Span, after [][]Span) {
	for ago := Cohorts - 1; ago >= 0; ago-- {
		month := MonthOf(at, -ago)
		var over []Span
		for n := 1; n <= Followed; n++ {
			if m := MonthOf(month.From, n); !m.To.After(at) {
				over = append(over, m)
			}
		}
		joined, after = append(joined, month), append(after, over)
	}
	return joined, after
}
