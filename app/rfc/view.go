package rfc

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/config"
)

// View is everything that is shown of one RFC, in comments, pages and the API. It
// is read in one consistent look at the store.
type View struct {
	RFC        *RFC
	Repository app.Repository
	// Account is its community's, and the repository's unless that moved to another.
	Account app.Account
	Now     time.Time
	// Round is the newest round, nil before the first vote; Result its recount and
	// Voters its electorate.
	Round  *Round
	Result Result
	Voters []Voter
	// Rounds are all rounds, oldest first; Ballots those of every earlier round.
	Rounds  []*Round
	History []audit.Entry
	// Head is where the community's audit trail ends, as far as it is sealed.
	Head audit.Head
	// Logins names people of the history by numeric id.
	Logins map[int64]string
	// Stewards names who may act where the text calls on stewards ("@acme/stewards" without the @).
	Stewards []string
	// Policy is the one in force, the zero value when none was read.
	Policy config.Policy
	// Unruled tells that the repository's first configuration is broken: by the defaults no
	// round opens either, and no good one was ever read.
	Unruled bool
	// Unmentioned are the announced people who opted out of mentions, by login in lower case.
	Unmentioned map[string]bool
	// PageURL is the RFC's page on Agora's own site, "" when there is none.
	PageURL string
}

// historyShown bounds how much of the trail one view loads: the newest entries.
const historyShown = 500

// LoadView reads a view inside a transaction.
func LoadView(ctx context.Context, tx Tx, r *RFC, now time.Time) (View, error) {
	v := View{RFC: r, Now: now, Logins: map[int64]string{}}
	err := v.LoadHome(ctx, tx)
	if err != nil {
		return v, err
	}
	if v.Rounds, err = tx.Rounds(ctx, r.ID); err != nil {
		return v, err
	}
	for _, round := range v.Rounds {
		if round.BallotURL, err = BallotURL(ctx, tx, r, round.Number); err != nil {
			return v, err
		}
	}
	if n := len(v.Rounds); n > 0 {
		v.Round = v.Rounds[n-1]
		record, err := loadRecord(ctx, tx, r, v.Round, now)
		if err != nil {
			return v, err
		}
		v.Voters, v.Result = record.Voters, Recount(record)
	}
	if v.History, err = tx.RecentAudit(ctx, r.Community, r.Subject(), historyShown); err != nil {
		return v, err
	}
	if v.Head, err = tx.AuditHead(ctx, r.Community); err != nil {
		return v, err
	}
	if v.Unmentioned, err = unmentioned(ctx, tx, r.Community, v.Rounds); err != nil {
		return v, err
	}
	for _, e := range v.History {
		if _, known := v.Logins[e.Actor]; known || e.Actor == 0 {
			continue
		}
		m, err := tx.Member(ctx, r.Community, e.Actor)
		switch {
		case err == nil:
			v.Logins[e.Actor] = m.Login
		case !app.Is(err, app.CodeNotFound):
			return v, err
		}
	}
	return v, nil
}

// LoadHome adds to a view which repository and community the RFC belongs to.
func (v *View) LoadHome(ctx context.Context, tx Tx) (err error) {
	if v.Repository, err = tx.Repository(ctx, v.RFC.Ref.Repository); err != nil {
		return err
	}
	v.Account, err = home(ctx, tx, v.RFC, v.Repository)
	return err
}

// LoadPolicy adds to a view what rules the RFC's repository, as it was last read. In
// another community's nothing rules the RFC any more.
func (v *View) LoadPolicy(ctx context.Context, tx Tx) error {
	if v.RFC.Left != 0 {
		return nil
	}
	record, err := tx.Policy(ctx, v.Repository.ID)
	if err != nil && !app.Is(err, app.CodeNotFound) {
		return fmt.Errorf("reading the policy of %s: %w", v.Repository.FullName(), err)
	}
	v.Policy, v.Stewards = record.Policy, stewardNames(record.Policy.Stewards)
	v.Unruled = record.Unruled()
	return nil
}

// unmentioned finds who of the people that ballots mention does not want it.
func unmentioned(ctx context.Context, tx Tx, account int64, rounds []*Round) (map[string]bool, error) {
	out := map[string]bool{}
	for _, round := range rounds {
		if round.Closed() {
			continue // its ballot mentions nobody
		}
		for _, s := range round.Policy.Announce.Mention {
			if s.IsTeam() {
				continue
			}
			m, err := tx.MemberByLogin(ctx, account, s.Login)
			if err != nil && !app.Is(err, app.CodeNotFound) {
				return nil, err
			}
			if m.OptOuts[community.OptOutMentions] {
				out[strings.ToLower(s.Login)] = true
			}
		}
	}
	return out, nil
}

// BallotURL finds the address of a round's ballot comment, "" before there is one.
func BallotURL(ctx context.Context, tx Tx, r *RFC, round int) (string, error) {
	written, err := tx.WrittenComment(ctx, r.Ref, ballotKey(round))
	if err != nil && !app.Is(err, app.CodeNotFound) {
		return "", fmt.Errorf("finding the ballot of round %d of %s: %w", round, r.Name(), err)
	}
	return written.URL, nil
}

// loadRecord gathers what a round's result follows from.
func loadRecord(ctx context.Context, tx Dossiers, r *RFC, round *Round, now time.Time) (Record, error) {
	rec := recordOf(r, round, now)
	var err error
	if rec.Voters, err = tx.Electorate(ctx, r.ID, round.Number); err != nil {
		return rec, err
	}
	rec.Acts, err = tx.Acts(ctx, r.ID, round.Number)
	return rec, err
}

// recordOf is a round's record without its voters and acts. A closed round is
// recounted as of its close, with the concerns as they stood then.
func recordOf(r *RFC, round *Round, now time.Time) Record {
	if round.Closed() && round.ClosedAt.Before(now) {
		now = round.ClosedAt
	}
	return Record{Round: round, Author: r.Author.ID, Concerns: r.Concerns, Now: now}
}
