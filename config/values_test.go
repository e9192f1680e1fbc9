package config_test

import (
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/agora-rfc/agora/config"
)

func TestParseFraction(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2/3": "2/3", "4/6": "2/3", " 2 / 3 ": "2/3", "60%": "3/5", "66.67%": "6667/10000", "1.5": "3/2", "2": "2", "0": "0", "0%": "0", "0/7": "0", "100 %": "1", "0.000000001": "1/1000000000",
	} {
		got, err := config.ParseFraction(text)
		if err != nil || got.String() != want {
			t.Errorf("ParseFraction(%q) = %s, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "%", "/", "1/", "/2", "1/0", "-1/2", "1/-2", "+1", ".5", "5.", "1..2", "1e3", "0x10", "1_0", "½", "1/2/3", "50%%", "1.5/2", "2/3%",
		"0.0000000001", "1/1000000001", "9999999999999999999", strings.Repeat("9", 10_000), "٣",
	} {
		if got, err := config.ParseFraction(text); err == nil {
			t.Errorf("ParseFraction(%q) = %s, want an error", text, got)
		} else if len(err.Error()) > 300 {
			t.Errorf("ParseFraction(%.20q): the error has %d bytes", text, len(err.Error()))
		}
	}
}

func TestFractionsCompareExactly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := config.MustFraction(rapid.Int64Range(0, 1e9).Draw(t, "num"), rapid.Int64Range(1, 1e9).Draw(t, "den"))
		g := config.MustFraction(rapid.Int64Range(0, 1e9).Draw(t, "num"), rapid.Int64Range(1, 1e9).Draw(t, "den"))
		part, whole := rapid.Int64Min(0).Draw(t, "part"), rapid.Int64Min(1).Draw(t, "whole")
		if got, want := f.Cmp(g), f.Rat().Cmp(g.Rat()); got != want {
			t.Fatalf("%s.Cmp(%s) = %d, want %d", f, g, got, want)
		}
		if got, want := f.CmpShare(part, whole), big.NewRat(part, whole).Cmp(f.Rat()); got != want {
			t.Fatalf("%s.CmpShare(%d, %d) = %d, want %d", f, part, whole, got, want)
		}
		share := new(big.Rat) // of nothing it is 0
		if part, whole = rapid.Int64().Draw(t, "any part"), rapid.Int64().Draw(t, "any whole"); whole > 0 {
			share.SetFrac64(part, whole)
		}
		if got, want := f.CmpShare(part, whole), share.Cmp(f.Rat()); got != want {
			t.Fatalf("%s.CmpShare(%d, %d) = %d, want %d", f, part, whole, got, want)
		}
		if again, err := config.ParseFraction(f.String()); err != nil || again != f {
			t.Fatalf("%s is read as %s, %v", f, again, err)
		}
		small := rapid.Int64Range(0, 1e9).Draw(t, "small")
		ceil, floor := f.CeilOf(small), f.FloorOf(small)
		if f.CmpShare(ceil, max(small, 1)) < 0 && small > 0 || floor > ceil || ceil-floor > 1 {
			t.Fatalf("%s of %d: between %d and %d", f, small, floor, ceil)
		}
	})
	if got := config.MustFraction(1_000_000_000, 1).CeilOf(math.MaxInt64); got != math.MaxInt64 {
		t.Errorf("CeilOf should saturate, got %d", got)
	}
}

func TestThreshold(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		line        string
		part, whole int64
		want        bool
	}{
		{">1/2", 50, 100, false}, {">1/2", 51, 100, true}, {"1/2", 50, 100, true},
		{"2/3", 2, 3, true}, {"2/3", 66, 100, false}, {"66.67%", 2, 3, false}, {"60%", 3, 5, true},
		{"2/3", 0, 0, false}, {"> 3/4", 3, 4, false}, {"2/3", math.MaxInt64, math.MaxInt64, true}, {">99.9999999%", math.MaxInt64 - 1, math.MaxInt64, true},
	} {
		line, err := config.ParseThreshold(test.line)
		if err != nil {
			t.Fatal(err)
		}
		if got := line.Met(test.part, test.whole); got != test.want {
			t.Errorf("%s met by %d of %d = %v", test.line, test.part, test.whole, got)
		}
	}
}

func TestPercent(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"2/3": "66.67 %", "3/5": "60 %", "1/2": "50 %", "0": "0 %", "1": "100 %", "1/1000": "0.1 %", "12.5%": "12.5 %"} {
		if got := mustFraction(t, text).Percent(); got != want {
			t.Errorf("%s = %q, want %q", text, got, want)
		}
	}
}

func mustFraction(t *testing.T, text string) config.Fraction {
	t.Helper()
	f, err := config.ParseFraction(text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestParseDuration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "15m": 15 * time.Minute, "48h": 48 * time.Hour, "14d": 14 * 24 * time.Hour, "2w": 14 * 24 * time.Hour,
		"1d12h": 36 * time.Hour, "1w1d1h1m1s": 694861 * time.Second, "0": 0, "0s": 0, " 5m ": 5 * time.Minute, "250ms": 250 * time.Millisecond, "3650d": 3650 * 24 * time.Hour,
	} {
		if got, err := config.ParseDuration(text); err != nil || got.Std() != want {
			t.Errorf("ParseDuration(%q) = %s, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", " ", "5", "d", "-5d", "+5d", "1.5h", "5 d", "5D", "5y", "5mo", "1h1d", "1h1h", "3651d", "3650d1s", "99999999999999999999d", "٥d"} {
		if got, err := config.ParseDuration(text); err == nil {
			t.Errorf("ParseDuration(%q) = %s, want an error", text, got)
		}
	}
}

func TestDurationsAreReadAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := config.Duration(rapid.Int64Range(0, int64(config.MaxDuration)).Draw(t, "d"))
		if got, err := config.ParseDuration(d.String()); err != nil || got != d {
			t.Fatalf("%d is written %s and read %d, %v", d, d, got, err)
		}
	})
	if got := config.Duration(36 * time.Hour).String(); got != "1d12h" {
		t.Errorf("36 hours are written %s", got)
	}
}

func TestParseSteward(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"@acme/stewards": "@acme/stewards", "acme/stewards": "@acme/stewards", "maya": "@maya", "@maya": "@maya", "kim_acme": "@kim_acme", "a": "@a",
	} {
		if got, err := config.ParseSteward(text); err != nil || got.String() != want {
			t.Errorf("ParseSteward(%q) = %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "@", "@@maya", "a b", "acme/", "/team", "a/b/c", "-a", "a-", "mäya", "maya\n@x", "../x", strings.Repeat("a", 200)} {
		if got, err := config.ParseSteward(text); err == nil {
			t.Errorf("ParseSteward(%q) = %s, want an error", text, got)
		}
	}
}
