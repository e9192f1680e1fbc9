package rfc

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/command"
	"github.com/agora-rfc/agora/app/notification"
)

// notify enters what happened for those whom it concerns (RULES §3): every member, or the
// people who take part in the RFC. source tells it from everything else on the RFC.
func (c *change) notify(ctx context.Context, t notification.Type, actor app.User, source, url, text string) error {
	subject := c.r.Name()
	if c.r.Number == 0 {
		subject = "Draft"
	}
	return notification.Enter(ctx, c.tx, notification.Notification{
		Community: c.r.Community, Type: t, Actor: actor.ID, Repository: c.r.Ref.Repository, RFC: c.r.Number,
		Subject: subject, Title: c.r.Title, Text: text, URL: url, At: c.now, Source: source,
		For: append(slices.Clone(c.r.Participants), c.r.person()),
	})
}

// opened tells every member that the RFC is open for comment; again tells that it was
// before.
func (c *change) opened(ctx context.Context, actor app.User, again bool) error {
	source, text := c.r.Subject()+"/opened", "is open for comment"
	if again {
		source += "/" + c.now.UTC().Format(time.RFC3339Nano)
		text += " again"
	}
	return c.notify(ctx, notification.RFCOpened, actor, source, c.r.URL, text)
}

// roundSource begins the source of what happens to the newest round.
func (c *change) roundSource() string {
	return fmt.Sprintf("%s/round/%d", c.r.Subject(), c.round.Number)
}

// votingStarted tells every member that they may vote.
func (c *change) votingStarted(ctx context.Context, actor app.User) error {
	return c.notify(ctx, notification.VotingStarted, actor, c.roundSource()+"/started", c.r.URL,
		"voting is open until "+stamp(c.round.Planned))
}

// votingEnded tells who took part that the newest round is over.
func (c *change) votingEnded(ctx context.Context, actor app.User, how string) error {
	return c.notify(ctx, notification.VotingEnded, actor, c.roundSource()+"/ended", c.r.URL, "voting ended: "+how)
}

// outcomeTexts say how a round was decided.
var outcomeTexts = map[Outcome]string{
	OutcomeAccepted: "accepted", OutcomeRejected: "rejected", OutcomePostponed: "postponed", OutcomeChangesRequested: "changes requested",
}

// decisionMade tells who took part that the vote is over, and every member what was
// decided. Time decides, so nobody acted.
func (c *change) decisionMade(ctx context.Context, outcome Outcome) error {
	if err := c.votingEnded(ctx, app.User{}, outcomeTexts[outcome]); err != nil {
		return err
	}
	return c.notify(ctx, notification.DecisionMade, app.User{}, fmt.Sprintf("%s/decision/%d", c.r.Subject(), c.round.Number), c.r.URL,
		"decided: "+outcomeTexts[outcome])
}

// wrote tells who took part that somebody wrote on the RFC, in a comment or a review; who
// only gave commands said nothing. It reports whether there was more.
func (c *change) wrote(ctx context.Context, author app.User, body, source, url string) (bool, error) {
	if author.Bot || author.Gone() || strings.TrimSpace(body) == "" || command.Commands(body) {
		return false, nil
	}
	if err := c.notify(ctx, notification.RFCComment, author, source, url, "new comment"); err != nil {
		return true, err
	}
	c.takesPart(author.ID)
	return true, nil
}

// takesPart remembers who is told what happens on the RFC from now on.
func (c *change) takesPart(user int64) {
	if user != 0 && user != c.r.Author.ID && !slices.Contains(c.r.Participants, user) {
		c.r.Participants = append(c.r.Participants, user)
	}
}
