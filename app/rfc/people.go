package rfc

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/app/command"
	"github.com/agora-rfc/agora/app/community"
)

// shown is a person as they are remembered: of one who left, the numeric id alone.
func (c *change) shown(ctx context.Context, user app.User) (app.User, error) {
	m, err := c.tx.Member(ctx, c.r.Community, user.ID)
	if app.Is(err, app.CodeNotFound) {
		return user, nil
	}
	if err == nil && !m.LeftAt.IsZero() {
		user.Login, user.Name = "", ""
	}
	return user, err
}

// copyPeople takes over who wrote the RFC. Co-authors are members, by the logins
// that the text names; their ids at the last reading before an acceptance share its
// points (RULES §1), and of a vote that is over, those before its end: nobody voted on others.
func (c *change) copyPeople(ctx context.Context, issue app.Issue) (err error) {
	if c.r.Author, err = c.shown(ctx, c.r.Author); err != nil {
		return err
	}
	if c.voting() && !c.now.Before(c.round.announced()) {
		return nil
	}
	c.r.CoAuthors = nil
	for _, login := range command.CoAuthors(issue.Body) {
		m, err := c.tx.MemberByLogin(ctx, c.r.Community, login)
		if err != nil && !app.Is(err, app.CodeNotFound) {
			return err
		}
		if err == nil && m.Active() && m.ID != c.r.Author.ID && !slices.Contains(c.r.CoAuthors, m.ID) {
			c.r.CoAuthors = append(c.r.CoAuthors, m.ID)
		}
	}
	return nil
}

// contribute enters what somebody did on this RFC, once per source.
func (c *change) contribute(ctx context.Context, kind community.ContributionKind, member int64, at time.Time, source, url string) error {
	return community.Contribute(ctx, c.tx, c.r.Community, community.Contribution{
		Member: member, Kind: kind, Repository: c.r.Ref.Repository, Counterpart: c.r.person(), At: at, Source: source, URL: url})
}

// replied notes that a person answered the RFC: by a comment that is more than
// commands, a review, or a concern. Only the first answer by another than the author
// counts, by GitHub's instant, however late or often it is read.
func (c *change) replied(by app.User, at time.Time) {
	if by.Bot || by.Gone() || by.ID == c.r.Author.ID || at.IsZero() {
		return
	}
	if c.r.RepliedAt.IsZero() || at.Before(c.r.RepliedAt) {
		c.r.RepliedAt = at
	}
}

// Tasks lists what waits for a member in the community: votes not cast, concerns to
// answer or to settle. What is of other repositories than the one it is read from is
// left out unless they are public.
func (s *Service) Tasks(ctx context.Context, from app.Repository, member int64) (tasks []community.Task, err error) {
	err = s.Store.View(ctx, func(ctx context.Context, tx Tx) error {
		tasks = nil
		for _, state := range []State{Voting, Open} {
			found, err := tx.RFCs(ctx, Filter{Community: from.Owner.ID, State: state})
			if err != nil {
				return err
			}
			for _, r := range found {
				repo, err := tx.Repository(ctx, r.Ref.Repository)
				if err != nil || !repo.Public() && repo.ID != from.ID {
					if err != nil && !app.Is(err, app.CodeNotFound) {
						return err
					}
					continue
				}
				waiting, err := s.tasksOn(ctx, tx, r, member)
				if err != nil {
					return err
				}
				tasks = append(tasks, waiting...)
			}
		}
		return nil
	})
	return tasks, err
}

func (s *Service) tasksOn(ctx context.Context, tx Tx, r *RFC, member int64) (tasks []community.Task, err error) {
	task := func(due time.Time, format string, args ...any) {
		tasks = append(tasks, community.Task{RFC: r.Name(), Title: r.Title, URL: r.URL, What: fmt.Sprintf(format, args...), Due: due})
	}
	if r.State == Voting && r.Round > 0 {
		round, err := tx.Round(ctx, r.ID, r.Round)
		if err != nil {
			return nil, err
		}
		record, err := loadRecord(ctx, tx, r, round, s.now())
		if err != nil {
			return nil, err
		}
		result := Recount(record)
		may := slices.ContainsFunc(record.Voters, func(v Voter) bool { return v.ID == member })
		void := slices.ContainsFunc(round.Voids, func(v Void) bool { return v.Voter == member })
		voted := slices.ContainsFunc(result.Ballots, func(b Ballot) bool { return b.Voter.ID == member && b.Counted })
		if may && !void && !voted {
			task(result.Deadline, "vote")
		}
	}
	for _, concern := range r.Concerns {
		switch {
		case concern.State == ConcernOpen && r.Author.ID == member:
			task(time.Time{}, "address concern %d", concern.Number)
		case concern.State == ConcernAddressed && concern.Raiser.ID == member:
			task(time.Time{}, "say whether concern %d is resolved", concern.Number)
		}
	}
	return tasks, nil
}

// Forget orders a person's name to be taken out of the RFCs they had a part in, each
// in its own lane.
func (s *Service) Forget(ctx context.Context, account, member int64) error {
	return s.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		found, err := tx.RFCs(ctx, Filter{Community: account})
		if err != nil {
			return err
		}
		for _, r := range found {
			if _, spoke := r.LastSpoke[member]; !spoke && r.Author.ID != member {
				continue
			}
			order := Order{Ref: r.Ref, User: member}
			if err := tx.Enqueue(ctx, r.Ref.Lane(), ForgetKind, "", order.body()); err != nil {
				return err
			}
		}
		return nil
	})
}

// Forgotten carries such an order out.
func (s *Service) Forgotten(ctx context.Context, order Order) error {
	err := s.update(ctx, order.Ref, func(ctx context.Context, c *change) error {
		rounds, err := c.tx.Rounds(ctx, c.r.ID)
		if err != nil {
			return err
		}
		trail, err := c.tx.Audit(ctx, c.r.Community, c.r.Subject(), 0, 0)
		if err != nil {
			return err
		}
		f := forgetting{member: order.User}
		f.rfc(c.r)
		f.reasons(c.r, rounds, c.round, trail)
		for _, round := range rounds {
			if c.round != nil && round.Number == c.round.Number {
				round = c.round // which is saved at the end
			}
			f.round(round)
			if err := c.tx.SaveRound(ctx, round); err != nil {
				return err
			}
		}
		c.urgent = true // what GitHub shows follows, before the deliveries that tell of it are no longer emptied
		return nil
	})
	if app.Is(err, app.CodeNotFound) {
		return nil
	}
	return err
}

// forgetting takes one person's logins, names and words out; the numeric id stays, and
// with it everything that is counted. Others' words lose the logins too.
type forgetting struct {
	member int64
	logins []string
}

func (f *forgetting) rfc(r *RFC) {
	f.person(&r.Author)
	for i := range r.Concerns {
		concern := &r.Concerns[i]
		f.person(&concern.Raiser)
		if concern.Raiser.ID == f.member {
			concern.Text, concern.URL = "", ""
		}
		if r.Author.ID == f.member { // nobody else addresses one
			concern.How = ""
		}
		for j := range concern.Overrules {
			f.person(&concern.Overrules[j].By)
			f.own(concern.Overrules[j].By, &concern.Overrules[j].Why)
		}
	}
	for i := range r.Concerns {
		f.text(&r.Concerns[i].Text)
		f.text(&r.Concerns[i].How)
		for j := range r.Concerns[i].Overrules {
			f.text(&r.Concerns[i].Overrules[j].Why)
		}
	}
	f.text(&r.Why)
}

func (f *forgetting) round(r *Round) {
	for i := range r.Extensions {
		f.person(&r.Extensions[i].By)
		f.own(r.Extensions[i].By, &r.Extensions[i].Why)
		f.text(&r.Extensions[i].Why)
	}
	for i := range r.Confirmations {
		f.person(&r.Confirmations[i].By)
	}
	for i := range r.Reasons {
		f.text(&r.Reasons[i])
	}
}

// reasons empties what the person said for the last move, and for a restart: the trail
// knows who it was.
func (f *forgetting) reasons(r *RFC, rounds []*Round, newest *Round, trail []audit.Entry) {
	var last audit.Entry
	for _, e := range trail {
		switch {
		case e.Kind == "state":
			last = e
		case e.Kind != "round-opened" || e.Actor != f.member || !strings.HasPrefix(e.Reason, restarted):
			continue
		}
		for _, round := range append(slices.Clone(rounds), newest) {
			if e.Kind == "round-opened" && round != nil && round.Outcome == OutcomeRestarted && fmt.Sprint(round.Number+1) == e.To {
				round.Reasons = []string{audit.Erased}
			}
		}
	}
	if last.Actor == f.member && (strings.HasPrefix(last.Reason, string(TriggerWithdrawn)) || strings.HasPrefix(last.Reason, string(TriggerReopenCommand))) {
		r.Why = ""
	}
}

// own empties a text of the person's.
func (f *forgetting) own(by app.User, text *string) {
	if by.ID == f.member {
		*text = ""
	}
}

func (f *forgetting) person(u *app.User) {
	if u.ID != f.member {
		return
	}
	if u.Login != "" && !slices.Contains(f.logins, u.Login) {
		f.logins = append(f.logins, u.Login)
	}
	u.Login, u.Name = "", ""
}

func (f *forgetting) text(text *string) {
	for _, login := range f.logins {
		*text = community.Unname(*text, login, community.MemberSubject(f.member))
	}
}
