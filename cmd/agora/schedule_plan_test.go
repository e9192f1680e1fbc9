package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/agora-rfc/agora/app/rfc"
)

// playwright writes a schedule while it is first played, calmly: what people do
// next depends on what they see.
type playwright struct {
	rng   *rand.Rand
	p     *playing
	rules string
	pull  bool
	// exact schedules begin things at the same instants in every playing, so people
	// may act to the second at a deadline. In the others GitHub's troubles delay what
	// Agora begins, and people stay away from the instants that this moves.
	exact     bool
	forgetful bool
	// eager schedules come to a decision soon, mostly to accept, so that there is time to
	// see what follows from it.
	eager   bool
	named   int
	said    []string            // names of comments with commands, not deleted
	stood   map[string][]string // reactions by person
	over    int                 // passages since the RFC was decided
	ballots int                 // passages of voting
}

// quiet is when Agora goes on after a passage's last act, in which nobody acts and
// everything heals. The hour's re-reading is waited for where webhooks are lost for
// good, and at a deadline: a vote read before the one that extended it.
func (w *playwright) quiet(p passage) []time.Duration {
	pauses := []time.Duration{3 * time.Second, 25 * time.Second, 16 * time.Minute}
	if w.forgetful || p.edge {
		pauses = append(pauses, 80*time.Minute)
	}
	return pauses
}

// distance is how far inexact schedules stay away from instants that matter.
const distance = 2 * time.Hour

func newPlaywright(seed uint64) *playwright {
	w := &playwright{rng: rand.New(rand.NewPCG(seed, 1)), stood: map[string][]string{}}
	w.pull, w.exact, w.forgetful = w.chance(3), w.chance(2), w.chance(3)
	w.eager = seed%4 == 1 || seed%4 == 2
	rules := []string{"version: 1", "rfc:"}
	if !w.exact && w.chance(3) {
		rules = append(rules, "  early_close: true")
	}
	if w.chance(3) {
		rules = append(rules, "  close_on_decision: false")
	}
	if w.pull && w.chance(3) {
		rules = append(rules, "  merge_on_accept: squash")
	}
	rules = append(rules, fmt.Sprintf("  late_window: %dh", 12*(1+w.rng.IntN(4))))
	w.rules = strings.Join(rules, "\n") + "\n"
	return w
}

// chance is true once in n times.
func (w *playwright) chance(n int) bool { return w.rng.IntN(n) == 0 }

func one[T any](w *playwright, of ...T) T { return of[w.rng.IntN(len(of))] }

func (w *playwright) name() string {
	w.named++
	return fmt.Sprintf("c%d", w.named)
}

// opening is the first passage: the text, and what makes it an RFC.
func (w *playwright) opening() passage {
	p := passage{at: dawn.Add(time.Duration(w.rng.IntN(300)) * time.Minute), firm: true}
	kind := one(w, "", "", "rfc-type/roadmap", "rfc-type/standard")
	switch {
	case w.pull && w.chance(3):
		p.acts = []act{{who: author, verb: opensPull, text: "Words", name: "draft"}, {after: time.Second, who: "maya", verb: labels, text: "rfc"},
			{after: 2 * time.Second, who: author, verb: marksReady}}
	case w.pull:
		p.acts = []act{{who: author, verb: opensPull, text: "Words"}, {after: time.Second, who: one(w, "maya", author), verb: labels, text: "rfc"}}
	case w.chance(3):
		p.acts = []act{{who: author, verb: opensIssue, text: "Words"}, {after: time.Second, who: one(w, author, author, "maya"), verb: comments, text: one(w, "/rfc open", "/rfc open", "/rfc draft"), name: w.name()}}
	default:
		p.acts = []act{{who: author, verb: opensIssue, text: "Words", name: "rfc " + kind}}
	}
	return p
}

// next writes the next passage; false ends the schedule.
func (w *playwright) next(last passage) (p passage, more bool, err error) {
	found, v, err := w.p.look()
	if err != nil || !found {
		return p, false, err
	}
	earliest := last.at.Add(2 * time.Hour)
	latest := earliest.Add(time.Duration(6+w.rng.IntN(60)) * time.Hour)
	switch r := v.RFC; {
	case r.State == rfc.Draft:
		p.acts, p.firm = w.draft(), true
	case r.State == rfc.Open && w.eager && w.chance(2):
		p = passage{firm: true, acts: []act{w.say("maya", "/rfc vote")}}
	case r.State == rfc.Open && (w.chance(4) || !r.DiscussionEnds.After(latest)):
		p.at = w.past(earliest, r.DiscussionEnds)
		return p, true, nil
	case r.State == rfc.Open:
		p = w.discussion()
	case v.Round != nil && !v.Round.Closed():
		p = w.voting(v)
		if !v.Round.EarlyCloseAt.IsZero() && len(p.acts) > 1 {
			// Of several votes, whether one is heard before another decides whether the outcome
			// was open in between, and with it whether the notice of 24 hours begins anew.
			p.acts = p.acts[:1]
		}
		if edge := v.Result.Deadline.Add(-2 * time.Second); w.exact && w.chance(2) && edge.After(earliest) && !p.firm {
			p.at, p.edge = edge, true
			// Once somebody else has edited a comment, nobody reads it again; a reaction is
			// gone as of the reading that misses it, and somebody blocked as of the webhook,
			// which has no instant; and what comes after the final reading registers nobody.
			p.acts = slices.DeleteFunc(p.acts, func(a act) bool {
				return a.verb == editsComment || a.verb == takesBack || a.verb == blocks || a.after > 3*time.Second
			})
			return p, true, nil
		}
		if w.chance(5) || w.eager && w.ballots > 0 && w.chance(2) {
			p.acts = nil
			p.at = w.past(earliest, v.Result.Deadline)
			return p, true, nil
		}
	case r.State == rfc.Postponed && !r.RetryAt.IsZero() && w.chance(2):
		p.at = w.past(earliest, r.RetryAt)
		return p, true, nil
	default:
		if w.over++; w.over > 2 {
			return p, false, nil
		}
		p = w.decided(v.RFC)
	}
	for range 40 {
		p.at = earliest.Add(time.Duration(w.rng.Int64N(int64(latest.Sub(earliest))))).Truncate(time.Second)
		if daytime(p.at) && w.clear(p.at, v) {
			if slices.ContainsFunc(moments(v), func(m time.Time) bool { return m.After(last.at) && m.Before(p.at) }) {
				p.acts = nil // first what is due happens, then people act on it
			}
			return p, true, nil
		}
	}
	p.acts = nil
	p.at = w.past(earliest, w.lastMoment(v))
	return p, true, nil
}

// past is the first instant in daytime well after another.
func (w *playwright) past(earliest, moment time.Time) time.Time {
	at := moment.Add(distance)
	if at.Before(earliest) {
		at = earliest
	}
	for !daytime(at) {
		at = at.Add(time.Hour).Truncate(time.Hour)
	}
	return at.Truncate(time.Second)
}

// daytime keeps a passage and its quiet within one UTC day, by which reputation ages.
func daytime(at time.Time) bool { return at.Hour() >= 2 && at.Hour() < 20 }

// moments are the instants at which something may begin or end.
func moments(v rfc.View) []time.Time {
	r := v.RFC
	list := []time.Time{r.DiscussionEnds, r.RetryAt, r.OpenedAt.Add(r.DiscussionEnds.Sub(r.OpenedAt) / 2)}
	if v.Round != nil && !v.Round.Closed() {
		d := v.Result.Deadline
		window := min(v.Round.Policy.LateWindow.Std(), v.Round.Period()/4)
		list = append(list, d, d.Add(-window), v.Round.ConcernsUntil(), v.Round.OpenedAt.Add(v.Round.Period()/2), v.Round.EarlyCloseAt, v.Round.Planned)
	}
	for _, c := range r.Concerns {
		if c.State == rfc.ConcernAddressed {
			list = append(list, c.AddressedAt.Add(7*24*time.Hour), c.SpokeAt.Add(7*24*time.Hour))
		}
	}
	return list
}

func (w *playwright) lastMoment(v rfc.View) time.Time {
	return slices.MaxFunc(moments(v), time.Time.Compare)
}

func (w *playwright) clear(at time.Time, v rfc.View) bool {
	for _, m := range moments(v) {
		if at.Sub(m).Abs() < distance {
			return false
		}
	}
	return true
}

func (w *playwright) say(who, text string) act {
	a := act{who: who, verb: comments, text: text, name: w.name()}
	if strings.HasPrefix(text, "/") {
		w.said = append(w.said, a.name)
	}
	return a
}

func (w *playwright) draft() []act {
	return []act{w.say(one(w, author, author, "maya", "rob"), "/rfc open")}
}

func (w *playwright) discussion() passage {
	switch w.rng.IntN(12) {
	case 0, 1, 2, 3:
		return passage{firm: true, acts: []act{w.say(one(w, "maya", "ola", "maya", author, "zoe"), "/rfc vote")}}
	case 4:
		return passage{acts: []act{{who: author, verb: editsText, text: "Other words " + w.name()}}}
	case 5:
		return passage{firm: true, acts: []act{{who: one(w, "sam", "maya", author), verb: unlabels, text: "rfc"}}}
	case 6:
		return passage{acts: []act{{who: "maya", verb: labels, text: one(w, "rfc/accepted", "rfc-type/roadmap", "rfc/voting")}}}
	case 7:
		return passage{acts: []act{{who: "lee", verb: unlabels, text: "rfc/open-for-comment"}}}
	case 8:
		return w.structural(w.say(author, `/rfc withdraw "enough"`), act{who: "maya", verb: closes}, act{who: author, verb: closes})
	}
	return w.batch(1+w.rng.IntN(4), func() act {
		who := one(w, everybody...)
		switch w.rng.IntN(5) {
		case 0:
			return w.concern(who)
		case 1:
			return w.say(who, one(w, "/member join", "/rfc statsu", "/rfc vote extra words", "/vote approve", "/rfc draft"))
		}
		return w.say(who, "I think so too.")
	})
}

func (w *playwright) concern(who string) act {
	return w.say(who, fmt.Sprintf(`/concern raise "This breaks what %s needs: %s"`, who, w.name()))
}

func (w *playwright) structural(of ...act) passage {
	return passage{firm: true, acts: []act{one(w, of...)}}
}

// batch is several acts within a minute, none of which must be read first. Nobody raises
// two concerns in it: which of them is the one too many follows from which is heard first.
func (w *playwright) batch(n int, next func() act) passage {
	var p passage
	at := time.Duration(0)
	raised := map[string]bool{}
	for range n {
		a := next()
		if strings.HasPrefix(a.text, "/concern raise") {
			if raised[a.who] {
				a = w.say(a.who, "I think so too.")
			}
			raised[a.who] = true
		}
		if a.verb == editsComment {
			at += 2 * time.Second // within one second GitHub does not tell it from an unedited one
		}
		a.after = at
		p.acts = append(p.acts, a)
		at += time.Duration(w.rng.IntN(3)) * time.Second
	}
	return p
}

func (w *playwright) voting(v rfc.View) passage {
	if w.chance(4) {
		if p, ok := w.interruption(v); ok {
			return p
		}
	}
	w.ballots++
	if w.eager && w.ballots == 1 {
		return w.approval()
	}
	seen := map[string][]string{}
	for who, list := range w.stood {
		seen[who] = slices.Clone(list)
	}
	before := len(w.said)
	return w.batch(1+w.rng.IntN(6), func() act {
		editable := w.said
		if w.forgetful { // what was lost for good and edited before it was read is not read
			editable = w.said[:before]
		}
		return w.ballot(seen, editable)
	})
}

// approval is most of the electorate voting in favour, by one channel or the other.
func (w *playwright) approval() passage {
	voters := slices.Clone(regulars)
	w.rng.Shuffle(len(voters), func(i, j int) { voters[i], voters[j] = voters[j], voters[i] })
	voters = voters[:5+w.rng.IntN(len(voters)-4)]
	return w.batch(len(voters), func() act {
		who := voters[0]
		voters = voters[1:]
		if w.chance(2) {
			w.stood[who] = append(w.stood[who], "+1")
			return act{who: who, verb: reacts, text: "+1"}
		}
		return w.say(who, one(w, "/vote approve", "/vote approve", "/vote abstain"))
	})
}

// ballot is one act of voting. A reaction is only taken back in a later passage
// than it was given in: GitHub tells nobody of reactions, and one that came and went
// between two readings never was.
func (w *playwright) ballot(seen map[string][]string, editable []string) act {
	who := one(w, everybody...)
	switch k := w.rng.IntN(10); {
	case k < 3:
		content := one(w, "+1", "+1", "+1", "-1", "confused", "eyes", "heart")
		w.stood[who] = append(w.stood[who], content)
		return act{who: who, verb: reacts, text: content}
	case k == 3 && len(seen[who]) > 0:
		content := seen[who][0]
		seen[who] = seen[who][1:]
		w.stood[who] = slices.DeleteFunc(w.stood[who], func(c string) bool { return c == content })
		return act{who: who, verb: takesBack, text: content}
	case k == 4 && w.pull && who != author:
		return act{who: who, verb: reviews, text: one(w, "+Fine", "+", "-This breaks the build of "+w.name(), " A word")}
	case k == 5 && len(editable) > 0:
		name := one(w, editable...)
		return act{who: one(w, "maya", author), verb: editsComment, name: name, text: one(w, "/vote reject", "Never mind", `/vote approve "mended"`)}
	case k == 6:
		return w.say(who, one(w, "/vote aprove", "/vote approve\n/vote reject", "/vote retract", "/vote", "> /vote reject", "/rfc status"))
	case k == 7 && w.chance(2):
		return w.say(who, fmt.Sprintf(`/vote request-changes "It needs more thought about %s"`, w.name()))
	}
	return w.say(who, one(w, "/vote approve", "/vote approve", `/vote approve "good"`, "/vote reject", "/vote abstain", "/vote +1", "/vote changes"))
}

// interruption is what changes a vote besides ballots.
func (w *playwright) interruption(v rfc.View) (passage, bool) {
	var open []rfc.Concern
	for _, c := range v.RFC.Concerns {
		if !c.Settled() {
			open = append(open, c)
		}
	}
	if len(open) > 0 && w.chance(2) {
		c := one(w, open...)
		verbs := []act{
			{who: author, verb: settles, text: `/concern address %d "It is met in the text"`, name: c.Text},
			{who: c.Raiser.Login, verb: settles, text: "/concern resolve %d", name: c.Text},
			{who: one(w, stewards...), verb: settles, text: `/concern overrule %d "It is not in scope"`, name: c.Text},
		}
		return passage{acts: []act{one(w, verbs...)}}, true
	}
	text := act{who: author, verb: editsText, text: "New words " + w.name()}
	if w.pull {
		text = act{who: author, verb: pushes, text: w.name()}
	}
	switch w.rng.IntN(8) {
	case 0:
		return w.structural(w.say(one(w, "maya", "ola", "zoe"), fmt.Sprintf(`/rfc extend %dh "holidays"`, 6+w.rng.IntN(72)))), true
	case 1, 2:
		return passage{acts: []act{text}}, true
	case 3:
		return w.structural(w.say(one(w, "maya", "ola", author), `/rfc editorial "spelling"`)), true
	case 4:
		return w.structural(w.say(one(w, "maya", author), `/rfc restart "new facts"`)), true
	case 5:
		return passage{acts: []act{{who: "maya", verb: blocks, name: one(w, "lee", "rob", "ida")}}}, true
	case 6:
		return w.structural(w.say(author, `/rfc withdraw "enough"`), act{who: "maya", verb: closes}, act{who: "sam", verb: unlabels, text: "rfc"}), true
	}
	return passage{acts: []act{{who: "maya", verb: one(w, labels, unlabels), text: one(w, "rfc/voting", "rfc/accepted", "rfc/open-for-comment")}}}, true
}

// decided is what people do when a round is over.
func (w *playwright) decided(r *rfc.RFC) passage {
	switch r.State {
	case rfc.ChangesRequested:
		text := act{who: author, verb: editsText, text: "Better words " + w.name()}
		if w.pull {
			text = act{who: author, verb: pushes, text: w.name()}
		}
		return w.structural(text, text, w.say(author, "/rfc open"), w.say("lee", "/vote approve"))
	case rfc.Accepted:
		text := act{who: author, verb: editsText, text: "Longer words " + w.name()}
		if w.pull {
			text = act{who: author, verb: pushes, text: w.name()}
		}
		return w.structural(text, act{who: one(w, "maya", "lee"), verb: implements}, act{who: "maya", verb: implements},
			w.say("maya", "/rfc implement by=#1"), w.say("maya", `/rfc editorial "spelling"`))
	case rfc.Rejected, rfc.Withdrawn, rfc.Postponed:
		return w.structural(w.say("maya", `/rfc reopen "once more"`), act{who: "maya", verb: reopens}, w.say(author, `/rfc reopen "please"`),
			act{who: author, verb: reopens}, w.say("ola", `/rfc withdraw "no use"`))
	}
	return w.structural(w.say("zoe", "And now?"), w.say(author, "/rfc open"))
}
