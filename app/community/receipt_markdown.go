package community

import (
	"fmt"
	"math"
	"strings"

	"github.com/agora-rfc/agora/config"
)

// termsShown bounds the terms of a receipt that have a row of their own; the older
// ones share one.
const termsShown = 60

// sums are the sums of the classes in ten-thousandths of a point, each of rounded
// terms, so that what is shown adds up to the last digit.
type sums map[config.EntryClass]int64

// columns are the classes in the order of the table.
var columns = []config.EntryClass{config.Authority, config.Genesis, config.Signal, config.Negative}

// markdown writes the receipt for people. login is escaped already. The entries that are
// hidden from whom it is shown to share one row, which says nothing but what they add.
func (r Receipt) markdown(login string, rules config.Reputation, hidden map[int64]bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s** has a reputation of **R = %d** on %s, so a vote of theirs weighs **%s**.\n\n",
		login, r.Reputation, r.At.Format("2006-01-02 15:04 UTC"), weight(r.Weight()))
	if len(r.Terms) == 0 {
		b.WriteString("Nothing stands in the ledger yet.")
		return b.String()
	}
	b.WriteString("| Entry | Day | For | Points | Counted | Age | A | G | S | N | |\n|--:|:--|:--|--:|--:|--:|--:|--:|--:|--:|:--|\n")
	total, private := sums{}, sums{}
	terms := make([]Term, 0, len(r.Terms))
	for _, term := range r.Terms {
		total.add(term)
		if hidden[term.Entry.ID] {
			private.add(term)
		} else {
			terms = append(terms, term)
		}
	}
	if len(private) > 0 {
		fmt.Fprintf(&b, "| | | in private repositories | | | | %s | |\n", private.cells())
	}
	older := max(0, len(terms)-termsShown)
	if older > 0 {
		rest := sums{}
		for _, term := range terms[:older] {
			rest.add(term)
		}
		fmt.Fprintf(&b, "| | | %d older entries | | | | %s | |\n", older, rest.cells())
	}
	for _, term := range terms[older:] {
		b.WriteString(term.row())
	}
	fmt.Fprintf(&b, "| | | **Sum** | | | | %s | |\n\n", total.cells())
	total.explain(&b, r, rules)
	return b.String()
}

// row is one term: in the column of its class stands what it has decayed to.
func (t Term) row() string {
	points := trimmed(t.Entry.Points)
	if t.Entry.Factor != Scale {
		points += " × " + trimmed(t.Entry.Factor)
	}
	if t.Repeat > 1 {
		points += fmt.Sprintf(" ÷ 2^%d", t.Repeat-1)
	}
	own := sums{}
	own.add(t)
	return fmt.Sprintf("| %d | %s | %s | %s | %s | %d d | %s | %s |\n",
		t.Entry.ID, date(t.Entry.At), words(t.Entry.Kind), points, trimmed(t.Counted), t.AgeDays, own.cells(), t.Why())
}

func (s sums) add(t Term) { s[t.Class] += int64(math.Round(t.Now * Scale)) }

// cells are the sums in the order of the table's columns.
func (s sums) cells() string {
	cells := make([]string, len(columns))
	for i, class := range columns {
		if sum, has := s[class]; has {
			cells[i] = decimal(sum)
		}
	}
	return strings.Join(cells, " | ")
}

// explain goes from the sums to the weight, in the letters of RULES §1.
func (s sums) explain(b *strings.Builder, r Receipt, rules config.Reputation) {
	most := int64(rules.SignalBase)*Scale + rules.SignalShare.FloorOf(s[config.Authority])
	counted := min(s[config.Signal], most)
	p := s[config.Authority] + s[config.Genesis] + counted - s[config.Negative]
	fmt.Fprintf(b, "* *Counted* is points × factor as far as the caps let it, and decays to counted · 2^(−age/H), with H = %s, of N %s.\n",
		rules.HalfLife, rules.NegativeHalfLife)
	fmt.Fprintf(b, "* S counts at most %d + %s · A = %s, so %s of it.\n",
		rules.SignalBase, rules.SignalShare, decimal(most), decimal(counted))
	fmt.Fprintf(b, "* P = A + G + S − N = %s + %s + %s − %s = **%s**\n", decimal(s[config.Authority]), decimal(s[config.Genesis]),
		decimal(counted), decimal(s[config.Negative]), decimal(p))
	fmt.Fprintf(b, "* R = 100 · (1 − e^(−P/%d)), P not below 0, rounded down = **%d**\n", rules.Curve, r.Reputation)
	fmt.Fprintf(b, "* weight = 1 + R/25 = **%s**\n", weight(r.Weight()))
}

// decimal writes ten-thousandths with all four decimals.
func decimal(units int64) string {
	sign := ""
	if units < 0 {
		sign, units = "−", -units
	}
	return fmt.Sprintf("%s%d.%04d", sign, units/Scale, units%Scale)
}

// trimmed writes ten-thousandths without zeros at the end.
func trimmed(units int64) string {
	return strings.TrimSuffix(strings.TrimRight(decimal(units), "0"), ".")
}
