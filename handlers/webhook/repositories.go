package webhook

import (
	"context"
	"strings"

	"github.com/google/go-github/v62/github"
	"github.com/tidwall/gjson"

	"github.com/agora-rfc/agora/app"
	"github.com/agora-rfc/agora/app/community"
)

// installation: the App was installed on an account, removed or suspended.
func (w *Webhooks) installation(ctx context.Context, e *github.InstallationEvent, _ []byte) error {
	i := e.GetInstallation()
	if i.GetID() == 0 {
		return nil // it does not say which installation
	}
	installation := app.Installation{ID: i.GetID(), Account: account(i.GetAccount()), Suspended: !i.GetSuspendedAt().IsZero()}
	switch e.GetAction() {
	case "created", "unsuspend", "new_permissions_accepted":
		installation.Suspended = false
		return w.Community.Installed(ctx, installation, seen(e.Repositories, installation))
	case "suspend":
		installation.Suspended = true
		return w.Community.Uninstalled(ctx, installation)
	case "deleted":
		installation.Removed = true
		return w.Community.Uninstalled(ctx, installation)
	}
	return nil
}

// installationRepositories: repositories were added to the installation, or taken
// from it.
func (w *Webhooks) installationRepositories(ctx context.Context, e *github.InstallationRepositoriesEvent, _ []byte) error {
	i := e.GetInstallation()
	if i.GetID() == 0 {
		return nil // it does not say which installation
	}
	installation := app.Installation{ID: i.GetID(), Account: account(i.GetAccount()), Suspended: !i.GetSuspendedAt().IsZero()}
	if err := w.Community.Installed(ctx, installation, seen(e.RepositoriesAdded, installation)); err != nil {
		return err
	}
	ids := make([]int64, len(e.RepositoriesRemoved))
	for n, r := range e.RepositoriesRemoved {
		ids[n] = r.GetID()
	}
	return w.Community.Removed(ctx, i.GetID(), ids...)
}

// seen reads the short form in which installations list their repositories.
func seen(list []*github.Repository, installation app.Installation) []app.Repository {
	repositories := make([]app.Repository, len(list))
	for n, r := range list {
		repositories[n] = app.Repository{ID: r.GetID(), Name: r.GetName(), Owner: installation.Account, Private: r.GetPrivate(), Installation: installation.ID}
	}
	return repositories
}

// repository: renamed, made private or public, archived, moved or deleted.
func (w *Webhooks) repository(ctx context.Context, e *github.RepositoryEvent, _ []byte) error {
	now := repository(e.GetRepo(), e.GetInstallation())
	switch e.GetAction() {
	case "deleted":
		known, err := w.Community.Resolve(ctx, app.Repository{ID: now.ID})
		if err != nil {
			return err
		}
		if err := w.RFCs.RepositoryGone(ctx, known, user(e.GetSender())); err != nil {
			return err
		}
		return w.Community.Removed(ctx, known.Installation, now.ID)
	case "renamed", "transferred", "privatized", "publicized", "archived", "unarchived", "edited":
		known, err := w.Community.Resolve(ctx, now)
		if err != nil {
			return err
		}
		return w.Community.SetUp(ctx, community.RepositoryOrder{Installation: known.Installation, Account: known.Owner, Repository: now.ID, Name: now.Name})
	}
	return nil
}

// label: somebody renamed or deleted a label of ours; it is made again when it is
// needed next.
func (w *Webhooks) label(ctx context.Context, e *github.LabelEvent, raw []byte) error {
	if e.GetAction() == "created" || w.own(ctx, e.GetSender()) {
		return nil
	}
	name := e.GetLabel().GetName()
	if before := gjson.GetBytes(raw, "changes.name.from").String(); before != "" {
		name = before
	}
	repo, err := w.resolve(ctx, e.GetRepo(), e.GetInstallation())
	if err != nil {
		return err
	}
	return w.RFCs.LabelChanged(ctx, repo, name)
}

// push: the default branch may have brought a new configuration.
func (w *Webhooks) push(ctx context.Context, e *github.PushEvent, _ []byte) error {
	r := e.GetRepo()
	if e.GetRef() != "refs/heads/"+r.GetDefaultBranch() || !touchesPolicy(e) {
		return nil
	}
	repo, err := w.Community.Resolve(ctx, app.Repository{
		ID: r.GetID(), Name: r.GetName(), DefaultBranch: r.GetDefaultBranch(), Private: r.GetPrivate(), Installation: e.GetInstallation().GetID(),
		Owner: app.Account{ID: r.GetOwner().GetID(), Login: r.GetOwner().GetLogin(), Organization: r.GetOwner().GetType() == "Organization"},
	})
	if err != nil {
		return err
	}
	if !e.GetDeleted() {
		if err := w.RFCs.OrderPushedConfigCheck(ctx, repo, e.GetAfter(), e.GetBefore()); err != nil {
			return err
		}
	}
	return w.Community.PolicyPushed(ctx, repo)
}

// touchesPolicy reports whether the push may have changed the configuration. A
// push too large for its list of commits, or forced, may have.
func touchesPolicy(e *github.PushEvent) bool {
	const listed = 20 // GitHub lists no more commits than this
	if e.GetForced() || len(e.Commits) == 0 || len(e.Commits) >= listed {
		return true
	}
	for _, c := range e.Commits {
		for _, files := range [][]string{c.Added, c.Modified, c.Removed} {
			for _, file := range files {
				if strings.EqualFold(file, community.PolicyPath) {
					return true
				}
			}
		}
	}
	return false
}

// orgBlock: a person was blocked in the community, or no longer is. Ballots in
// open rounds are void from now on; unblocking does not bring them back.
func (w *Webhooks) orgBlock(ctx context.Context, e *github.OrgBlockEvent, _ []byte) error {
	blocked := e.GetAction() == "blocked"
	account := e.GetOrganization().GetID()
	if err := w.Community.Block(ctx, account, user(e.GetBlockedUser()), blocked); err != nil || !blocked {
		return err
	}
	return w.RFCs.VoidVoter(ctx, account, user(e.GetBlockedUser()), received(ctx), "blocked") // GitHub does not say when
}
