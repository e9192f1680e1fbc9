// Package engagement measures how alive a community is (RULES §1 "Engagement"): the
// score of a member, the score of the community and its parts, and cohorts. It is
// display alone: nothing that weighs a vote or moves money imports it, and a test of
// this package holds that.
//
// Everything is a pure function of counts. Days and weeks are those of UTC; the age of
// something is in whole UTC days, so that today's is 0 and the last n days are the ages
// 0 to n−1. Where RULES has exact numbers they are computed exactly, as fractions; only
// the decay of a member's points is floating point. Scores are rounded half up.
package engagement

import (
	"math"
	"time"
)

// Window is how many days the scores look back, today among them.
const Window = 90

// Day is a UTC day, counted from 1970-01-01.
type Day int64

// DayOf is the day of an instant.
func DayOf(at time.Time) Day {
	const seconds = 24 * 60 * 60
	unix := at.Unix()
	day := unix / seconds
	if unix%seconds < 0 {
		day--
	}
	return Day(day)
}

// Begins is the day's first instant.
func (d Day) Begins() time.Time { return time.Unix(int64(d)*24*60*60, 0).UTC() }

// week numbers the ISO week of a day: weeks begin on Mondays, and 1970-01-01 was a
// Thursday.
func (d Day) week() int64 {
	monday := int64(d) + 3
	week := monday / 7
	if monday%7 < 0 {
		week--
	}
	return week
}

// WindowBegins is the first day of the window whose last is today.
func WindowBegins(today Day) Day { return today - Window + 1 }

// Did is what a member did on one day: how many contributions of one kind about one
// person's work (0: nobody else's).
type Did struct {
	Day         Day
	Kind        string
	Counterpart int64
	Count       int
}

// The numbers of a member's score.
const (
	weeks        = 13 // of the newest, the current one among them
	halfLife     = 30 // days
	saturation   = 20 // points at which V is 1 − 1/e
	fullKinds    = 5
	counterparts = 10

	frequency, value, breadth, connection = 35, 30, 15, 20 // hundredths of the score
)

// halfPoints are twice the points that a contribution adds to V. What is not named
// here, such as an endorsement, adds none; it counts for F, B and C.
var halfPoints = map[string]int{
	"rfc":          20, // opened
	"pull_request": 12, // merged, of an RFC
	"review":       6,  // of an RFC's pull request
	"comment":      6,  // on an RFC
	"rating":       4,  // of a skill
	"vote":         2,
	"reaction":     1,
}

// Member is a member's score, 0 to 100, as of a day:
//
//	round(100·(.35 F + .30 V + .15 B + .20 C))
//
// F is the share of the 13 newest ISO weeks, the current one among them, with a
// contribution; V = 1 − e^(−Σ/20) over the points of contributions, each halved every 30
// days of its age; B = min(kinds, 5)/5; C = min(persons whose work it was about, 10)/10.
// What is older than the window, or of a day to come, does not count.
func Member(did []Did, today Day) int {
	active, kinds, met := map[int64]bool{}, map[string]bool{}, map[int64]bool{}
	points := 0.0
	for _, d := range did {
		if d.Count <= 0 || d.Day < WindowBegins(today) || d.Day > today {
			continue
		}
		if today.week()-d.Day.week() < weeks {
			active[d.Day.week()] = true
		}
		kinds[d.Kind] = true
		if d.Counterpart != 0 {
			met[d.Counterpart] = true
		}
		points += float64(d.Count*halfPoints[d.Kind]) / 2 * math.Exp2(-float64(today-d.Day)/halfLife)
	}
	score := frequency*float64(len(active))/weeks +
		value*(1-math.Exp(-points/saturation)) +
		breadth*float64(min(len(kinds), fullKinds))/fullKinds +
		connection*float64(min(len(met), counterparts))/counterparts
	return int(math.Floor(score + 0.5))
}
