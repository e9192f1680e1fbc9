package archive

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/app/rfc"
)

// Report is what a Verifier read and what it found.
type Report struct {
	Communities, Entries, Withheld, RFCs, Rounds, Decisions, Ballots int
	// Found counts the differences; Differences names the first of them, up to
	// DifferencesKept, each on one line.
	Found       int
	Differences []string
}

// DifferencesKept bounds what a Report names.
const DifferencesKept = 100

// Verifier recounts every decision and every chain of the archive it visits. It
// keeps the trails of one community's RFCs at a time.
type Verifier struct {
	Report
	anchors  map[audit.Head]bool // and whether the chain of any community passes through it
	head     audit.Head
	chain    *audit.Chain // nil between communities
	ended    bool         // all its entries were seen
	policies rfc.Policies
	trails   map[string][]audit.Entry // of RFCs, by subject
}

// NewVerifier makes a verifier. Anchors are heads that somebody kept from earlier:
// a chain must pass through each of them, so that also a trail that was cut short,
// or made anew from the beginning, is found.
func NewVerifier(anchors ...audit.Head) *Verifier {
	v := &Verifier{anchors: map[audit.Head]bool{}}
	for _, anchor := range anchors {
		v.anchors[anchor] = false
	}
	return v
}

// Differs notes a difference.
func (r *Report) Differs(what string) {
	r.Found++
	if len(r.Differences) < DifferencesKept {
		r.Differences = append(r.Differences, what)
	}
}

func (v *Verifier) failed(err error) {
	if err != nil {
		v.Differs(err.Error())
	}
}

// Header expects the communities.
func (v *Verifier) Header(Header) error { return nil }

// Community begins with the next community.
func (v *Verifier) Community(c Community) error {
	v.leave()
	v.Communities++
	v.chain, v.head, v.ended = &audit.Chain{Community: c.Account}, c.Head, false
	v.policies, v.trails = rfc.Policies{}, map[string][]audit.Entry{}
	return nil
}

// leave ends the community there was.
func (v *Verifier) leave() {
	if v.chain == nil {
		return
	}
	v.endTrail()
	for _, subject := range slices.Sorted(maps.Keys(v.trails)) {
		v.Differs(fmt.Sprintf("the trail of %s: there is no such RFC", subject))
	}
	v.chain = nil
}

// endTrail compares the end of the chain with its head, once all entries were seen.
func (v *Verifier) endTrail() {
	if !v.ended {
		v.ended = true
		v.failed(v.chain.End(v.head))
	}
}

// Entry takes the next entry of the trail.
func (v *Verifier) Entry(e Entry) error {
	v.Entries++
	if e.Withheld {
		v.Withheld++
	}
	v.failed(v.chain.Add(e.Entry, e.Withheld))
	if place := v.chain.Head(); e.Seq > 0 {
		if _, anchor := v.anchors[place]; anchor {
			v.anchors[place] = true
		}
	}
	if e.Withheld {
		return nil
	}
	v.policies.Take(e.Entry)
	if strings.HasPrefix(e.Subject, "rfc/") {
		v.trails[e.Subject] = append(v.trails[e.Subject], e.Entry)
	}
	return nil
}

// Policy compares a repository's policy with the one of its version in the trail.
func (v *Verifier) Policy(p Policy) error {
	v.endTrail()
	if what := v.policies.Verify(p.Policy, p.Version); what != "" {
		v.Differs(fmt.Sprintf("the policy of repository %d: %s", p.Repository, what))
	}
	return nil
}

// RFC recounts the decisions on an RFC.
func (v *Verifier) RFC(d rfc.Dossier) error {
	v.endTrail()
	subject := d.RFC.Subject()
	found := rfc.Verify(d, v.trails[subject], v.policies)
	delete(v.trails, subject)
	v.RFCs++
	v.Rounds += found.Rounds
	v.Decisions += found.Decisions
	v.Ballots += found.Ballots
	for _, difference := range found.Differences {
		v.Differs(difference.String())
	}
	return nil
}

// End compares what is known only then.
func (v *Verifier) End() error {
	v.leave()
	for anchor, passed := range v.anchors {
		if !passed {
			v.Differs(fmt.Sprintf("no chain passes through entry %d with hash %s: entries up to there were changed or removed", anchor.Seq, anchor.Hash))
		}
	}
	return nil
}
