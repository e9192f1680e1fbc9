package rfc_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/archive"
	"github.com/agora-rfc/agora/app/audit"
	"github.com/agora-rfc/agora/app/command"
	"github.com/agora-rfc/agora/app/community"
	"github.com/agora-rfc/agora/app/render"
	"github.com/agora-rfc/agora/app/rfc"
	"github.com/agora-rfc/agora/store"
	"github.com/agora-rfc/agora/store/storetest"
)

// hall is a repository with one issue, on which an RFC is decided: GitHub as far as
// it is read there, and the service on a store.
type hall struct {
	// What is not read here does not exist.
	rfc.GitHub
	rfc.Identity

	t        *testing.T
	store    *store.Store
	service  *rfc.Service
	now      time.Time
	issue    app.Issue
	comments []app.Comment
	config   string // the agora.yml, "" for none
	stewards string // who maintains beside maya
	silent   bool   // GitHub does not say who may do what
	events   []app.IssueEvent

	reactions []app.Reaction // on the ballot, once it is posted
	reviews   []app.Review
}

var (
	hallRepo = app.Repository{
		ID: 9, Owner: app.Account{ID: 77, Login: "acme", Organization: true}, Name: "rfcs", DefaultBranch: "main", Installation: 5,
		CreatedAt: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	hallIssue = app.IssueRef{Repository: hallRepo.ID, Number: 3}
	people    = []string{"maya", "kim", "lee", "noor"} // with the ids 101 and on; maya is an admin, the rest write
)

func human(login string) app.User {
	return app.User{ID: int64(101 + slices.Index(people, login)), Login: login, CreatedAt: hallRepo.CreatedAt}
}

func newHall(t *testing.T, s *store.Store) *hall {
	h := &hall{t: t, store: s, now: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)}
	h.issue = app.Issue{Ref: hallIssue, Title: "Weighted quorum", Body: "Let weights count.", URL: "https://github.example/acme/rfcs/issues/3",
		Author: human("kim"), Labels: []string{"rfc"}, Open: true, CreatedAt: h.now}
	clock := func() time.Time { return h.now }
	members := community.New(s.Community(), func(app.Repository) community.GitHub { return communityHall{h} }, clock)
	h.service = rfc.New(rfc.Options{
		Store: s.RFC(), Community: members, Repos: func(app.Repository) rfc.GitHub { return h }, Identity: h, Renderer: render.New(), Clock: clock,
	})
	h.service.Runner = command.NewRunner(command.Default(), s.Commands(), render.Escape, h.service.Commands())
	h.change(func(ctx context.Context, tx *store.Tx) error {
		if err := tx.SaveInstallation(ctx, app.Installation{ID: 5, Account: hallRepo.Owner}); err != nil {
			return err
		}
		return tx.SaveRepository(ctx, hallRepo)
	})
	return h
}

// communityHall is the hall as the community asks it.
type communityHall struct{ *hall }

func (h communityHall) File(context.Context, string, string) (app.File, error) {
	if h.config != "" {
		return app.File{Content: []byte(h.config)}, nil
	}
	return app.File{}, app.Errorf(app.CodeNotFound, "there is no such file")
}

func (h communityHall) Collaborators(context.Context) (list []app.CollaboratorPermission, err error) {
	for _, login := range people {
		permission, _ := h.Permission(context.Background(), login)
		list = append(list, app.CollaboratorPermission{User: human(login), Permission: permission})
	}
	return list, nil
}

func (h communityHall) Permission(_ context.Context, login string) (app.Permission, error) {
	if h.silent {
		return 0, app.Errorf(app.CodeUnavailable, "GitHub does not answer")
	}
	if login == "maya" {
		return app.PermissionAdmin, nil
	}
	if login == h.stewards {
		return app.PermissionMaintain, nil
	}
	return app.PermissionWrite, nil
}

func (h communityHall) User(_ context.Context, login string) (app.User, error) {
	return human(login), nil
}

func (h communityHall) Repository(context.Context) (app.Repository, error) { return hallRepo, nil }

func (h communityHall) TeamMembers(context.Context, string, string) ([]app.User, error) {
	return nil, nil
}

func (h communityHall) IsTeamMember(context.Context, string, string, string) (bool, error) {
	return false, nil
}

func (h communityHall) IsOrgOwner(context.Context, string, string) (bool, error) { return false, nil }

// Issue reads the one issue, or a pull request that was merged.
func (h *hall) Issue(_ context.Context, number int) (app.Issue, error) {
	if number != hallIssue.Number {
		return app.Issue{Pull: &app.Pull{Merged: true}}, nil
	}
	return h.issue, nil
}

func (h *hall) CommentStands(context.Context, int64) (bool, error) { return true, nil }

func (h *hall) IssueEvents(context.Context, int) ([]app.IssueEvent, error) { return h.events, nil }

func (h *hall) Comments(_ context.Context, _ int, since time.Time) (list []app.Comment, err error) {
	for _, c := range h.comments {
		if !c.CreatedAt.Before(since) {
			list = append(list, c)
		}
	}
	return list, nil
}

func (h *hall) CommentReactions(context.Context, int64) ([]app.Reaction, error) {
	return h.reactions, nil
}

func (h *hall) PollCommentReactions(context.Context, int64) ([]app.Reaction, func(), error) {
	return h.reactions, func() {}, nil
}

func (h *hall) Reviews(context.Context, int) ([]app.Review, error) { return h.reviews, nil }

func (h *hall) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *hall) change(do func(ctx context.Context, tx *store.Tx) error) {
	h.t.Helper()
	h.must(h.store.InTx(h.t.Context(), do))
}

func (h *hall) refresh() {
	h.t.Helper()
	h.must(h.service.Refresh(h.t.Context(), hallRepo, hallIssue.Number, rfc.Cause{}))
}

// say gives a command, which must be done.
func (h *hall) say(login, text string) {
	h.t.Helper()
	h.now = h.now.Add(time.Minute)
	comment := app.Comment{ID: int64(1001 + len(h.comments)), Author: human(login), Body: text, CreatedAt: h.now, UpdatedAt: h.now}
	h.comments = append(h.comments, comment)
	h.must(h.service.CommentWritten(h.t.Context(), rfc.CommentChange{Repo: hallRepo, Ref: hallIssue, Comment: comment}))
	h.must(h.store.Commands().View(h.t.Context(), func(ctx context.Context, tx command.Tx) error {
		run, err := tx.CommandRun(ctx, hallRepo.ID, comment.ID)
		if err == nil && slices.ContainsFunc(run.Lines, func(l command.Line) bool { return !l.Done }) {
			err = fmt.Errorf("%q was refused: %s", text, run.Reply())
		}
		return err
	}))
}

// pass lets time go by, and what is due happen.
func (h *hall) pass(d time.Duration) {
	h.t.Helper()
	h.now = h.now.Add(d)
	h.must(h.service.Tick(h.t.Context(), hallIssue))
}

// decided plays an RFC to its decision: an abandoned first round, a concern that is
// met, votes changed and taken back, acceptance.
func (h *hall) decided() *hall {
	h.t.Helper()
	h.refresh()
	h.say("maya", "/rfc vote")
	h.say("lee", "/vote reject")
	h.say("maya", `/rfc restart "a new section"`)
	h.say("maya", "/vote approve")
	h.say("lee", "/vote reject")
	h.say("lee", `/vote request-changes "nobody measured what it costs"`)
	h.say("noor", "/vote abstain")
	h.say("kim", `/concern address 1 "there are figures now"`)
	h.say("lee", "/concern resolve 1")
	h.say("kim", "/vote approve")
	h.say("noor", "/vote retract")
	h.say("noor", "/vote approve")
	h.pass(7*24*time.Hour + time.Minute)
	h.change(func(ctx context.Context, tx *store.Tx) error {
		r, err := tx.RFCByIssue(ctx, hallIssue)
		if err == nil && r.State != rfc.Accepted {
			err = fmt.Errorf("the RFC is %s, want accepted: %+v", r.State, r)
		}
		return err
	})
	_, err := h.store.SealAudit(h.t.Context())
	h.must(err)
	return h
}

func (h *hall) verify(anchors ...audit.Head) archive.Report {
	h.t.Helper()
	verifier := archive.NewVerifier(anchors...)
	h.must(h.store.Archive().View(h.t.Context(), func(ctx context.Context, tx archive.Tx) error {
		return archive.Walk(ctx, tx, archive.Scope{Private: true}, h.now, verifier)
	}))
	return verifier.Report
}

func TestVerifyFindsNothingWhereNothingWasChanged(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		h := newHall(t, s)
		if found := h.verify(); found.RFCs != 0 || len(found.Differences) > 0 {
			t.Errorf("in an empty store: %+v", found)
		}
		found := h.decided().verify()
		for _, difference := range found.Differences {
			t.Error(difference)
		}
		if found.RFCs != 1 || found.Rounds != 2 || found.Decisions != 1 || found.Ballots != 8 {
			t.Errorf("verified %+v", found)
		}
	})
}

func TestVerifyFollowsAnRFCThroughItsLaterLife(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		h := newHall(t, s).decided()
		h.say("maya", "/concern uphold 1")
		h.issue.Body += " And heads."
		h.refresh()
		h.say("maya", `/rfc editorial "a word"`)
		h.say("maya", "/rfc implement by=#412")
		for _, difference := range h.verify().Differences {
			t.Error(difference)
		}
	})
}

func TestVerifyFollowsRejectionAndWithdrawal(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		h := newHall(t, s)
		h.refresh()
		h.say("maya", "/rfc vote")
		for _, login := range people {
			h.say(login, "/vote reject")
		}
		h.pass(7*24*time.Hour + time.Minute)
		h.say("maya", `/rfc reopen "once more"`)
		h.say("kim", "/rfc open")
		h.say("maya", "/rfc vote")
		h.say("lee", "/vote approve")
		h.say("kim", "/rfc withdraw")
		found := h.verify()
		for _, difference := range found.Differences {
			t.Error(difference)
		}
		if found.Rounds != 2 || found.Decisions != 1 {
			t.Errorf("verified %+v", found)
		}
	})
}

func TestVerifyNamesWhatWasChanged(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		statement string // what somebody does to the database
		want      string
	}{
		"a ballot":           {`UPDATE acts SET choice = 'reject' WHERE source = 1010`, ", round 2: the trail does not know of a ballot of 102 by comment 1010"},
		"a ballot removed":   {`DELETE FROM acts WHERE round = 2 AND voter = 101`, ", round 2: by the trail there was a ballot of 101 by comment 1004"},
		"a ballot added":     {`UPDATE acts SET round = 2 WHERE round = 1`, ", round 2: the trail does not know of a ballot of 103 by comment 1002"},
		"a weight":           {`UPDATE electorate SET weight = 900 WHERE round = 2 AND voter = 104`, ", round 2: voter 104 weighs 9.00 with a reputation of 22"},
		"an electorate":      {`DELETE FROM electorate WHERE round = 2 AND voter = 103`, ", round 2: its electorate is not the one that was frozen"},
		"a decision's entry": {`DELETE FROM audit WHERE seq = (SELECT MAX(seq) FROM audit WHERE subject LIKE 'rfc/%')`, ", round 2: it is decided, and 0 entries of the trail say so"},
		"a state":            {`UPDATE rfcs SET state = 'rejected'`, `: it is "rejected", but by the trail it is "accepted"`},
		"a number":           {`UPDATE rfcs SET number = 8`, ": it was numbered RFC-1 by entry"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				h := newHall(t, s).decided()
				h.change(func(ctx context.Context, tx *store.Tx) error {
					_, err := tx.ExecContext(ctx, tc.statement)
					return err
				})
				all := h.verify().Differences
				if !strings.Contains(strings.Join(all, "\n"), tc.want) {
					t.Errorf("nothing found says %q:\n%s", tc.want, strings.Join(all, "\n"))
				}
				for _, line := range all {
					if !strings.Contains(line, h.issue.URL) && !strings.HasPrefix(line, "the audit trail of 77: ") {
						t.Errorf("%q names neither the RFC nor the trail", line)
					}
				}
			})
		})
	}
}

func TestVerifyNoticesRulesAndOutcomesThatWereChanged(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*rfc.Round)
		want   string
	}{
		"rules":    {func(r *rfc.Round) { r.Policy.MinSupporters = 0 }, "its rules are not those of version"},
		"quorum":   {func(r *rfc.Round) { r.Heads = 1 }, "N is 1, but was frozen as 4 and counts 4"},
		"outcome":  {func(r *rfc.Round) { r.Outcome = rfc.OutcomeRejected }, "the outcome is rejected, but was accepted when it was decided"},
		"deadline": {func(r *rfc.Round) { r.Planned = r.Planned.Add(-6 * 24 * time.Hour) }, " UTC, but was frozen as 2026-"},
		"text":     {func(r *rfc.Round) { r.Text.Hash = "another" }, `the text voted on is hash "another", but was hash "`},
		"void":     {func(r *rfc.Round) { r.Voids = []rfc.Void{{Voter: 104, At: r.OpenedAt}} }, "its ballots are not those it was decided by"},
		"undone":   {func(r *rfc.Round) { r.Outcome = rfc.OutcomeAbandoned }, "decides it, but it is not decided"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				h := newHall(t, s).decided()
				h.change(func(ctx context.Context, tx *store.Tx) error {
					r, err := tx.RFCByIssue(ctx, hallIssue)
					if err != nil {
						return err
					}
					round, err := tx.Round(ctx, r.ID, 2)
					if err != nil {
						return err
					}
					tc.change(round)
					return tx.SaveRound(ctx, round)
				})
				found := fmt.Sprint(h.verify().Differences)
				if !strings.Contains(found, ", round 2: ") || !strings.Contains(found, tc.want) {
					t.Errorf("nothing found says %q: %s", tc.want, found)
				}
			})
		})
	}
}
