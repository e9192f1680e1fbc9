package webhook

import (
	"context"
	"strings"

	"github.com/google/go-github/v62/github"
	"github.com/tidwall/gjson"

	"github.com/agora-rfc/agora/app"
)

// user is a payload's user; a deleted account is null.
func user(u *github.User) app.User {
	if u == nil {
		return app.User{}
	}
	return app.User{ID: u.GetID(), Login: u.GetLogin(), Bot: u.GetType() == "Bot" || strings.HasSuffix(u.GetLogin(), "[bot]")}
}

func account(u *github.User) app.Account {
	return app.Account{ID: u.GetID(), Login: u.GetLogin(), Organization: u.GetType() == "Organization"}
}

func repository(r *github.Repository, installation *github.Installation) app.Repository {
	return app.Repository{
		ID: r.GetID(), Name: r.GetName(), Owner: account(r.GetOwner()), Private: r.GetPrivate(), Archived: r.GetArchived(),
		DefaultBranch: r.GetDefaultBranch(), CreatedAt: r.GetCreatedAt().Time, Installation: installation.GetID(),
	}
}

// privateIn lists the repositories of which a payload of any event says that they are
// private.
func privateIn(payload []byte) (ids []int64) {
	add := func(_, r gjson.Result) bool {
		if id := r.Get("id").Int(); id != 0 && r.Get("private").Bool() {
			ids = append(ids, id)
		}
		return true
	}
	for _, one := range []string{"repository", "changes.new_repository", "changes.old_repository"} {
		add(gjson.Result{}, gjson.GetBytes(payload, one))
	}
	for _, several := range []string{"repositories", "repositories_added"} {
		gjson.GetBytes(payload, several).ForEach(add)
	}
	return ids
}

// heardIn is the account that a payload of any event is about, and who acted, by the
// logins they bear; the zero account when it does not say.
func heardIn(payload []byte) (account app.Account, actor app.User) {
	for _, path := range []string{"repository.owner", "organization", "account", "installation.account"} {
		if found := gjson.GetBytes(payload, path); found.Get("id").Int() != 0 {
			account = app.Account{ID: found.Get("id").Int(), Login: found.Get("login").String()}
			break
		}
	}
	sender := gjson.GetBytes(payload, "sender")
	login := sender.Get("login").String()
	return account, app.User{ID: sender.Get("id").Int(), Login: login, Bot: sender.Get("type").String() == "Bot" || strings.HasSuffix(login, "[bot]")}
}

// resolve finds the repository of an event as Agora knows it.
func (w *Webhooks) resolve(ctx context.Context, r *github.Repository, installation *github.Installation) (app.Repository, error) {
	return w.Community.Resolve(ctx, repository(r, installation))
}

// own reports whether the App itself caused the event: its own writes are no news.
func (w *Webhooks) own(ctx context.Context, sender *github.User) bool {
	return user(sender).Bot && sender.GetLogin() == w.Self(ctx)
}

func labels(list []*github.Label) []string {
	names := make([]string, len(list))
	for i, l := range list {
		names[i] = l.GetName()
	}
	return names
}

func pullIssue(repo app.Repository, p *github.PullRequest) app.Issue {
	return app.Issue{
		Ref: app.IssueRef{Repository: repo.ID, Number: p.GetNumber()}, Title: p.GetTitle(), Body: p.GetBody(), URL: p.GetHTMLURL(),
		Author: user(p.GetUser()), Labels: labels(p.Labels), Open: p.GetState() == "open",
		CreatedAt: p.GetCreatedAt().Time, UpdatedAt: p.GetUpdatedAt().Time,
		Pull: &app.Pull{Draft: p.GetDraft(), Merged: p.GetMerged(), HeadSHA: p.GetHead().GetSHA(), BaseRef: p.GetBase().GetRef(), MergedBy: user(p.GetMergedBy())},
	}
}
