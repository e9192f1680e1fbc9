package engagement_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"math/big"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/agora-rfc/agora/app/community/engagement"
)

// Wednesday is a day in the middle of an ISO week; Monday began it.
var (
	Wednesday = engagement.DayOf(time.Date(2026, 10, 14, 0, 0, 0, 0, time.UTC))
	noon      = time.Date(2026, 10, 14, 12, 0, 0, 0, time.UTC)
)

func did(age int, kind string, about int64, count int) engagement.Did {
	return engagement.Did{Day: Wednesday - engagement.Day(age), Kind: kind, Counterpart: about, Count: count}
}

// Each row isolates a number of RULES: an endorsement adds to F and B alone, 2.69 + 3.
func TestScoreOfAMember(t *testing.T) {
	t.Parallel()
	var everyWeek, kinds, people []engagement.Did
	for week := range 14 {
		everyWeek = append(everyWeek, did(7*week, "endorsement", 0, 1))
	}
	for _, kind := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		kinds = append(kinds, did(0, kind, 0, 1))
	}
	for person := range int64(12) {
		people = append(people, did(0, "a", person+1, 1))
	}
	for name, test := range map[string]struct {
		did  []engagement.Did
		want int
	}{
		"nothing":                       {nil, 0},
		"an endorsement: F 1/13, B 1/5": {[]engagement.Did{did(0, "endorsement", 0, 1)}, 6},   // 5.69
		"13 weeks of 13, of 14: F 1":    {everyWeek, 38},                                      // 35 + 3
		"12 of 13":                      {everyWeek[:12], 35},                                 // 32.31 + 3
		"five kinds are all":            {kinds, 18},                                          // 2.69 + 15
		"four kinds":                    {kinds[:4], 15},                                      // 2.69 + 12
		"ten people are all":            {people, 26},                                         // 2.69 + 3 + 20
		"nine people":                   {people[:9], 24},                                     // 2.69 + 3 + 18
		"an RFC 10: V .3935":            {[]engagement.Did{did(0, "rfc", 0, 1)}, 17},          // 17.50
		"a pull request 6: V .2592":     {[]engagement.Did{did(0, "pull_request", 0, 1)}, 13}, // 13.47
		"two pull requests 12: V .4512": {[]engagement.Did{did(0, "pull_request", 0, 2)}, 19}, // 19.23
		"a review 3: V .1393":           {[]engagement.Did{did(0, "review", 0, 1)}, 10},       // 9.87
		"a comment 3":                   {[]engagement.Did{did(0, "comment", 0, 1)}, 10},      // 9.87
		"a rating 2: V .0952":           {[]engagement.Did{did(0, "rating", 0, 1)}, 9},        // 8.55
		"a vote 1: V .0488":             {[]engagement.Did{did(0, "vote", 0, 1)}, 7},          // 7.16
		"20 reactions ½: V .3935":       {[]engagement.Did{did(0, "reaction", 0, 20)}, 17},    // 17.50
		"20 points: V 1 − 1/e":          {[]engagement.Did{did(0, "rfc", 0, 2)}, 25},          // 24.66
		"40 points of 30 days are 20":   {[]engagement.Did{did(30, "rfc", 0, 4)}, 25},         // 24.66
		"the last day of the window, in the 13th week but one: .125 V": {[]engagement.Did{did(89, "rfc", 0, 1000)}, 33}, // 0 + 30 + 3
		// 2.69 + 30·(1 − e^(−1/2)) + 3; a half-life of 31 days would make it 18.
		"20 points of 30 days are 10":            {[]engagement.Did{did(30, "rfc", 0, 2)}, 17},    // 17.49
		"ten ratings 20: V 1 − 1/e":              {[]engagement.Did{did(0, "rating", 0, 10)}, 25}, // 24.66
		"Monday and Sunday are one week":         {[]engagement.Did{did(9, "endorsement", 0, 1), did(3, "endorsement", 0, 1)}, 6},
		"Sunday and Monday are two: F 2/13":      {[]engagement.Did{did(3, "endorsement", 0, 1), did(2, "endorsement", 0, 1)}, 8}, // 5.38 + 3
		"what was taken back counts for nothing": {[]engagement.Did{did(0, "endorsement", 0, 0)}, 0},
		"a day that is over":                     {[]engagement.Did{did(90, "rfc", 0, 1000)}, 0},
		"a day to come":                          {[]engagement.Did{did(-1, "rfc", 0, 1000)}, 0},
		"no more than everything":                {append(append(everyWeek, kinds...), append(people, did(0, "rfc", 0, 9999))...), 100},
	} {
		if got := engagement.Member(test.did, Wednesday); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}

// report is a community with enough of everything, each part half or full.
func figures() engagement.Figures {
	f := engagement.Figures{At: noon, Joiners: 10, Activated: 5}
	today := engagement.DayOf(noon)
	for n := range 10 {
		a := engagement.Activity{Member: int64(n), Contributions: 1, Earlier: 1, Last: (today - 6).Begins()}
		if n >= 5 {
			a.Last = (today - 7).Begins()
		}
		f.Activities = append(f.Activities, a)
		f.Threads = append(f.Threads, engagement.Thread{Opened: noon.Add(-100 * time.Hour)})
		f.Turnouts = append(f.Turnouts, engagement.Turnout{Voters: 2, Heads: 10})
	}
	return f
}

func TestScoreOfACommunity(t *testing.T) {
	t.Parallel()
	today := engagement.DayOf(noon)
	for name, test := range map[string]struct {
		change func(f *engagement.Figures)
		want   int // -1 for none
	}{
		// 12.5 + 25 + 0 + 7.5 + 5 + 10: a half is rounded up only from 60.0 on.
		"as it is":                      {func(*engagement.Figures) {}, 60},
		"all activated":                 {func(f *engagement.Figures) { f.Activated = 10 }, 73}, // 72.5
		"nine joiners":                  {func(f *engagement.Figures) { f.Joiners = 9 }, 63},    // 47.5/75 = 63.3
		"nobody retained":               {func(f *engagement.Figures) { each(f, func(a *engagement.Activity) { a.Last = (today - 31).Begins() }) }, 33},
		"retained at 30 d":              {func(f *engagement.Figures) { each(f, func(a *engagement.Activity) { a.Last = (today - 30).Begins() }) }, 61}, // stickiness: none in 30 days; 55/90
		"monthly at 29 d":               {func(f *engagement.Figures) { each(f, func(a *engagement.Activity) { a.Last = (today - 29).Begins() }) }, 55},
		"weekly at 6 d":                 {func(f *engagement.Figures) { each(f, func(a *engagement.Activity) { a.Last = (today - 6).Begins() }) }, 65},
		"nine were active earlier":      {func(f *engagement.Figures) { f.Activities[0].Earlier = 0 }, 47}, // 35/75 = 46.7
		"half answered":                 {func(f *engagement.Figures) { answer(f, 5, 48*time.Hour) }, 68},  // 67.5
		"answered too late":             {func(f *engagement.Figures) { answer(f, 5, 48*time.Hour+1) }, 60},
		"answered as a draft":           {func(f *engagement.Figures) { answer(f, 10, -time.Hour) }, 75},
		"nine threads":                  {func(f *engagement.Figures) { f.Threads = f.Threads[1:] }, 71}, // 60/85 = 70.6
		"a turnout of 40 % is full":     {func(f *engagement.Figures) { turn(f, 10, 4) }, 68},
		"more than 40 % is no more":     {func(f *engagement.Figures) { turn(f, 10, 12) }, 68},
		"the mean of the middle two":    {func(f *engagement.Figures) { turn(f, 5, 4) }, 64},                     // 30 %, so 75 % of 15
		"rounds without N have none":    {func(f *engagement.Figures) { f.Turnouts[0].Heads = 0 }, 62},           // 52.5/85 = 61.8
		"five make more than the half":  {func(f *engagement.Figures) { f.Activities[0].Contributions = 9 }, 52}, // one alone: 2 of 10
		"nobody did anything and so on": {func(f *engagement.Figures) { *f = engagement.Figures{At: noon} }, -1},
	} {
		f := figures()
		test.change(&f)
		got := -1
		if score := engagement.Community(f).Score; score != nil {
			got = *score
		}
		if got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}

func each(f *engagement.Figures, change func(*engagement.Activity)) {
	for i := range f.Activities {
		change(&f.Activities[i])
	}
}

func answer(f *engagement.Figures, n int, after time.Duration) {
	for i := range n {
		f.Threads[i].Replied = f.Threads[i].Opened.Add(after)
	}
}

func turn(f *engagement.Figures, n, voters int) {
	for i := range n {
		f.Turnouts[i].Voters = voters
	}
}

func TestAbsenceFactor(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		counts []int
		want   int
	}{{nil, 0}, {[]int{7}, 1}, {[]int{1, 1}, 1}, {[]int{1, 1, 1}, 2}, {[]int{1, 2, 3, 4}, 2}, {[]int{5, 1, 1, 1, 1, 1}, 1}} {
		if got := engagement.AbsenceFactor(test.counts); got != test.want {
			t.Errorf("%v: %d, want %d", test.counts, got, test.want)
		}
	}
}

// The median of an odd number of rounds is the one in the middle, of an even number the
// mean of the two there.
func TestMedianTurnout(t *testing.T) {
	t.Parallel()
	for rounds, want := range map[int][2]int64{10: {9, 20}, 11: {1, 2}} {
		f := engagement.Figures{At: noon}
		for n := range rounds {
			f.Turnouts = append(f.Turnouts, engagement.Turnout{Voters: n, Heads: 10})
		}
		for _, part := range engagement.Community(f).Parts {
			if got := [2]int64{part.Numerator, part.Denominator}; part.Name == "turnout" && got != want {
				t.Errorf("%d rounds of 0 %%, 10 %%, 20 %% …: median %v, want %v", rounds, got, want)
			}
		}
	}
}

// Days and weeks before 1970 are numbered as those after.
func TestDaysBeforeTheCountBegins(t *testing.T) {
	t.Parallel()
	for at, want := range map[string]engagement.Day{"1970-01-01T00:00:00Z": 0, "1969-12-31T23:59:59Z": -1, "1969-12-31T00:00:00Z": -1, "1969-12-30T23:59:59Z": -2} {
		instant, err := time.Parse(time.RFC3339, at)
		if got := engagement.DayOf(instant); err != nil || got != want {
			t.Errorf("%s is day %d, want %d (%v)", at, got, want, err)
		}
	}
}

func TestPercentsAreRoundedHalfUp(t *testing.T) {
	t.Parallel()
	for want, share := range map[int]*big.Rat{0: big.NewRat(0, 1), 1: big.NewRat(1, 200), 50: big.NewRat(1, 2), 67: big.NewRat(2, 3), 100: big.NewRat(1, 1)} {
		if got := engagement.Percent(share); got != want {
			t.Errorf("%s: %d %%, want %d %%", share, got, want)
		}
	}
}

func TestSpans(t *testing.T) {
	t.Parallel()
	day := func(month time.Month, day int) time.Time { return time.Date(2026, month, day, 0, 0, 0, 0, time.UTC) }
	at := noon.Add(time.Microsecond)
	for name, test := range map[string]struct{ got, want engagement.Span }{
		"90 days, today among them":  {engagement.WindowSpan(noon), engagement.Span{From: day(7, 17), To: at}},
		"31 to 60 days ago":          {engagement.EarlierSpan(noon), engagement.Span{From: day(8, 15), To: day(9, 14)}},
		"14 days for a newcomer":     {engagement.JoinersSpan(noon), engagement.Span{From: day(7, 17), To: at.AddDate(0, 0, -14)}},
		"48 hours for an answer":     {engagement.ThreadsSpan(noon), engagement.Span{From: day(7, 17), To: at.Add(-48 * time.Hour)}},
		"the month before last year": {engagement.MonthOf(noon, -10), engagement.Span{From: time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC), To: day(1, 1)}},
	} {
		if test.got != test.want {
			t.Errorf("%s: %v, want %v", name, test.got, test.want)
		}
	}
}

func TestCohortsAreFollowedForThreeMonthsThatAreOver(t *testing.T) {
	t.Parallel()
	joined, after := engagement.CohortMonths(noon)
	if len(joined) != 6 || joined[0].From.Month() != time.May || joined[5].From.Month() != time.October {
		t.Fatalf("the cohorts: %v", joined)
	}
	var over []int
	for _, months := range after {
		over = append(over, len(months))
	}
	for i, want := range []int{3, 3, 2, 1, 0, 0} {
		if over[i] != want {
			t.Fatalf("months that are over: %v", over)
		}
	}
	if first := after[0][0]; first.From.Month() != time.June {
		t.Errorf("the first month after May is %v", first)
	}
	if (engagement.Cohort{Size: 9}).Shown() || !(engagement.Cohort{Size: 10}).Shown() {
		t.Error("shares are of 10 or more")
	}
}

// Whatever is counted, scores are between 0 and 100, and more never makes less.
func TestScoresStayInBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		draw := rapid.Custom(func(t *rapid.T) engagement.Did {
			return did(rapid.IntRange(-2, 95).Draw(t, "age"), rapid.SampledFrom([]string{"rfc", "vote", "reaction", "comment", "endorsement"}).Draw(t, "kind"),
				rapid.Int64Range(0, 15).Draw(t, "about"), rapid.IntRange(0, 50).Draw(t, "count"))
		})
		list := rapid.SliceOf(draw).Draw(t, "did")
		before := engagement.Member(list, Wednesday)
		if after := engagement.Member(append(list, draw.Draw(t, "more")), Wednesday); before < 0 || after < before || after > 100 {
			t.Fatalf("%d, and with more %d", before, after)
		}
	})
}

// Engagement never feeds weight or money: nothing that votes, reckons reputation or pays
// may know of it. What shows it, and the store that sums it up, are all who do.
func TestNothingThatDecidesKnowsEngagement(t *testing.T) {
	t.Parallel()
	const root = "../../.."
	may := map[string]bool{"app/community/stats.go": true, "app/community/stats_markdown.go": true, "app/community/digest.go": true,
		"app/community/digest_markdown.go": true, "store/engagement.go": true, "store/digests.go": true, "handlers/web/stats.go": true}
	seen := 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		name, _ := filepath.Rel(root, path)
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, imported := range file.Imports {
			if strings.HasSuffix(strings.Trim(imported.Path.Value, `"`), "/community/engagement") {
				seen++
				if !may[filepath.ToSlash(name)] {
					t.Errorf("%s imports engagement", name)
				}
			}
		}
		return nil
	})
	if err != nil || seen == 0 {
		t.Fatalf("%d files import it (%v)", seen, err)
	}
}
