package rfc

import (
	"testing"

	"github.com/agora-rfc/agora/config"
	"pgregory.net/rapid"
)

func TestFormatWeight(t *testing.T) {
	t.Parallel()
	for weight, want := range map[int64]string{
		0: "0.00", 4: "0.04", 40: "0.40", 100: "1.00", 3152: "31.52", 1100: "11.00", 123456789: "1234567.89", -5: "-0.05", -250: "-2.50",
	} {
		if got := FormatWeight(weight); got != want {
			t.Errorf("FormatWeight(%d) = %q, want %q", weight, got, want)
		}
	}
}

func TestFormatShareIsFloored(t *testing.T) {
	t.Parallel()
	const most = int64(1<<63 - 1)
	for _, tc := range []struct {
		part, whole int64
		want        string
	}{
		{2, 3, "66.66 %"}, {1, 3, "33.33 %"}, {1, 2, "50 %"}, {3, 4, "75 %"}, {1, 8, "12.50 %"}, {0, 5, "0 %"}, {5, 5, "100 %"},
		{0, 0, "0 %"}, {5, 0, "0 %"}, {99_999, 100_000, "99.99 %"}, {1, 100_000, "0 %"}, {most, most, "100 %"}, {most - 1, most, "99.99 %"},
	} {
		if got := FormatShare(tc.part, tc.whole); got != tc.want {
			t.Errorf("FormatShare(%d, %d) = %q, want %q", tc.part, tc.whole, got, tc.want)
		}
	}
}

func TestFormatThresholdIsRoundedUp(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2/3": "66.67 %", "3/5": "60 %", "3/4": "75 %", ">1/2": "more than 50 %", "1/3": "33.34 %", "100%": "100 %", ">2/3": "more than 66.67 %", "1/8": "12.50 %",
	} {
		line, err := config.ParseThreshold(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := FormatThreshold(line); got != want {
			t.Errorf("FormatThreshold(%s) = %q, want %q", text, got, want)
		}
	}
}

// A share that reads the same as its line, or more, has reached it.
func TestAShareNeverLooksReachedBeforeItIs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		whole := rapid.Int64Range(1, 1_000_000).Draw(t, "whole")
		part := rapid.Int64Range(0, whole).Draw(t, "part")
		den := rapid.Int64Range(1, 1000).Draw(t, "denominator")
		line := config.Threshold{Fraction: config.MustFraction(rapid.Int64Range(0, den).Draw(t, "numerator"), den)}
		if FormatShare(part, whole) == FormatThreshold(line) && !line.Met(part, whole) {
			t.Fatalf("%d of %d is shown as %s, the line as well, and yet it is not reached", part, whole, FormatShare(part, whole))
		}
	})
}

func TestPlural(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0 voters", 1: "1 voter", 2: "2 voters", 1000: "1000 voters"} {
		if got := Plural(n, "voter"); got != want {
			t.Errorf("Plural(%d) = %q, want %q", n, got, want)
		}
	}
}
