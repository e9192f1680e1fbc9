package rfc

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/command"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/config"
)

// Commands are the slash commands that RFCs carry out, by name.
func (s *Service) Commands() map[string]command.Handler {
	return map[string]command.Handler{
		"/rfc draft":     s.authored(s.draftCommand),
		"/rfc open":      s.openCommand,
		"/rfc vote":      s.voteCommand,
		"/rfc extend":    s.stewarded(s.extendCommand),
		"/rfc editorial": s.stewarded(s.editorialCommand),
		"/rfc restart":   s.restartCommand,
		"/rfc confirm":   s.confirmCommand,
		"/rfc withdraw":  s.authored(s.withdrawCommand),
		"/rfc supersede": s.authored(s.supersedeCommand),
		"/rfc implement": s.authored(s.implementCommand),
		"/rfc reopen":    s.stewarded(s.reopenCommand),
		"/rfc unlink":    s.unlinkCommand,
		"/rfc status":    s.statusCommand,
		"/rfc list":      s.listCommand,

		"/vote approve":         s.ballotCommand(Approve),
		"/vote reject":          s.ballotCommand(Reject),
		"/vote request-changes": s.ballotCommand(RequestChanges),
		"/vote abstain":         s.ballotCommand(Abstain),
		"/vote retract":         s.ballotCommand(Retracted),

		"/concern raise":     s.raiseCommand,
		"/concern address":   s.addressCommand,
		"/concern resolve":   s.resolveCommand,
		"/concern overrule":  s.overruleCommand,
		"/concern uphold":    s.stewarded(s.markCommand(MarkUpheld)),
		"/concern frivolous": s.stewarded(s.markCommand(MarkFrivolous)),
	}
}

// asked is a call with what was read for it.
type asked struct {
	command.Call
	policy  community.PolicyRecord
	rfc     *RFC // nil when the issue is no RFC
	steward bool // only asked where it matters
	// unruled refuses what needs a rule where no good configuration was ever read; what
	// needs none goes by the defaults.
	unruled error
}

func (a asked) author() bool { return a.rfc != nil && a.rfc.person() == a.Actor().ID }

// action is a command's work on one RFC, inside its transaction.
type action func(ctx context.Context, a asked) (command.Apply, error)

// notAnRFC refuses a command on an issue that is none.
func (s *Service) notAnRFC(a asked) error {
	return command.Refuse(app.CodeNotFound, "this is not an RFC. Put the label %s on it, or say `/rfc open`.", s.Renderer.CodeSpan(a.policy.Policy.Label))
}

// ask finds the RFC the command is about, and the policy in force.
func (s *Service) ask(ctx context.Context, call command.Call) (asked, error) {
	a := asked{Call: call}
	err := s.Store.View(ctx, func(ctx context.Context, tx Tx) (err error) {
		if a.rfc, err = tx.RFCByIssue(ctx, call.Ref); err != nil && !app.Is(err, app.CodeNotFound) {
			return err
		}
		if a.policy, err = tx.Policy(ctx, call.Repo.ID); app.Is(err, app.CodeNotFound) {
			return nil
		}
		return err
	})
	if err == nil && !a.policy.Known() {
		a.policy, err = s.Community.Policy(ctx, call.Repo)
	}
	if app.Is(err, app.CodeInvalid) {
		a.policy.Policy, a.unruled = config.DefaultPolicy(), community.RefuseUnruled(err, s.Renderer.Escape)
		return a, nil
	}
	return a, err
}

// askRFC is ask for what can only be done to an RFC.
func (s *Service) askRFC(ctx context.Context, call command.Call) (asked, error) {
	a, err := s.ask(ctx, call)
	if err == nil && a.rfc == nil {
		err = s.notAnRFC(a)
	}
	return a, err
}

func (s *Service) askSteward(ctx context.Context, a *asked) error {
	var err error
	a.steward, err = s.Community.IsSteward(ctx, a.Repo, a.policy.Policy, a.Actor())
	return err
}

// stewarded admits stewards only.
func (s *Service) stewarded(do action) command.Handler {
	return func(ctx context.Context, call command.Call) (command.Apply, error) {
		a, err := s.askRFC(ctx, call)
		if err != nil {
			return nil, err
		}
		if err := s.askSteward(ctx, &a); err != nil {
			return nil, err
		}
		if !a.steward {
			return nil, s.refuseWho(a, "a steward")
		}
		return do(ctx, a)
	}
}

// authored admits the author and stewards. On an issue that is no RFC yet, its
// author is the issue's.
func (s *Service) authored(do action) command.Handler {
	return func(ctx context.Context, call command.Call) (command.Apply, error) {
		a, err := s.ask(ctx, call)
		if err != nil {
			return nil, err
		}
		if a.author() {
			return do(ctx, a)
		}
		if err := s.askSteward(ctx, &a); err != nil {
			return nil, err
		}
		if a.steward || a.rfc == nil {
			return do(ctx, a)
		}
		return nil, s.refuseWho(a, "the author, or a steward")
	}
}

// refuseWho says who has the permission that is missing.
func (s *Service) refuseWho(a asked, who string) error {
	if a.unruled != nil { // it may name a steward
		return a.unruled
	}
	names := "people with maintain or admin permission on this repository"
	if named := stewardNames(a.policy.Policy.Stewards); len(named) > 0 {
		names += ", and " + s.Renderer.Escape(strings.Join(named, ", "), 200)
	}
	return command.Refuse(app.CodeForbidden, "only %s may do that. Stewards here are %s.", who, names)
}

// on makes a command's work of a change to its RFC; refused moves become answers.
func (s *Service) on(a asked, do func(ctx context.Context, c *change) (string, error)) command.Apply {
	return func(ctx context.Context) (reply string, err error) {
		err = s.update(ctx, a.Ref, func(ctx context.Context, c *change) error {
			reply, err = do(ctx, c)
			return err
		})
		return reply, asAnswer(err)
	}
}

// asAnswer turns what the lifecycle refuses into an answer for people.
func asAnswer(err error) error {
	var refused *app.Error
	if app.Is(err, app.CodeConflict) && asError(err, &refused) {
		return command.Refuse(refused.Code, "%s.", strings.TrimSuffix(refused.Message, "."))
	}
	return err
}

func (s *Service) draftCommand(ctx context.Context, a asked) (command.Apply, error) {
	if a.rfc != nil {
		return nil, command.Refuse(app.CodeConflict, "%s is an RFC already, and it is %s.", a.rfc.Name(), a.rfc.State)
	}
	return s.registerByCommand(ctx, a, TriggerDraftCommand)
}

// openCommand opens a discussion. The one that follows upon requested changes is the
// author's alone, unless no person wrote the RFC.
func (s *Service) openCommand(ctx context.Context, call command.Call) (command.Apply, error) {
	a, err := s.ask(ctx, call)
	if err != nil {
		return nil, err
	}
	if a.rfc != nil && a.rfc.State == ChangesRequested && a.rfc.person() != 0 && !a.author() {
		return nil, command.Refuse(app.CodeForbidden, "%s is %s: only the author opens a fresh discussion, by this command or by changing the text.", a.rfc.Name(), a.rfc.State)
	}
	if a.rfc != nil && a.rfc.State == ChangesRequested && !a.rfc.IssueOpen {
		return nil, command.Refuse(app.CodeConflict, "%s is closed: reopen it first. What was merged cannot be: write a new RFC then.", a.rfc.Name())
	}
	return s.authored(func(ctx context.Context, a asked) (command.Apply, error) {
		if a.rfc == nil {
			return s.registerByCommand(ctx, a, TriggerOpenCommand)
		}
		return s.on(a, func(ctx context.Context, c *change) (string, error) {
			return "", c.discuss(ctx, TriggerOpenCommand, a.Actor(), "")
		}), nil
	})(ctx, call)
}

// registerByCommand makes an RFC of an issue by its author's, or a steward's, word.
func (s *Service) registerByCommand(ctx context.Context, a asked, by Trigger) (command.Apply, error) {
	issue, err := s.Repos(a.Repo).Issue(ctx, a.Ref.Number)
	if err != nil {
		return nil, fmt.Errorf("reading %s#%d: %w", a.Repo.FullName(), a.Ref.Number, err)
	}
	issue.Ref = a.Ref
	if issue.Author.ID != a.Actor().ID && !a.steward {
		return nil, s.refuseWho(a, "the author, or a steward")
	}
	if !issue.Open {
		return nil, command.Refuse(app.CodeConflict, "a closed issue cannot become an RFC.")
	}
	if own, err := s.own(ctx, issue); err != nil {
		return nil, err
	} else if own {
		return nil, command.Refuse(app.CodeConflict, "what Agora wrote itself cannot become an RFC.")
	}
	if err := s.Community.Genesis(ctx, a.Repo, true); err != nil {
		return nil, err
	}
	return func(ctx context.Context) (string, error) {
		return "", asAnswer(s.create(ctx, issue, by, a.Actor()))
	}, nil
}

func (s *Service) voteCommand(ctx context.Context, call command.Call) (command.Apply, error) {
	a, err := s.askRFC(ctx, call)
	if err != nil {
		return nil, err
	}
	if !Allowed(a.rfc.State, TriggerVoteCommand, Voting) {
		return nil, command.Refuse(app.CodeConflict, "%s is %s; voting opens from an open discussion.", a.rfc.Name(), a.rfc.State)
	}
	if a.unruled != nil {
		return nil, a.unruled
	}
	if err := s.askSteward(ctx, &a); err != nil {
		return nil, err
	}
	if !a.steward {
		if !a.author() {
			return nil, s.refuseWho(a, "a steward, or the author after half of the discussion,")
		}
		if half := halfOf(a.rfc.OpenedAt, a.rfc.DiscussionEnds, a.policy.Policy.AuthorShare.FloorOf); a.At.Before(half) {
			return nil, command.Refuse(app.CodeForbidden, "the author may open voting after half of the discussion, from %s on.", stamp(half))
		}
	}
	policy, err := s.readyOrRefuse(ctx, a.Repo)
	if err != nil {
		return nil, err
	}
	return s.on(a, func(ctx context.Context, c *change) (string, error) {
		c.policy = policy
		if err := c.move(ctx, Voting, TriggerVoteCommand, a.Actor(), "", nil); err != nil {
			return "", err
		}
		return "", c.openRound(ctx, string(TriggerVoteCommand), "", a.Actor())
	}), nil
}

// halfOf is the instant at the author's share of a period.
func halfOf(from, to time.Time, share func(int64) int64) time.Time {
	return from.Add(time.Duration(share(int64(to.Sub(from)))))
}

// stamp writes an instant for people.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

func (s *Service) withdrawCommand(_ context.Context, a asked) (command.Apply, error) {
	if a.rfc == nil {
		return nil, s.notAnRFC(a)
	}
	if a.rfc.State == Postponed && !a.steward {
		return nil, s.refuseWho(a, "a steward")
	}
	return s.on(a, func(ctx context.Context, c *change) (string, error) {
		if err := c.refuseOver(ctx, a.At); err != nil {
			return "", err
		}
		return "", c.withdraw(ctx, TriggerWithdrawn, a.Actor(), a.Command.Text())
	}), nil
}

// reopenCommand takes an RFC up again, and with it the issue when it is closed.
func (s *Service) reopenCommand(ctx context.Context, a asked) (command.Apply, error) {
	issue, err := s.Repos(a.Repo).Issue(ctx, a.Ref.Number)
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading %s#%d: %w", a.Repo.FullName(), a.Ref.Number, err)
	case issue.Pull != nil && issue.Pull.Merged:
		return nil, command.Refuse(app.CodeConflict, "a merged pull request cannot be reopened.")
	case !issue.Open && Allowed(a.rfc.State, TriggerReopenCommand, Draft):
		err := s.Repos(a.Repo).ReopenIssue(ctx, a.Ref.Number)
		if app.Is(err, app.CodeInvalid) || app.Is(err, app.CodeForbidden) {
			return nil, command.Refuse(app.CodeConflict, "GitHub does not let this be reopened.")
		}
		if err != nil {
			return nil, err
		}
	}
	return s.on(a, func(ctx context.Context, c *change) (string, error) {
		c.r.RetryAt, c.r.IssueOpen, c.r.Labelled = time.Time{}, true, issue.HasLabel(c.rules().Label)
		return "", c.move(ctx, Draft, TriggerReopenCommand, a.Actor(), a.Command.Text(), nil)
	}), nil
}

func (s *Service) supersedeCommand(_ context.Context, a asked) (command.Apply, error) {
	if a.rfc == nil {
		return nil, s.notAnRFC(a)
	}
	return s.on(a, func(ctx context.Context, c *change) (string, error) {
		by := a.Command.RFC()
		other, err := visibleRFC(ctx, c.tx, c.r.Community, by, c.repo.ID)
		if app.Is(err, app.CodeNotFound) || err == nil && other.ID == c.r.ID {
			return "", command.Refuse(app.CodeNotFound, "there is no other RFC-%d here.", by)
		}
		if err != nil {
			return "", err
		}
		if other.State == Rejected || other.State == Withdrawn || other.State == Superseded {
			return "", command.Refuse(app.CodeConflict, "%s is %s itself, so it cannot supersede another RFC.", other.Name(), other.State)
		}
		c.r.SupersededBy = by
		return "", c.move(ctx, Superseded, TriggerSuperseded, a.Actor(), fmt.Sprintf("by RFC-%d", by), nil)
	}), nil
}

func (s *Service) statusCommand(ctx context.Context, call command.Call) (command.Apply, error) {
	a, err := s.askRFC(ctx, call)
	if err != nil {
		return nil, err
	}
	if err := s.Refresh(ctx, a.Repo, a.Ref.Number, Cause{}); err != nil {
		return nil, err
	}
	return s.on(a, func(ctx context.Context, c *change) (string, error) {
		c.urgent = true
		if c.round == nil {
			return fmt.Sprintf("%s is **%s**.", c.r.Name(), c.r.State), nil
		}
		result, err := c.result(ctx)
		if err != nil {
			return "", err
		}
		if !c.voting() {
			return fmt.Sprintf("%s is **%s**. Its last round ended: %s.", c.r.Name(), c.r.State, strings.Join(c.round.Reasons, ", ")), nil
		}
		verdict := "would fail now"
		if result.WouldPass() {
			verdict = "would pass now"
		}
		return fmt.Sprintf("%s is voting until **%s** and %s: %s.", c.r.Name(), stamp(result.Deadline), verdict, strings.Join(result.Verdict.Reasons, ", ")), nil
	}), nil
}

// listShown bounds the list that one reply shows.
const listShown = 50

func (s *Service) listCommand(_ context.Context, call command.Call) (command.Apply, error) {
	state, _ := call.Command.Option("state")
	return func(ctx context.Context) (reply string, err error) {
		err = s.Store.InTx(ctx, func(ctx context.Context, tx Tx) error {
			found, err := tx.RFCs(ctx, Filter{Community: call.Repo.Owner.ID, State: State(state), Public: true, From: call.Repo.ID, Limit: listShown + 1})
			if err != nil {
				return err
			}
			if len(found) == 0 {
				reply = "There is no such RFC here."
				return nil
			}
			var b strings.Builder
			b.WriteString("| RFC | State | Title |\n|:--|:--|:--|\n")
			for _, r := range found[:min(len(found), listShown)] {
				fmt.Fprintf(&b, "| [%s](%s) | %s | %s |\n", r.Name(), r.URL, r.State, s.Renderer.Escape(r.Title, 100))
			}
			if len(found) > listShown {
				fmt.Fprintf(&b, "\nThese are the newest %d of them. `/rfc list state=voting` lists those in one state.\n", listShown)
			}
			reply = b.String()
			return nil
		})
		return reply, err
	}, nil
}
