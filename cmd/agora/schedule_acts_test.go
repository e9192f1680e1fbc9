package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/ghsim"
	"github.com/agora-rfc/agora/app/rfc"
)

// passage is a stretch of a schedule: people act at its instant and shortly after,
// then nobody does until the next.
type passage struct {
	at   time.Time
	acts []act
	// firm passages decide when something begins: what disturbs them takes no time,
	// so that it begins at the same instant however it is played.
	firm bool
	edge bool // it goes over a deadline
}

// act is what one person does, told in names that mean the same in every playing.
type act struct {
	after time.Duration // since the passage's instant
	who   string
	verb  verb
	text  string // of a comment, a title, a reason, a label
	name  string // what is made by it, or what it is about
}

func (a act) String() string {
	return fmt.Sprintf("+%s %s %s %q %s", a.after, a.who, a.verb, a.text, a.name)
}

func (p passage) String() string {
	lines := []string{p.at.Format(time.RFC3339)}
	if p.firm {
		lines[0] += " (firm)"
	}
	for _, a := range p.acts {
		lines = append(lines, "    "+a.String())
	}
	return strings.Join(lines, "\n")
}

type verb string

const (
	opensIssue   verb = "opens an issue"
	opensPull    verb = "opens a pull request"
	comments     verb = "comments"
	editsComment verb = "edits the comment"
	deletes      verb = "deletes the comment"
	reacts       verb = "reacts to the ballot"
	takesBack    verb = "takes a reaction back"
	reviews      verb = "reviews"
	editsText    verb = "edits the text"
	pushes       verb = "pushes"
	labels       verb = "adds the label"
	unlabels     verb = "takes the label off"
	closes       verb = "closes"
	reopens      verb = "reopens"
	marksReady   verb = "marks it ready"
	blocks       verb = "blocks"
	implements   verb = "implements it"
	settles      verb = "settles a concern" // text has %d for its number, name is whose
)

const scheduleRepo = "acme/rfcs"

// perform does it on GitHub. What GitHub refuses, it refuses in every playing; so
// that is no error.
func (p *playing) perform(a act) error {
	who := p.sim.As(a.who)
	var err error
	switch a.verb {
	case opensIssue:
		var i ghsim.Issue
		i, err = who.OpenIssue(scheduleRepo, "A better way", a.text, strings.Fields(a.name)...)
		p.number = i.Number
	case opensPull:
		var i ghsim.Issue
		i, err = who.OpenPullRequest(scheduleRepo, ghsim.NewPullRequest{Title: "A better way", Body: a.text, Branch: "better", Draft: strings.Contains(a.name, "draft")})
		p.number = i.Number
	case comments:
		var c ghsim.Comment
		c, err = who.Comment(scheduleRepo, p.number, a.text)
		p.comments[a.name] = c.ID
	case editsComment:
		err = who.EditComment(scheduleRepo, p.comments[a.name], a.text)
	case deletes:
		err = who.DeleteComment(scheduleRepo, p.comments[a.name])
	case reacts, takesBack:
		err = p.react(a)
	case reviews:
		event := map[string]string{"+": ghsim.Approve, "-": ghsim.RequestChanges, " ": ghsim.ReviewComment}[a.text[:1]]
		_, err = who.Review(scheduleRepo, p.number, event, a.text[1:])
	case editsText:
		err = who.EditBody(scheduleRepo, p.number, a.text)
	case pushes:
		who.PushToPull(scheduleRepo, p.number, map[string]string{"better.md": a.text})
	case labels:
		err = who.AddLabels(scheduleRepo, p.number, a.text)
	case unlabels:
		err = who.RemoveLabel(scheduleRepo, p.number, a.text)
	case closes:
		err = who.Close(scheduleRepo, p.number)
	case reopens:
		err = who.Reopen(scheduleRepo, p.number)
	case marksReady:
		who.MarkReady(scheduleRepo, p.number)
	case blocks:
		err = who.Block("acme", a.name)
	case implements:
		var i ghsim.Issue
		if i, err = who.OpenPullRequest(scheduleRepo, ghsim.NewPullRequest{Title: "The better way", Body: "Implements: RFC-1", Branch: "the-better-way"}); err == nil {
			p.implementation = i.Number
			err = who.Merge(scheduleRepo, i.Number)
		}
	case settles:
		err = p.settleConcern(a)
	}
	var refused *ghsim.StatusError
	if errors.As(err, &refused) {
		return nil
	}
	return err
}

// react finds the ballot that people see: the newest.
func (p *playing) react(a act) error {
	var ballot int64
	for _, c := range p.sim.Comments(scheduleRepo, p.number) {
		if strings.HasPrefix(c.Body, "<!-- agora:ballot ") && c.User.Login == p.app.Login {
			ballot = c.ID
		}
	}
	if ballot == 0 {
		return nil
	}
	if a.verb == takesBack {
		return p.sim.As(a.who).Unreact(scheduleRepo, ballot, a.text)
	}
	_, err := p.sim.As(a.who).React(scheduleRepo, ballot, a.text)
	return err
}

// settleConcern comments on a concern by its number, which a person would look up.
func (p *playing) settleConcern(a act) error {
	_, v, err := p.look()
	if err != nil {
		return err
	}
	number := 0
	for _, c := range v.RFC.Concerns {
		if c.Text == a.name {
			number = c.Number
		}
	}
	c, err := p.sim.As(a.who).Comment(scheduleRepo, p.number, fmt.Sprintf(a.text, number))
	p.comments[fmt.Sprintf("%s %s %s", a.who, a.text, a.name)] = c.ID
	return err
}

// look reads the RFC as Agora has it; found is false before there is one.
func (p *playing) look() (found bool, v rfc.View, err error) {
	err = p.agora.store.RFC().View(p.ctx, func(ctx context.Context, tx rfc.Tx) error {
		all, err := tx.RFCs(ctx, rfc.Filter{})
		if err != nil || len(all) == 0 {
			return err
		}
		found = true
		v, err = rfc.LoadView(ctx, tx, all[0], p.now())
		return err
	})
	if app.Is(err, app.CodeNotFound) {
		err = nil
	}
	return found, v, err
}
