package config

import (
	"cmp"
	"errors"
	"fmt"
	"math/big"
	"math/bits"
	"strconv"
	"strings"
)

// maxFractionTerm bounds numerator and denominator, so that the product of two terms always fits an int64.
const maxFractionTerm = 1_000_000_000

// Fraction is an exact rational number that is never negative, in lowest terms, such as the 3/5 of an approval line.
// The zero value is 0. Fractions compare with ==, and are written "3/5" in JSON.
type Fraction struct {
	// Zero is kept as 0/0, so that the zero value and a computed zero are the same value; Den hides it.
	num, den int64
}

// NewFraction returns num/den in lowest terms. It fails when num is negative, den is not positive,
// or either exceeds 1,000,000,000 once reduced.
func NewFraction(num, den int64) (Fraction, error) {
	if den <= 0 || num < 0 {
		return Fraction{}, fmt.Errorf("%d/%d is not a fraction of zero or more", num, den)
	}
	if num == 0 {
		return Fraction{}, nil
	}
	divisor := gcd(num, den)
	num, den = num/divisor, den/divisor
	if num > maxFractionTerm || den > maxFractionTerm {
		return Fraction{}, fmt.Errorf("%d/%d is out of range: numerator and denominator may be at most %d", num, den, maxFractionTerm)
	}
	return Fraction{num: num, den: den}, nil
}

// MustFraction is NewFraction for constants of the program; it panics where NewFraction fails.
func MustFraction(num, den int64) Fraction {
	f, err := NewFraction(num, den)
	if err != nil {
		panic(err)
	}
	return f
}

// ParseFraction reads "2/3", "60%", "66.67%", "1.5" or "2", all exactly.
func ParseFraction(text string) (Fraction, error) {
	s := strings.TrimSpace(text)
	if percent, ok := strings.CutSuffix(s, "%"); ok {
		num, den, err := parseDecimal(strings.TrimSpace(percent))
		if err != nil {
			return Fraction{}, badFraction(text)
		}
		return NewFraction(num, den*100)
	}
	if above, below, ok := strings.Cut(s, "/"); ok {
		num, err1 := parseDigits(strings.TrimSpace(above))
		den, err2 := parseDigits(strings.TrimSpace(below))
		if err1 != nil || err2 != nil || den == 0 {
			return Fraction{}, badFraction(text)
		}
		return NewFraction(num, den)
	}
	num, den, err := parseDecimal(s)
	if err != nil {
		return Fraction{}, badFraction(text)
	}
	return NewFraction(num, den)
}

func badFraction(text string) error {
	return fmt.Errorf("%s is not a fraction: write it like 2/3, 60%% or 1.5", quote(text))
}

// parseDecimal reads digits with at most one point among them as num/den, den a power of ten of at most 10^9.
func parseDecimal(s string) (num, den int64, err error) {
	whole, decimals, hasPoint := strings.Cut(s, ".")
	if hasPoint && decimals == "" || len(decimals) > 9 {
		return 0, 0, errors.New("bad decimals")
	}
	if num, err = parseDigits(whole + decimals); err != nil || whole == "" {
		return 0, 0, errors.New("bad digits")
	}
	den = 1
	for range decimals {
		den *= 10
	}
	return num, den, nil
}

// parseDigits reads 1 to 18 ASCII digits, and nothing else: no sign, no space, no underscore.
func parseDigits(s string) (int64, error) {
	if len(s) == 0 || len(s) > 18 {
		return 0, errors.New("1 to 18 digits expected")
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, errors.New("digits expected")
		}
	}
	return strconv.ParseInt(s, 10, 64)
}

// Num is the numerator in lowest terms.
func (f Fraction) Num() int64 { return f.num }

// Den is the denominator in lowest terms, always positive.
func (f Fraction) Den() int64 { return max(f.den, 1) }

// IsZero tells whether f is 0.
func (f Fraction) IsZero() bool { return f.num == 0 }

// Equal tells whether f and g are the same number.
func (f Fraction) Equal(g Fraction) bool { return f == g }

// Cmp is -1 when f < g, 0 when they are equal, and 1 when f > g.
func (f Fraction) Cmp(g Fraction) int {
	left, right := f.num*g.Den(), g.num*f.Den() // bounded terms: at most 10^18
	switch {
	case left < right:
		return -1
	case left > right:
		return 1
	}
	return 0
}

// CmpShare compares part/whole with f, exactly: -1 when the share is smaller, 0 when equal, 1 when greater.
// A share of nothing (whole ≤ 0) counts as 0.
func (f Fraction) CmpShare(part, whole int64) int {
	if whole <= 0 {
		part, whole = 0, 1
	}
	if part < 0 {
		return -1 // no fraction is negative
	}
	// Neither factor is negative; the products have up to 128 bits.
	leftHigh, leftLow := bits.Mul64(uint64(part), uint64(f.Den()))
	rightHigh, rightLow := bits.Mul64(uint64(f.num), uint64(whole))
	return cmp.Or(cmp.Compare(leftHigh, rightHigh), cmp.Compare(leftLow, rightLow))
}

// CeilOf is the smallest integer that is at least f · whole, for a whole of zero or more.
// It saturates at the greatest int64.
func (f Fraction) CeilOf(whole int64) int64 {
	product := new(big.Int).Mul(big.NewInt(f.num), big.NewInt(max(whole, 0)))
	product.Add(product, big.NewInt(f.Den()-1)).Quo(product, big.NewInt(f.Den()))
	return saturate(product)
}

// FloorOf is the greatest integer that is at most f · whole, for a whole of zero or more.
// It saturates at the greatest int64.
func (f Fraction) FloorOf(whole int64) int64 {
	product := new(big.Int).Mul(big.NewInt(f.num), big.NewInt(max(whole, 0)))
	return saturate(product.Quo(product, big.NewInt(f.Den())))
}

func saturate(n *big.Int) int64 {
	if !n.IsInt64() {
		return 1<<63 - 1
	}
	return n.Int64()
}

// Rat is f as a rational number of math/big, for arithmetic beyond comparing.
func (f Fraction) Rat() *big.Rat { return big.NewRat(f.num, f.Den()) }

// Float is f rounded to a float64: for display and for the reputation curve only.
func (f Fraction) Float() float64 { return float64(f.num) / float64(f.Den()) }

// String is "3/5", or "2" when the denominator is 1.
func (f Fraction) String() string {
	if f.Den() == 1 {
		return strconv.FormatInt(f.num, 10)
	}
	return fmt.Sprintf("%d/%d", f.num, f.den)
}

// Percent is f in per cent with at most two decimals, rounded half up: "60 %", "66.67 %".
func (f Fraction) Percent() string {
	hundredths := (f.num*20_000 + f.Den()) / (2 * f.Den()) // bounded terms: at most 2·10^13
	text := fmt.Sprintf("%d.%02d", hundredths/100, hundredths%100)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".") + " %"
}

// MarshalText writes f as String does, so that JSON holds "3/5".
func (f Fraction) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads what ParseFraction reads.
func (f *Fraction) UnmarshalText(text []byte) error {
	parsed, err := ParseFraction(string(text))
	if err == nil {
		*f = parsed
	}
	return err
}

// Threshold is a line to reach: at least the fraction, or, when strict, more than it (RULES §2, approval).
type Threshold struct {
	Fraction
	Strict bool
}

// ParseThreshold reads a fraction, meaning "at least", or ">1/2", meaning "more than".
func ParseThreshold(text string) (Threshold, error) {
	s := strings.TrimSpace(text)
	rest, strict := strings.CutPrefix(s, ">")
	fraction, err := ParseFraction(rest)
	if err != nil && strings.ContainsAny(s, "<>=≥≤") {
		return Threshold{}, fmt.Errorf("%s is not an approval line: write 2/3 for at least, >1/2 for more than", quote(text))
	}
	return Threshold{Fraction: fraction, Strict: strict}, err
}

// Met tells whether part of whole reaches the line, exactly. Nothing of nothing never does.
func (t Threshold) Met(part, whole int64) bool {
	if whole <= 0 {
		return false
	}
	order := t.CmpShare(part, whole)
	return order > 0 || order == 0 && !t.Strict
}

// Equal tells whether both lines are the same.
func (t Threshold) Equal(other Threshold) bool { return t == other }

// String is "2/3", or ">1/2" for a strict line.
func (t Threshold) String() string {
	if t.Strict {
		return ">" + t.Fraction.String()
	}
	return t.Fraction.String()
}

// MarshalText writes t as String does.
func (t Threshold) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads what ParseThreshold reads.
func (t *Threshold) UnmarshalText(text []byte) error {
	parsed, err := ParseThreshold(string(text))
	if err == nil {
		*t = parsed
	}
	return err
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// quote shows a piece of input in an error: short, on one line, and harmless in a terminal.
func quote(text string) string {
	const longest = 80
	if runes := []rune(text); len(runes) > longest {
		text = string(runes[:longest]) + "…"
	}
	return strconv.Quote(text)
}
