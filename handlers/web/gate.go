package web

import (
	"context"
	"fmt"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/render"
	"github.com/agora-rfc/agora/app/rfc"
)

type gateInput struct {
	Repo          string `query:"repo" required:"true" maxLength:"201" pattern:"^[^/]+/[^/]+$" example:"acme/app"`
	RFC           int    `query:"rfc" minimum:"1" doc:"The n of RFC-n in the community of repo; or give pull"`
	Pull          int    `query:"pull" minimum:"1" doc:"A pull request of repo: every RFC it is bound to must pass"`
	SHA           string `query:"sha" pattern:"^[0-9a-f]{40,64}$" doc:"With pull: the head that is to pass. One that Agora has not heard of does not"`
	Head          string `query:"head" pattern:"^[0-9a-f]{40,64}$" doc:"The head of a merge group of repo: every pull request in it must pass"`
	Require       string `query:"require" enum:"accepted,implemented" default:"accepted" doc:"accepted also passes what is implemented"`
	Authorization string `header:"Authorization" maxLength:"9000" doc:"Bearer token of GitHub Actions, for a private repository; its audience is this server's public URL"`
}

// Resolve asks for exactly one of rfc, pull and head.
func (in *gateInput) Resolve(huma.Context) []error {
	given := 0
	for _, is := range []bool{in.RFC != 0, in.Pull != 0, in.Head != ""} {
		if is {
			given++
		}
	}
	if given != 1 {
		return []error{&huma.ErrorDetail{Location: "query", Message: "give one of rfc, pull and head"}}
	}
	return nil
}

type gateOutput struct {
	CacheControl string `header:"Cache-Control"`
	Vary         string `header:"Vary"`
	Body         gateShape
}

// gate answers whether an RFC, or all of a pull request's, let it through.
func (s *server) gate(ctx context.Context, in *gateInput) (*gateOutput, error) {
	proved, unproved := s.proved(ctx, in.Authorization)
	answer, err := view(ctx, s, func(ctx context.Context, tx rfc.Tx) (*gateOutput, error) {
		owner, name, _ := strings.Cut(in.Repo, "/")
		account, err := installed(ctx, tx, owner)
		if err != nil {
			return nil, err
		}
		repository, err := tx.RepositoryByName(ctx, owner, name)
		if err != nil {
			return nil, hidden(err)
		}
		g := gatekeeper{server: s, tx: tx, account: account, repository: repository, require: rfc.State(in.Require), proved: proved}
		if !g.visible(repository) {
			return nil, nothing
		}
		var answer gateShape
		switch {
		case in.RFC != 0:
			answer, err = g.judgeNumber(ctx, in.RFC)
		case in.Head != "":
			answer, err = g.judgeGroup(ctx, in.Head)
		default:
			answer, err = g.judgeHead(ctx, in.Pull, in.SHA)
		}
		if err != nil {
			return nil, err
		}
		return &gateOutput{CacheControl: "private, no-cache", Vary: "Authorization", Body: answer}, nil
	})
	if unproved != nil && app.Is(err, app.CodeNotFound) {
		err = unproved // it may be there for who is proved, or not: one answer for both
	}
	return answer, err
}

// proved is the repository a bearer token proves, 0 for none. A token that proves
// nothing is no error: what is public needs none.
func (s *server) proved(ctx context.Context, authorization string) (int64, error) {
	scheme, token, _ := strings.Cut(authorization, " ")
	if s.prover == nil || !strings.EqualFold(scheme, "bearer") || token == "" {
		return 0, nil
	}
	id, err := s.prover.Proves(ctx, strings.TrimSpace(token))
	if app.Is(err, app.CodeForbidden) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("checking a token: %w", err)
	}
	return id, nil
}

// gatekeeper judges one request of the gate.
type gatekeeper struct {
	*server
	tx         rfc.Tx
	account    app.Account
	repository app.Repository
	require    rfc.State
	proved     int64
}

// visible reports whether the asker may see what belongs to the repository.
func (g gatekeeper) visible(repository app.Repository) bool {
	return public(repository) || repository.Installation != 0 && g.proved != 0 && repository.ID == g.proved
}

// find looks up an RFC the asker may see.
func (g gatekeeper) find(ctx context.Context, number int) (rfc.View, error) {
	r, err := g.tx.RFCByNumber(ctx, g.account.ID, number)
	if err != nil {
		return rfc.View{}, hidden(err)
	}
	v, err := g.summary(ctx, g.tx, r)
	if err != nil {
		return v, err
	}
	if !g.visible(v.Repository) {
		return v, nothing
	}
	return v, nil
}

func (g gatekeeper) judgeNumber(ctx context.Context, number int) (gateShape, error) {
	v, err := g.find(ctx, number)
	if err != nil {
		return gateShape{}, err
	}
	return g.judge(v, false), nil
}

// judgeHead is judgePull for the head that is asked about: an answer for another commit,
// because the event of the push is still to come, is none.
func (g gatekeeper) judgeHead(ctx context.Context, number int, sha string) (gateShape, error) {
	if sha != "" {
		pull, err := g.tx.Pull(ctx, app.IssueRef{Repository: g.repository.ID, Number: number})
		if err != nil && !app.Is(err, app.CodeNotFound) {
			return gateShape{}, err
		}
		if err != nil || pull.HeadSHA != sha {
			return gateShape{}, errUnheard
		}
	}
	return g.judgePull(ctx, number)
}

// errUnheard is the answer about a commit whose event has not come: ask again.
var errUnheard = app.Errorf(app.CodeUnavailable, "Agora has not heard of this commit yet.")

// judgePull lets a pull request through when everything that stands in its way
// does: its own vote when it is an RFC itself, at the commit that was voted on, and
// every RFC it ever named. One that names none needs none, as for the check.
func (g gatekeeper) judgePull(ctx context.Context, number int) (gateShape, error) {
	ref := app.IssueRef{Repository: g.repository.ID, Number: number}
	pull, err := g.tx.Pull(ctx, ref)
	if err != nil {
		return gateShape{}, hidden(err)
	}
	astray, err := rfc.Astray(ctx, g.tx, pull)
	if astray || err != nil {
		return gateShape{Reason: rfc.AstrayReason, URL: pull.URL}, err
	}
	answer := gateShape{Passed: true, Reason: "no RFC needed", URL: pull.URL}
	own, err := g.tx.RFCByIssue(ctx, ref)
	switch {
	case err == nil:
		v, err := g.summary(ctx, g.tx, own)
		if err != nil {
			return gateShape{}, err
		}
		answer = g.judge(v, own.Bound.Head != pull.HeadSHA)
	case !app.Is(err, app.CodeNotFound):
		return gateShape{}, err
	}
	for _, n := range pull.Bound {
		if !answer.Passed {
			break
		}
		v, err := g.find(ctx, n)
		switch {
		case app.Is(err, app.CodeNotFound):
			answer = gateShape{RFC: n, Reason: fmt.Sprintf("RFC-%d cannot be found", n), URL: pull.URL}
		case err != nil:
			return gateShape{}, err
		default:
			answer = g.judge(v, false)
		}
	}
	return answer, nil
}

// judgeGroup lets a merge group through when every pull request in it passes. The
// reason names each RFC that was needed.
func (g gatekeeper) judgeGroup(ctx context.Context, head string) (gateShape, error) {
	group, err := g.tx.Check(ctx, g.repository.ID, head, rfc.CheckName)
	if app.Is(err, app.CodeNotFound) || err == nil && !group.MergeGroup {
		return gateShape{}, errUnheard
	}
	if err != nil {
		return gateShape{}, err
	}
	switch {
	case group.Unreadable != "" || len(group.Pulls) == 0:
		return gateShape{Reason: "The merge group cannot be read"}, nil
	}
	var answer gateShape
	for i, number := range group.Pulls {
		one, err := g.judgePull(ctx, number)
		switch {
		case err != nil || !one.Passed:
			return one, err
		case i == 0 || answer.RFC == 0:
			answer = one
		case one.RFC != 0 && !strings.Contains(answer.Reason, one.Reason):
			answer.Reason += "; " + one.Reason
		}
	}
	return answer, nil
}

// judge asks the rule of the check `agora/rfc` whether an RFC lets something
// through; moved tells that the commit is not the one that was accepted.
func (g gatekeeper) judge(v rfc.View, moved bool) gateShape {
	r := v.RFC
	moved = moved && (r.State == rfc.Accepted || r.State == rfc.Implemented)
	bar := rfc.Bar{Name: r.Name(), State: r.State, Changed: moved || r.ChangedSince()}
	passed := rfc.JudgeCheck([]rfc.Bar{bar}).Conclusion == app.CheckSuccess
	reason, _ := render.New().Check(v)
	switch {
	case moved:
		reason = r.Name() + " was accepted at another commit"
	case passed && g.require == rfc.Implemented && r.State != rfc.Implemented:
		passed, reason = false, reason+", and is not implemented yet"
	}
	url := r.URL
	if public(v.Repository) && r.Number > 0 { // a draft has no page
		url = g.pageURL(v.Account.Login, r.Number)
	}
	return gateShape{Passed: passed, State: string(r.State), RFC: r.Number, Reason: reason, URL: url}
}
