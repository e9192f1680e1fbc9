package rfc

import (
	"fmt"
	"math/big"

	"github.com/agora-rfc/agora/config"
)

// FormatWeight writes a weight of hundredths as a decimal string: 3152 is "31.52".
func FormatWeight(hundredths int64) string {
	sign := ""
	if hundredths < 0 {
		sign, hundredths = "-", -hundredths
	}
	return fmt.Sprintf("%s%d.%02d", sign, hundredths/100, hundredths%100)
}

// FormatShare writes part of whole as a percentage, floored to two places so that
// nothing looks reached before it is: 2 of 3 is "66.66 %".
func FormatShare(part, whole int64) string {
	if whole <= 0 {
		return "0 %"
	}
	scaled := new(big.Int).Mul(big.NewInt(part), big.NewInt(10000))
	scaled.Quo(scaled, big.NewInt(whole))
	return percent(scaled.Int64())
}

// FormatThreshold writes what an approval needs: "at least 66.67 %" without the
// words at least; strict thresholds say "more than 50 %". Rounded up, so that
// a share shown as reached is reached.
func FormatThreshold(t config.Threshold) string {
	scaled := new(big.Int).Mul(big.NewInt(t.Num()), big.NewInt(10000))
	scaled.Add(scaled, big.NewInt(t.Den()-1)).Quo(scaled, big.NewInt(t.Den()))
	if t.Strict {
		return "more than " + percent(scaled.Int64())
	}
	return percent(scaled.Int64())
}

func percent(hundredths int64) string {
	if hundredths%100 == 0 {
		return fmt.Sprintf("%d %%", hundredths/100)
	}
	return fmt.Sprintf("%d.%02d %%", hundredths/100, hundredths%100)
}

// Plural counts a noun: "1 voter", "3 voters".
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
