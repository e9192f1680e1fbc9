package community

import (
	"context"
	"slices"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/config"
)

// Signal is one person's favour for what another wrote.
type Signal struct {
	Actor, Member int64
	Repository    int64
	At            time.Time // zero when GitHub did not say: now
	Source        string    // unique in the community: what was liked, and who by
	URL           string    // of what was liked
}

// EnterReactions enters positive reactions on comments, each once, with the actor's
// factor as it is now. What would count nothing is not entered: a crowd of accounts
// made for it leaves no trace. The caps apply at replay (RULES §1).
func EnterReactions(ctx context.Context, tx Tx, community int64, signals []Signal, now time.Time, rules config.Reputation) error {
	standings := map[int64]Standing{} // of actors, as they were before these signals
	var entries []Entry
	signals = slices.Clone(signals)
	slices.SortStableFunc(signals, func(a, b Signal) int { return a.At.Compare(b.At) })
	for _, s := range signals {
		actor, err := tx.Member(ctx, community, s.Actor)
		if app.Is(err, app.CodeNotFound) || err == nil && !actor.Active() {
			continue
		}
		if err != nil {
			return err
		}
		if s.At.IsZero() || s.At.After(now) {
			s.At = now
		}
		member, err := tx.Member(ctx, community, s.Member)
		if err != nil && !app.Is(err, app.CodeNotFound) {
			return err
		}
		standing, known := standings[s.Actor]
		if !known {
			if standing, err = standingOf(ctx, tx, community, s.Actor, now, rules); err != nil {
				return err
			}
			standings[s.Actor] = standing
		}
		entry := NewEntry(rules, config.CommentReaction, s.Member, s.At, s.Source)
		entry.Actor, entry.Factor = s.Actor, factorOf(actor, s.Member, standing, now, rules)
		if entry.Factor > 0 && member.Active() {
			entries = append(entries, entry)
		}
		err = Contribute(ctx, tx, community, Contribution{Member: s.Actor, Kind: ContributedReaction, Repository: s.Repository,
			Counterpart: s.Member, At: s.At, Source: "reaction/" + s.Source, URL: s.URL})
		if err != nil {
			return err
		}
	}
	_, err := Enter(ctx, tx, community, entries...)
	return err
}
