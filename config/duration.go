package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Day is 24 hours; periods in Agora are lengths of time, so a day of a period is always this long.
const Day = Duration(24 * time.Hour)

// MaxDuration is the longest period that a configuration may name: ten years of 365 days.
const MaxDuration = 3650 * Day

// Duration is a length of time that is never negative, written "90s", "15m", "48h", "14d", "2w" or a combination such as "1d12h".
type Duration time.Duration

// units are the units a duration is written in, longest first. The last three are for tests that cannot wait a second.
var units = []struct {
	name   string
	length time.Duration
}{
	{"w", 7 * 24 * time.Hour},
	{"d", 24 * time.Hour},
	{"h", time.Hour},
	{"m", time.Minute},
	{"s", time.Second},
	{"ms", time.Millisecond},
	{"us", time.Microsecond},
	{"ns", time.Nanosecond},
}

// ParseDuration reads whole numbers with units, longest unit first ("14d", "1d12h"), or a bare "0". It fails beyond MaxDuration.
func ParseDuration(text string) (Duration, error) {
	rest := strings.TrimSpace(text)
	if rest == "0" {
		return 0, nil
	}
	total, next := Duration(0), 0
	for rest != "" {
		amount, unit, tail, err := cutAmount(rest)
		if err != nil {
			return 0, badDuration(text)
		}
		for next < len(units) && units[next].name != unit {
			next++
		}
		if next == len(units) {
			return 0, badDuration(text)
		}
		if amount > int64(MaxDuration)/int64(units[next].length) {
			return 0, tooLong(text)
		}
		if total += Duration(amount) * Duration(units[next].length); total > MaxDuration {
			return 0, tooLong(text)
		}
		rest = tail
		next++
	}
	if strings.TrimSpace(text) == "" {
		return 0, badDuration(text)
	}
	return total, nil
}

func badDuration(text string) error {
	return fmt.Errorf("%s is not a duration: write it like 90s, 15m, 48h, 14d or 2w", quote(text))
}

func tooLong(text string) error {
	return fmt.Errorf("%s is longer than ten years", quote(text))
}

// cutAmount cuts "12h30m" into 12, "h" and "30m".
func cutAmount(s string) (amount int64, unit, rest string, err error) {
	digits := 0
	for digits < len(s) && s[digits] >= '0' && s[digits] <= '9' {
		digits++
	}
	letters := digits
	for letters < len(s) && s[letters] >= 'a' && s[letters] <= 'z' {
		letters++
	}
	if letters == digits {
		return 0, "", "", errors.New("unit expected")
	}
	amount, err = parseDigits(s[:digits])
	return amount, s[digits:letters], s[letters:], err
}

// Std is d as the standard library's duration.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// Days is d in whole and broken days, for half-lives and display.
func (d Duration) Days() float64 { return float64(d) / float64(Day) }

// String is the exact length, longest unit first, in days rather than weeks: "14d", "1d12h", "0s".
func (d Duration) String() string {
	if d <= 0 {
		return "0s"
	}
	var text strings.Builder
	rest := time.Duration(d)
	for _, unit := range units[1:] {
		if amount := rest / unit.length; amount > 0 {
			text.WriteString(strconv.FormatInt(int64(amount), 10) + unit.name)
			rest %= unit.length
		}
	}
	return text.String()
}

// MarshalText writes d as String does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what ParseDuration reads.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := ParseDuration(string(text))
	if err == nil {
		*d = parsed
	}
	return err
}
