package ghclient

import (
	"errors"
	"strings"
	"time"

	"github.com/google/go-github/v62/github"

	"github.com/agora-rfc/agora/app"
)

func mapped[From, To any](from []From, convert func(From) To) []To {
	to := make([]To, 0, len(from))
	for _, item := range from {
		to = append(to, convert(item))
	}
	return to
}

// accepted takes the error that go-github makes of a 202 for the success it is.
func accepted(err error) error {
	var scheduled *github.AcceptedError
	if errors.As(err, &scheduled) {
		return nil
	}
	return err
}

// toUser reads an account. GitHub shows a deleted one as null, and in places as
// the shared account "ghost": both are nobody, since ballots of different people
// must never meet under one id.
func toUser(u *github.User) app.User {
	if u == nil || strings.EqualFold(u.GetLogin(), "ghost") {
		return app.User{}
	}
	return app.User{
		ID: u.GetID(), Login: u.GetLogin(), Name: u.GetName(),
		Bot:       u.GetType() == "Bot" || strings.HasSuffix(u.GetLogin(), "[bot]"),
		CreatedAt: u.GetCreatedAt().UTC(),
	}
}

func toAccount(u *github.User) app.Account {
	return app.Account{ID: u.GetID(), Login: u.GetLogin(), Organization: u.GetType() == "Organization"}
}

func toInstallation(i *github.Installation) Installation {
	return Installation{ID: i.GetID(), Account: toAccount(i.GetAccount()), Suspended: i.SuspendedAt != nil}
}

func toRepository(r *github.Repository, installation int64) app.Repository {
	return app.Repository{
		ID: r.GetID(), Owner: toAccount(r.GetOwner()), Name: r.GetName(),
		Private: r.GetPrivate(), Archived: r.GetArchived(), DefaultBranch: r.GetDefaultBranch(),
		CreatedAt: r.GetCreatedAt().UTC(), Installation: installation,
	}
}

func toHookDelivery(d *github.HookDelivery) app.HookDelivery {
	return app.HookDelivery{
		ID: d.GetID(), GUID: d.GetGUID(), DeliveredAt: d.GetDeliveredAt().UTC(), Redelivery: d.GetRedelivery(),
		StatusCode: d.GetStatusCode(), Event: d.GetEvent(), Action: d.GetAction(),
		Installation: d.GetInstallationID(), Repository: d.GetRepositoryID(),
	}
}

func toIssue(i *github.Issue, repository int64) app.Issue {
	issue := app.Issue{
		Ref:   app.IssueRef{Repository: repository, Number: i.GetNumber()},
		Title: i.GetTitle(), Body: i.GetBody(), URL: i.GetHTMLURL(), Author: toUser(i.User),
		Labels: mapped(i.Labels, (*github.Label).GetName),
		Open:   i.GetState() == "open", Locked: i.GetLocked(), ClosedBy: toUser(i.ClosedBy), ClosedAt: i.GetClosedAt().UTC(),
		CreatedAt: i.GetCreatedAt().UTC(), UpdatedAt: i.GetUpdatedAt().UTC(),
	}
	if i.IsPullRequest() {
		issue.Pull = &app.Pull{Draft: i.GetDraft()}
	}
	return issue
}

func toPull(p *github.PullRequest) *app.Pull {
	return &app.Pull{
		// Lists leave "merged" out and say when.
		Draft: p.GetDraft(), Merged: p.GetMerged() || p.MergedAt != nil,
		HeadSHA: p.GetHead().GetSHA(), BaseRef: p.GetBase().GetRef(), MergedBy: toUser(p.MergedBy),
	}
}

// pullIssue reads a pull request out of a list of pull requests.
func pullIssue(p *github.PullRequest, repository int64) app.Issue {
	return app.Issue{
		Ref:   app.IssueRef{Repository: repository, Number: p.GetNumber()},
		Title: p.GetTitle(), Body: p.GetBody(), URL: p.GetHTMLURL(), Author: toUser(p.User),
		Labels: mapped(p.Labels, (*github.Label).GetName),
		Open:   p.GetState() == "open", Locked: p.GetLocked(), ClosedAt: p.GetClosedAt().UTC(),
		CreatedAt: p.GetCreatedAt().UTC(), UpdatedAt: p.GetUpdatedAt().UTC(),
		Pull: toPull(p),
	}
}

// comment adds to go-github's comment the App that wrote it.
type comment struct {
	github.IssueComment
	App *struct {
		ID int64 `json:"id"`
	} `json:"performed_via_github_app"`
}

func toComment(c comment) app.Comment {
	made := app.Comment{
		ID: c.GetID(), Author: toUser(c.User), Body: c.GetBody(), URL: c.GetHTMLURL(),
		CreatedAt: c.GetCreatedAt().UTC(), UpdatedAt: c.GetUpdatedAt().UTC(),
		Reactions: toReactionCounts(c.Reactions),
	}
	// A person can act through an App too; then the comment is the person's.
	if c.App != nil && made.Author.Bot {
		made.ByApp = c.App.ID
	}
	return made
}

func toReactionCounts(r *github.Reactions) map[string]int {
	if r == nil {
		return nil
	}
	return map[string]int{
		"+1": r.GetPlusOne(), "-1": r.GetMinusOne(), "laugh": r.GetLaugh(), "confused": r.GetConfused(),
		"heart": r.GetHeart(), "hooray": r.GetHooray(), "rocket": r.GetRocket(), "eyes": r.GetEyes(),
	}
}

// reaction is GitHub's reaction with its time, which go-github v62 leaves out.
type reaction struct {
	ID        int64        `json:"id"`
	User      *github.User `json:"user"`
	Content   string       `json:"content"`
	CreatedAt time.Time    `json:"created_at"`
}

func toReaction(r reaction) app.Reaction {
	return app.Reaction{ID: r.ID, User: toUser(r.User), Content: r.Content, CreatedAt: r.CreatedAt.UTC()}
}

func toReview(r *github.PullRequestReview) app.Review {
	return app.Review{
		ID: r.GetID(), Author: toUser(r.User), State: strings.ToUpper(r.GetState()), Body: r.GetBody(),
		URL: r.GetHTMLURL(), CommitID: r.GetCommitID(), SubmittedAt: r.GetSubmittedAt().UTC(),
	}
}
