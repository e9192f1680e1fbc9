package rfc

import (
	"context"
	"errors"
	"fmt"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/command"
	"github.com/agora-rfc/agora/config"
)

func asError(err error, target **app.Error) bool { return errors.As(err, target) }

func (s *Service) raiseCommand(ctx context.Context, call command.Call) (command.Apply, error) {
	a, err := s.askRFC(ctx, call)
	if err != nil {
		return nil, err
	}
	return s.on(a, func(ctx context.Context, c *change) (string, error) {
		if c.r.State != Open && !c.voting() {
			return "", command.Refuse(app.CodeConflict, "%s is %s: concerns are raised in discussion or while voting.", c.r.Name(), c.r.State)
		}
		var round *Round
		if c.voting() {
			round = c.round
			eligible, err := c.eligible(ctx, a.Actor().ID)
			if err != nil {
				return "", err
			}
			if !eligible {
				return "", command.Refuse(app.CodeForbidden, "while voting only the electorate of the round may raise a concern.")
			}
			if round.voids(a.Actor().ID) {
				return "", command.Refuse(app.CodeForbidden, "your ballots in this round are void, and so you cannot raise a concern.")
			}
		} else if m, err := c.tx.Member(ctx, c.r.Community, a.Actor().ID); err != nil && !app.Is(err, app.CodeNotFound) {
			return "", err
		} else if m.Active() && m.Held() {
			return "", command.Refuse(app.CodeForbidden, "your membership is held by a steward; until it is released you cannot raise a concern.")
		} else if !m.Active() || m.Blocked {
			return "", command.Refuse(app.CodeForbidden, "only members may raise a concern. Say `/member join` first.")
		}
		if may, why := MayRaise(c.r, round, c.rules().Concerns, a.Actor().ID, a.At); !may {
			return "", command.Refuse(app.CodeInvalid, "%s.", why)
		}
		return "", c.raise(ctx, a.Actor(), a.Command.Text(), a.Comment.URL, a.At)
	}), nil
}

// concernStep admits a command on one unsettled concern of an RFC in process.
func (s *Service) concernStep(ctx context.Context, call command.Call, do func(ctx context.Context, c *change, a asked, concern *Concern) (string, error)) (command.Apply, error) {
	a, err := s.askRFC(ctx, call)
	if err != nil {
		return nil, err
	}
	return s.on(a, func(ctx context.Context, c *change) (string, error) {
		concern := c.r.Concern(a.Command.Number())
		if concern == nil {
			return "", command.Refuse(app.CodeNotFound, "there is no concern %d here.", a.Command.Number())
		}
		if concern.Settled() {
			return "", command.Refuse(app.CodeConflict, "concern %d is %s already.", concern.Number, concern.State)
		}
		from := concern.State
		reply, err := do(ctx, c, a, concern)
		if err != nil {
			return "", err
		}
		c.touched = true
		return reply, c.quote(ctx, "concern", string(from), string(concern.State), fmt.Sprintf("concern %d", concern.Number),
			a.Command.Text(), a.Actor(), nil)
	}), nil
}

func (s *Service) addressCommand(ctx context.Context, call command.Call) (command.Apply, error) {
	a, err := s.askRFC(ctx, call)
	if err != nil {
		return nil, err
	}
	if a.rfc.person() == 0 { // no author can answer
		if err := s.askSteward(ctx, &a); err != nil {
			return nil, err
		}
	}
	answers := a.author() || a.steward
	return s.concernStep(ctx, call, func(_ context.Context, _ *change, a asked, concern *Concern) (string, error) {
		if !answers {
			if a.rfc.person() == 0 {
				return "", s.refuseWho(a, "a steward, in the place of an author that is no person,")
			}
			return "", command.Refuse(app.CodeForbidden, "only the author may address a concern.")
		}
		concern.State, concern.AddressedAt, concern.How = ConcernAddressed, a.At, a.Command.Text()
		return "", nil
	})
}

func (s *Service) resolveCommand(ctx context.Context, call command.Call) (command.Apply, error) {
	return s.concernStep(ctx, call, func(_ context.Context, c *change, a asked, concern *Concern) (string, error) {
		if concern.Raiser.ID != a.Actor().ID {
			return "", command.Refuse(app.CodeForbidden, "only who raised a concern may resolve it; two stewards may overrule it.")
		}
		concern.State, concern.SettledAt = ConcernResolved, c.counts(a.At)
		return "", nil
	})
}

func (s *Service) overruleCommand(ctx context.Context, call command.Call) (command.Apply, error) {
	return s.stewarded(func(ctx context.Context, a asked) (command.Apply, error) {
		need, err := s.quorumOfStewards(ctx, a)
		if err != nil {
			return nil, err
		}
		return s.concernStep(ctx, a.Call, func(_ context.Context, c *change, a asked, concern *Concern) (string, error) {
			for _, o := range concern.Overrules {
				if o.By.ID == a.Actor().ID {
					return "", command.Refuse(app.CodeConflict, "you have overruled it already; another steward must too.")
				}
			}
			concern.Overrules = append(concern.Overrules, Overrule{By: a.Actor(), At: a.At, Why: a.Command.Text()})
			if len(concern.Overrules) >= need {
				concern.State, concern.SettledAt = ConcernOverruled, c.counts(concern.overruledAt())
			}
			return "", nil
		})
	})(ctx, call)
}

// markCommand judges a settled concern, once.
func (s *Service) markCommand(mark Mark) action {
	return func(_ context.Context, a asked) (command.Apply, error) {
		if a.unruled != nil { // the rules say what it is worth
			return nil, a.unruled
		}
		return s.on(a, func(ctx context.Context, c *change) (string, error) {
			concern := c.r.Concern(a.Command.Number())
			switch {
			case concern == nil:
				return "", command.Refuse(app.CodeNotFound, "there is no concern %d here.", a.Command.Number())
			case !concern.Settled():
				return "", command.Refuse(app.CodeConflict, "concern %d is %s: only a settled one is judged.", concern.Number, concern.State)
			case concern.Marked != "":
				return "", command.Refuse(app.CodeConflict, "concern %d was marked %s already.", concern.Number, concern.Marked)
			case concern.Raiser.ID == a.Actor().ID:
				return "", command.Refuse(app.CodeForbidden, "nobody judges their own concern.")
			}
			concern.Marked = mark
			kind := config.ConcernUpheld
			if mark == MarkFrivolous {
				kind = config.FrivolousConcern
			}
			c.touched = true
			if err := c.enter(ctx, concern.Raiser.ID, kind, fmt.Sprintf("concern/%d/%d", c.r.ID, concern.Number)); err != nil {
				return "", err
			}
			return "", c.note(ctx, "concern", string(concern.State), string(mark), fmt.Sprintf("concern %d", concern.Number), a.Actor(), nil)
		}), nil
	}
}
