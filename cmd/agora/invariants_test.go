package main

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/agora-rfc/agora/app/ghsim"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/store"
)

// marker finds what a comment of Agora's is by the mark it begins with.
var marker = regexp.MustCompile(`^<!-- agora:([a-z]+ [0-9/]+) -->`)

// violations lists what must hold whatever happened to Agora, to GitHub or to the
// network between them, and does not, once everything is quiet: one status comment
// an RFC, one ballot comment a round, one decision a decided round, one answer a
// comment, the one label of the state, nothing set aside, and a trail from which
// every decision can be recounted.
func violations(ctx context.Context, url string, s *store.Store, sim *ghsim.Server, bot, repo string) (found []string) {
	bad := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	if out, err := verified(ctx, url); err != nil {
		bad("agora verify: %v\n%s", err, out)
	}
	parked, err := s.ListInbox(ctx, "parked", 10)
	if err != nil {
		bad("%v", err)
	}
	for _, entry := range parked {
		bad("entry %d (%s in %s) is parked after %d attempts: %s", entry.ID, entry.Kind, entry.Lane, entry.Attempts, entry.Error)
	}
	err = s.RFC().View(ctx, func(ctx context.Context, tx rfc.Tx) error {
		all, err := tx.RFCs(ctx, rfc.Filter{})
		if err != nil {
			return err
		}
		for _, r := range all {
			rounds, err := tx.Rounds(ctx, r.ID)
			if err != nil {
				return err
			}
			for _, wrong := range shownWrong(r, rounds, sim, bot, repo) {
				bad("%s", wrong)
			}
		}
		return nil
	})
	if err != nil {
		bad("%v", err)
	}
	return found
}

// verified runs `agora verify` on a database.
func verified(ctx context.Context, url string) (out string, err error) {
	var said bytes.Buffer
	c := newRootCommand()
	c.SetArgs([]string{"verify", "--database", url})
	c.SetOut(&said)
	c.SetErr(&said)
	err = c.ExecuteContext(ctx)
	return said.String(), err
}

// shownWrong is the part that people see of one RFC's issue.
func shownWrong(r *rfc.RFC, rounds []*rfc.Round, sim *ghsim.Server, bot, repo string) (found []string) {
	bad := func(format string, args ...any) {
		found = append(found, fmt.Sprintf("%s (%s), %s: ", r.Name(), r.URL, r.State)+fmt.Sprintf(format, args...))
	}
	standing := marks(sim, bot, repo, r.Ref.Number)
	want := func(mark string, least int) {
		if n := standing[mark]; n > 1 || n < least {
			bad("%d comments are marked %q", n, mark)
		}
		delete(standing, mark)
	}
	if r.Number > 0 {
		want(fmt.Sprintf("rfc %d", r.Number), 1)
	}
	for _, round := range rounds {
		least, decided := 1, 0
		switch {
		case round.Number < r.Round:
			least = 0 // it may have been over before it was ever shown
		case decidedRound(round):
			decided = 1
		}
		want(fmt.Sprintf("ballot %d/%d", r.Number, round.Number), least)
		want(fmt.Sprintf("decision %d/%d", r.Number, round.Number), decided)
	}
	for mark, n := range standing {
		if n > 1 || !strings.HasPrefix(mark, "reply ") {
			bad("%d comments are marked %q", n, mark)
		}
	}
	var owned []string
	for _, label := range sim.Labels(repo, r.Ref.Number) {
		if slices.ContainsFunc(rfc.States, func(s rfc.State) bool { return s.Label() == label }) {
			owned = append(owned, label)
		}
	}
	if !slices.Equal(owned, []string{r.State.Label()}) {
		bad("it wears %q", owned)
	}
	return found
}

func decidedRound(round *rfc.Round) bool {
	return round.Closed() && round.Outcome != rfc.OutcomeAbandoned && round.Outcome != rfc.OutcomeRestarted
}

// marks counts the comments of Agora's on an issue by their marks; one without a
// mark counts under "".
func marks(sim *ghsim.Server, bot, repo string, number int) map[string]int {
	found := map[string]int{}
	for _, c := range sim.Comments(repo, number) {
		if c.User == nil || c.User.Login != bot {
			continue
		}
		mark := ""
		if m := marker.FindStringSubmatch(c.Body); m != nil {
			mark = m[1]
		}
		found[mark]++
	}
	return found
}
